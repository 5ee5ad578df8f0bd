"""Files that are there whole or not at all, for whatever a person gives and whatever is kept."""

from __future__ import annotations

import errno
import os
import secrets
from pathlib import Path

from freezecore.sentences import say

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def write(path: Path, content: bytes) -> None:
    """Put this content into the file: beside it, onto the disk, then in its place.

    Raises:
        OSError: it cannot be written; what was there is as it was, and nothing else is left.
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        raise OSError(errno.EEXIST, "something that is no file is in its place")
    beside = path.with_name(f".new-{secrets.token_hex(8)}")
    try:
        with beside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def hint(error: OSError) -> str:
    """What to do about a file of this program's that cannot be written."""
    if error.errno in FULL:
        return say("Make room on the disk.")
    return say("Set FREEZE_EXPLORER_HOME to a folder that may be written.")
