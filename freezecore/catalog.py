"""The catalog: models and their sizes as the sweep over both libraries found them, read without any library."""

from __future__ import annotations

import csv
import functools
from dataclasses import dataclass
from pathlib import Path

from freezecore.cache.keys import versions

FILE = Path(__file__).with_name("catalog.csv")
VERSIONED = ("timm", "torchvision", "transformers")


@dataclass(frozen=True, slots=True)
class ModelName:
    """One model that can be opened.

    Attributes:
        source: text for `ModelSource.parse`.
        family: the library's module that defines it.
        parameters: scalars in all its parameters; None where nobody has counted them yet.
    """

    source: str
    family: str
    parameters: int | None = None


@functools.cache
def read() -> tuple[ModelName, ...]:
    """All models of the catalog, in its order."""
    if not FILE.is_file():
        return ()
    with FILE.open(newline="", encoding="utf-8") as lines:
        next(lines)  # the versions
        rows = csv.DictReader(lines)
        return tuple(
            ModelName(r["source"], r["family"], int(r["parameters"]) if r["parameters"] else None) for r in rows
        )


def is_current() -> bool:
    """Whether it was written with the installed versions of both libraries."""
    if not FILE.is_file():
        return False
    with FILE.open(encoding="utf-8") as lines:
        return lines.readline().strip() == heading()


def heading() -> str:
    """The catalog's first line, with the installed versions."""
    installed = versions()
    return "# " + " ".join(f"{name} {installed.get(name, '?')}" for name in VERSIONED)
