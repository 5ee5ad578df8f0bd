"""What visitors drop: which files are taken, and up to which size."""

from __future__ import annotations

from pathlib import Path

from freezecore.cache import uploads
from freezecore.datasets import JSON_TYPES, TAGGED_TYPES
from freezecore.errors import DataError, SourceError, shortened
from freezecore.sentences import say
from freezecore.serving import file_check

TYPES = {"image": (".zip",), "text": (".csv", ".tsv", ".parquet", *JSON_TYPES, *TAGGED_TYPES)}
LARGEST_MIB = 50  # the web process holds a file while it arrives
LARGEST_MODEL_MIB = 20


def keep_data(content: bytes, name: str, kind: str) -> str:
    """Keep a data set; the name that stands for it as data.

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
    return uploads.keep(content, name)


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
    looked = file_check.ask(content, name)
    return f"{looked['scheme']}:{uploads.keep(content, name, looked['title'])}"
