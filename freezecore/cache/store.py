"""The cache folder: what is cheap to lose and slow to make again, in files written whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import TypeVar

from freezecore.cache import whole_file
from freezecore.errors import FreezeError, shortened
from freezecore.sentences import say

HOME_VARIABLE = "FREEZE_EXPLORER_HOME"
MOST_FILES = 400
LARGEST = 64 * 2**20
DIGEST_BYTES = 32
NOWHERE = Path(os.devnull, "freeze-explorer")  # where there is no home: every file is absent, none can be kept

T = TypeVar("T")


def home() -> Path:
    """The folder for caches and runs: `$FREEZE_EXPLORER_HOME`, else the user's cache folder."""
    if named := os.environ.get(HOME_VARIABLE):
        return Path(named)
    import platformdirs  # not needed where the folder is given

    try:
        found = platformdirs.user_cache_path("freeze-explorer", appauthor=False)
    except RuntimeError:  # the user has no home; older versions give `~`, which then stands for nothing
        return NOWHERE
    return found if found.is_absolute() else NOWHERE


def read(kind: str, key: str) -> bytes | None:
    """What was stored under this key, or None; what cannot be read counts as absent, what is damaged goes."""
    path = _path(kind, key)
    try:
        with path.open("rb") as file:
            content = file.read(DIGEST_BYTES + LARGEST + 1)
    except OSError:
        if os.path.isdir(path):
            _drop(path)
        return None
    digest, content = content[:DIGEST_BYTES], content[DIGEST_BYTES:]
    if digest == hashlib.sha256(content).digest():
        return content
    _drop(path)
    return None


def load(kind: str, key: str, parse: Callable[[bytes], T]) -> T | None:
    """What `parse` makes of what was stored; None where there is nothing, or nothing that can be parsed, which goes."""
    content = read(kind, key)
    try:
        return None if content is None else parse(content)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, FreezeError):
        _drop(_path(kind, key))
        return None


def write(kind: str, key: str, content: bytes, most: int | None = None) -> None:
    """Store under this key, replacing what was there; the log says when there is no room for it, nobody depends on it.

    What was stored longest ago goes where there is more of this kind than `most`, else `MOST_FILES`. Readers and other
    writers never see a half-written file.
    """
    path = _path(kind, key)
    try:
        if len(content) <= LARGEST:
            path.parent.mkdir(parents=True, exist_ok=True)
            whole_file.write(path, hashlib.sha256(content).digest() + content)
            for old in newest_first(path.parent.iterdir())[MOST_FILES if most is None else most :]:
                old.unlink(missing_ok=True)
    except OSError as error:
        tell(
            say(
                "What was read and followed cannot be kept in {folder} for the next time: {cause}. {hint}",
                folder=shortened(str(path.parent), 200),
                cause=error.strerror or type(error).__name__,
                hint=whole_file.hint(error),
            )
        )


def _drop(path: Path) -> None:
    """Remove what lies in a stored file's place and is none; it will be made again."""
    with contextlib.suppress(OSError):
        if os.path.isdir(path):
            shutil.rmtree(path)
        else:
            path.unlink()
        tell(say("What was kept in {folder} was damaged and is made again.", folder=shortened(str(path.parent), 200)))


@cache
def tell(sentence: str) -> None:
    """Into the log, which is standard error unless a program says otherwise; each sentence once."""
    import logging  # dear beside the rest of `freezecore`, and mostly not needed

    logging.getLogger("freezecore").warning(sentence)


def _path(kind: str, key: str) -> Path:
    return home() / kind / hashlib.sha256(f"with digest {key}".encode()).hexdigest()[:32]


def newest_first(paths: Iterable[Path]) -> list[Path]:
    """The files or folders by the time of their last change."""
    return sorted(paths, key=_age, reverse=True)


def _age(path: Path) -> float:
    """Modification time; 0 for what another process has just removed."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
