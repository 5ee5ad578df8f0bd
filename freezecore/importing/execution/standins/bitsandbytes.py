"""`bitsandbytes`: linear layers of a base in few bits are those that the model has."""

from __future__ import annotations

from freezecore.importing.execution.standins.module import kind_of

NAMES = {f"bitsandbytes.nn.{name}": kind_of("nn.Linear") for name in ("Linear4bit", "Linear8bitLt")}
