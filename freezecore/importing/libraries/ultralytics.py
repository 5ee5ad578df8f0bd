"""Ultralytics, by the rule of its `BaseTrainer`."""

from __future__ import annotations

import re

from freezecore.importing.libraries.reading import Reading

KEYS = ("freeze",)


def read(found: Reading) -> bool:
    """Ultralytics: the first N layers of `model.N.…`, or those listed, and always the distribution's own."""
    value = found.mapping["freeze"]
    layers = range(value) if isinstance(value, int) and not isinstance(value, bool) else value
    known = isinstance(layers, (list, range)) and all(isinstance(each, int) for each in layers)
    if not known or not any(re.match(r"(model\.)+\d+\.", p.name) for p in found.tree.parameters):
        return False
    names = [f"model.{layer}." for layer in layers] + [".dfl"]
    found.trains = [not any(name in p.name for name in names) for p in found.tree.parameters]
    return True
