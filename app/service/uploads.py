"""Data that visitors have dropped: kept under unguessable names, the oldest forgotten when room is short."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from freezecore.errors import DataError, shortened
from freezecore.sentences import say
from freezecore.serving import access

TYPES = {"image": (".zip",), "text": (".csv", ".tsv", ".parquet")}
LARGEST_MIB = 50  # the web process holds a file while it arrives
MOST_BYTES = 2 * 10**9  # of all visitors together
LONGEST_NAME = 60


def keep(content: bytes, name: str, kind: str) -> str:
    """Keep a file's content; the path that names it as data.

    Raises:
        DataError: it is too large, or of a kind that such a model does not read.
    """
    ending = Path(name).suffix.lower()
    if ending not in TYPES[kind]:
        raise DataError(
            "'{name}' is no data for this model.",
            "This model reads {kind}: drop {types}.",
            name=shortened(name),
            kind=say("pictures") if kind == "image" else say("text"),
            types=" or ".join(TYPES[kind]),
        )
    if len(content) > LARGEST_MIB * 2**20:
        raise DataError(
            "'{name}' is larger than {most} MiB.", "Take a sample of it.", name=shortened(name), most=LARGEST_MIB
        )
    given = re.sub(r"[^\w.-]+", "_", Path(name).stem, flags=re.ASCII)[:LONGEST_NAME] or "data"
    folder = access.uploads()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{hashlib.sha256(content).hexdigest()[:32]}-{given}{ending}"
    if path.exists():
        path.touch()
    else:
        _make_room(folder, len(content))
        path.write_bytes(content)
    return str(path)


def _make_room(folder: Path, size: int) -> None:
    endings = {ending for some in TYPES.values() for ending in some}
    files = sorted((f for f in folder.iterdir() if f.suffix in endings), key=lambda f: f.stat().st_mtime)
    total = size + sum(f.stat().st_size for f in files)
    for file in files:
        if total <= MOST_BYTES:
            return
        total -= file.stat().st_size
        file.unlink(missing_ok=True)
