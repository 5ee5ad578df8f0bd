"""The cache folder: what is cheap to lose and slow to make again, in files written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from freezecore.errors import FreezeError

HOME_VARIABLE = "FREEZE_EXPLORER_HOME"
MOST_FILES = 400

T = TypeVar("T")


def home() -> Path:
    """The folder for caches and runs: `$FREEZE_EXPLORER_HOME`, else the user's cache folder."""
    if HOME_VARIABLE in os.environ:
        return Path(os.environ[HOME_VARIABLE])
    import platformdirs  # not needed where the folder is given

    return platformdirs.user_cache_path("freeze-explorer", appauthor=False)


def read(kind: str, key: str) -> bytes | None:
    """What was stored under this key, or None; a file that cannot be read counts as absent."""
    try:
        return _path(kind, key).read_bytes()
    except OSError:
        return None


def load(kind: str, key: str, parse: Callable[[bytes], T]) -> T | None:
    """What `parse` makes of what was stored; None where there is nothing, or nothing that can be parsed, which goes."""
    content = read(kind, key)
    try:
        return None if content is None else parse(content)
    except (ValueError, KeyError, TypeError, FreezeError):
        _path(kind, key).unlink(missing_ok=True)
        return None


def write(kind: str, key: str, content: bytes) -> None:
    """Store under this key, replacing what was there; readers and other writers never see a half-written file."""
    path = _path(kind, key)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new-", delete=False) as file:
        try:
            file.write(content)
            file.close()
            os.replace(file.name, path)
        except OSError:
            Path(file.name).unlink(missing_ok=True)
            raise
    for old in newest_first(path.parent.iterdir())[MOST_FILES:]:
        old.unlink(missing_ok=True)


def _path(kind: str, key: str) -> Path:
    return home() / kind / hashlib.sha256(key.encode()).hexdigest()[:32]


def newest_first(paths: Iterable[Path]) -> list[Path]:
    """The files or folders by the time of their last change."""
    return sorted(paths, key=_age, reverse=True)


def _age(path: Path) -> float:
    """Modification time; 0 for what another process has just removed."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
