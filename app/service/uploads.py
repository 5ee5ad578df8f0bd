"""Files that visitors have dropped: kept under unguessable names, the oldest forgotten when room is short."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from freezecore import model_file
from freezecore.cache import store
from freezecore.errors import DataError, SourceError, shortened
from freezecore.sentences import say
from freezecore.serving import access

TYPES = {"image": (".zip",), "text": (".csv", ".tsv", ".parquet")}
LARGEST_MIB = 50  # the web process holds a file while it arrives
LARGEST_MODEL_MIB = 20
MOST_FILES = 1_000  # of all visitors together
MOST_BYTES = 2 * 10**9  # likewise
LONGEST_NAME = 60


def keep_data(content: bytes, name: str, kind: str) -> str:
    """Keep a data set; the path that names it as data.

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
            "'{name}' is larger than {most} MB.", "Take a sample of it.", name=shortened(name), most=LARGEST_MIB
        )
    given = re.sub(r"[^\w.-]+", "_", Path(name).stem, flags=re.ASCII)[:LONGEST_NAME] or "data"
    return str(_keep(content, f"-{given}{ending}"))


def keep_model(content: bytes, name: str) -> str:
    """Keep a file that `fc.save` wrote, or a Hugging Face configuration; the source that opens it.

    Raises:
        SourceError: it is neither, or too large.
    """
    if len(content) > LARGEST_MODEL_MIB * 2**20:
        raise SourceError(
            "'{name}' is larger than {most} MB.",
            "Save it with a smaller batch.",
            name=shortened(name),
            most=LARGEST_MODEL_MIB,
        )
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        raise SourceError(
            "'{name}' is no JSON file.", "Drop a model.json or a config.json.", name=shortened(name)
        ) from None
    is_config = isinstance(data, dict) and isinstance(data.get("model_type"), str)
    if not is_config:
        model_file.loads(content, name)
    return f"{'config' if is_config else 'file'}:{_keep(content, '.json')}"


def _keep(content: bytes, ending: str) -> Path:
    folder = access.uploads_folder()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{hashlib.sha256(content).hexdigest()[:32]}{ending}"
    if path.exists():
        path.touch()
        return path
    total = len(content)
    for place, file in enumerate(store.newest_first(folder.iterdir()), start=1):
        total += file.stat().st_size
        if place >= MOST_FILES or total > MOST_BYTES:
            file.unlink(missing_ok=True)
    path.write_bytes(content)
    return path
