"""Files that visitors have dropped: each in a folder named by the digest of its content, under the name it was given.

A name such as `uploads/0123…/cats.zip` stands for one wherever a path may stand: in links, requests and sentences.
Where on the server's disk it lies is in none of them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import time
from functools import lru_cache
from pathlib import Path, PurePosixPath

from freezecore.cache import store, whole_file
from freezecore.errors import FreezeError, shortened

FOLDER = "uploads"
DIGITS = 32  # of the digest, hexadecimal: nobody guesses the name of another's file
NAME = re.compile(rf"{FOLDER}/[0-9a-f]{{{DIGITS}}}/(?!\.+$)[\w.-]+")
MOST_FILES = 1_000  # of all visitors together
MOST_BYTES = 2 * 10**9  # likewise
MOST_AGE_S = 180 * 86_400.0  # since it was last opened
LONGEST_NAME = 60
TITLE = "title"  # the file beside an upload that holds what its content is called
TITLES = re.compile(rf"[\w.]{{1,{LONGEST_NAME}}}")


def folder() -> Path:
    """Where they lie."""
    return store.home() / FOLDER


def place_of(name: str) -> Path:
    """Where the file of this name lies, be it an upload's or any path."""
    return store.home() / name if NAME.fullmatch(name) else Path(name).expanduser()


def as_given(text: str) -> str:
    """The text with the files' names as their owners have them: `file:model.json`."""
    return NAME.sub(lambda found: PurePosixPath(found[0]).name, text)


def title(name: str) -> str | None:
    """What the upload's content is called, where that is known."""
    if not NAME.fullmatch(name):
        return None
    with contextlib.suppress(OSError):
        return place_of(name).with_name(TITLE).read_text("utf-8")
    return None


def keep(content: bytes, given: str, title: str = "") -> str:
    """Keep a file that was given under a name; the name that stands for it from now on.

    Args:
        title: what its content is called, such as a model's class.

    Raises:
        FreezeError: it cannot be written; nothing of it is left.
    """
    path = Path(given)
    stem = re.sub(r"[^\w-]+", "_", path.stem)[:LONGEST_NAME] or "file"
    name = f"{FOLDER}/{_digest(content)}/{stem}{path.suffix.lower()}"
    place = place_of(name)
    prune(len(content))
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        if not (place.is_file() and _digest(place.read_bytes()) == place.parent.name):
            whole_file.write(place, content)
        if TITLES.fullmatch(title):
            whole_file.write(place.with_name(TITLE), title.encode())
        os.utime(place.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            place.parent.rmdir()
        raise FreezeError(
            "'{name}' cannot be kept: {cause}.",
            whole_file.hint(error),
            name=shortened(given),
            cause=error.strerror or type(error).__name__,
        ) from error
    return name


def check(name: str) -> None:
    """Let an upload pass that is as it was given, and any other name.

    Raises:
        FreezeError: it is no longer there, or not whole.
    """
    place = place_of(name)
    try:
        digest = place.relative_to(folder()).parts[0][:DIGITS]
        stat = place.stat()
        os.utime(place.parent)
    except (ValueError, IndexError):
        return
    except OSError as error:
        raise FreezeError(
            "'{name}' was dropped here, and is no longer there.", "Drop it again.", name=shortened(place.name)
        ) from error
    if not _is_whole(place, digest, stat.st_size, stat.st_mtime_ns):
        with contextlib.suppress(OSError):
            place.unlink()
        raise FreezeError(
            "'{name}' was damaged on the server's disk, and is not read.", "Drop it again.", name=shortened(place.name)
        )


def remove(name: str) -> None:
    """Forget an upload; nothing where it is gone already, or where the name is none."""
    if NAME.fullmatch(name):
        shutil.rmtree(place_of(name).parent, ignore_errors=True)


def prune(more: int = 0) -> None:
    """Forget what was not opened for long, and the oldest where room for so many more bytes is short."""
    total, now = more, time.time()
    with contextlib.suppress(OSError):
        for place, held in enumerate(store.newest_first(folder().iterdir()), start=1):
            files = [*held.iterdir()] if held.is_dir() else [held]
            total += sum(file.stat().st_size for file in files)
            if place >= MOST_FILES or total > MOST_BYTES or now - held.stat().st_mtime > MOST_AGE_S:
                shutil.rmtree(held) if held.is_dir() else held.unlink()


@lru_cache(256)
def _is_whole(place: Path, digest: str, size: int, changed: int) -> bool:
    """Whether the file's content has this digest; asked once for as long as it has this size and time."""
    try:
        return _digest(place.read_bytes()) == digest
    except OSError:
        return False


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:DIGITS]
