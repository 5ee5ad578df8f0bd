"""Which servers still run, told by file locks that the system takes away from a process that dies."""

from __future__ import annotations

import secrets
from pathlib import Path

from filelock import FileLock, Timeout


class ServerLock:
    """This server's own lock, held until its process ends, and a look at those of others.

    Attributes:
        name: this server's, as others may ask for it.
        alone: no other server ran when it began.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.name = secrets.token_hex(8)
        self._own = self._lock(self.name)
        self._own.acquire()
        self.alone = [self.is_held(file.name) for file in folder.iterdir()].count(True) == 1

    def is_held(self, name: str) -> bool:
        """Whether the server of this name still runs; the file of a dead one is removed."""
        if name == self.name:
            return True
        if not (self._folder / name).is_file():
            return False
        try:
            with self._lock(name):
                pass
        except Timeout:
            return True
        (self._folder / name).unlink(missing_ok=True)
        return False

    def _lock(self, name: str) -> FileLock:
        return FileLock(self._folder / name, timeout=0, thread_local=False)
