"""What a stored answer depends on besides its question: library versions, and the files that a name stands for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from freezecore.source import ModelSource

LIBRARIES = ("torch", "timm", "torchvision", "transformers")


def versions(libraries: Iterable[str] = LIBRARIES) -> dict[str, str]:
    """Versions of those of the libraries that are installed, none of which is imported."""
    from importlib import metadata  # dear beside the rest of `freezecore`

    found = {}
    for name in libraries:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def versions_of(source: ModelSource) -> dict[str, str]:
    """Those of the libraries that build this source's model."""
    return versions((*LIBRARIES, "peft") if source.adapter else LIBRARIES)


def file_stamp(name: str | None) -> list[int]:
    """Size and time of a file, or of a folder and all that lies in it, so that what was edited is read again.

    Empty where the name stands for no file, such as an architecture's.
    """
    if not name:
        return []
    try:
        path = Path(name)
        stats = [path.stat(), *(file.stat() for file in path.glob("*") if file.exists())]
    except (OSError, ValueError):
        return []
    return [sum(stat.st_size for stat in stats), max(stat.st_mtime_ns for stat in stats)]


def tuples(value: Any) -> Any:
    """A JSON value with tuples in place of its lists, at every depth of them."""
    return tuple(map(tuples, value)) if isinstance(value, list) else value
