"""Colour, on terminals only: what a program reads stays plain."""

from __future__ import annotations

import os
import sys
from typing import Literal, TextIO

Style = Literal["red", "yellow", "green"]
CODES = {"red": 31, "yellow": 33, "green": 32}
SEVERITIES: dict[str, Style] = {"error": "red", "warning": "yellow"}


def painted(text: str, style: Style | None, stream: TextIO | None = None) -> str:
    """The text in a colour where the stream (standard output) is a terminal that wants colours."""
    stream = stream or sys.stdout
    plain = style is None or not stream.isatty() or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return text if plain else f"\x1b[{CODES[style]}m{text}\x1b[0m"
