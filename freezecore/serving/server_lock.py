"""Which servers live, told by locks that the kernel takes away from a process that dies."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import IO


class Presence:
    """One server's own lock, and a look at the others'."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.name = secrets.token_hex(8)
        self._file = (folder / self.name).open("w")
        _lock(self._file)

    def lives(self, name: str) -> bool:
        """Whether the server of this name still runs; the file of a dead one is removed."""
        if name == self.name:
            return True
        try:
            with (self._folder / name).open("r+") as file:
                if not _lock(file):
                    return True
        except OSError:
            return False
        (self._folder / name).unlink(missing_ok=True)
        return False


def _lock(file: IO) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows: one server at a time, so every other is taken for dead
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
