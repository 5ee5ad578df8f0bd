"""One bad input: what a person hands over, and what the answer must hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from freezecore.errors import FreezeError
from freezecore.source import ModelSource


@dataclass(frozen=True)
class Bad:
    """A bad input.

    Attributes:
        name: what is wrong with it.
        do: hands it over; its argument is an empty folder, which is the working directory too.
        error: the class of what must be raised.
        says: what the sentence holds, the person's own value where there is one.
        hint: what the hint holds.
    """

    name: str
    do: Callable[[Path], object]
    error: type[FreezeError]
    says: tuple[str, ...]
    hint: str


def opened(text: str, **options) -> object:
    """Build a source."""
    from freezecore.runtime.build.source import build

    return build(ModelSource.parse(text, **options))


def opened_config(folder: Path, content: object) -> object:
    """Build from a `config.json` that holds this: a text or bytes as they are, else as JSON."""
    if not isinstance(content, (str, bytes)):
        content = json.dumps(content)
    (folder / "config.json").write_bytes(content.encode() if isinstance(content, str) else content)
    return opened("config:./config.json")
