"""Model files: a tree and a trace as `fc.save` writes them, so that a model travels without its code or weights."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path

from freezecore._trace import Trace
from freezecore.cache import uploads, whole_file
from freezecore.errors import SourceError, TraceError, shortened
from freezecore.schema import parse
from freezecore.sentences import say
from freezecore.tree import LayerTree

FORMAT = "freeze-explorer-model/1"
LARGEST = 64 * 2**20
WRITE_ONE = say("Write one with fc.save(model, batch, 'model.json').")


@dataclass(frozen=True)
class ModelFile:
    """What a model file holds; `trace` is None where the model could not be followed."""

    tree: LayerTree
    trace: Trace | None

    def required_trace(self) -> Trace:
        """The trace.

        Raises:
            TraceError: the file has none.
        """
        if self.trace is None:
            raise TraceError(
                "The file of {source} carries no trace, so its memory cannot be estimated.",
                "Write it again with fc.save(model, batch, path) and a batch that the model accepts.",
                source=self.tree.source,
            )
        return self.trace


def write(path: str | Path, tree: LayerTree, trace: Trace | None) -> None:
    """Write a model file as JSON.

    Raises:
        SourceError: it cannot be written; what was there is as it was.
    """
    packed = base64.b64encode(trace.to_bytes()).decode() if trace else None
    content = json.dumps({"format": FORMAT, "tree": tree.to_json(), "trace": packed}).encode()
    try:
        whole_file.write(Path(path), content)
    except OSError as error:
        raise SourceError(
            "'{path}' cannot be written: {cause}.",
            "Check the path, or make room on the disk.",
            path=shortened(str(path)),
            cause=error.strerror,
        ) from error


def read(path: str | Path) -> ModelFile:
    """Read a model file.

    Raises:
        SourceError: there is no such file, or it is not one that `fc.save` wrote.
    """
    file = uploads.place_of(str(path))
    try:
        if file.is_fifo():  # it would be waited for without end
            raise SourceError("'{path}' is no file.", WRITE_ONE, path=shortened(str(path)))
        with file.open("rb") as opened:
            content = opened.read(LARGEST + 1)
    except OSError as error:
        raise SourceError(
            "'{path}' cannot be read: {cause}.", "Check the path.", path=shortened(str(path)), cause=error.strerror
        ) from error
    if len(content) > LARGEST:
        raise SourceError(
            "'{name}' is larger than {most} MB, so no model can be read from it.",
            WRITE_ONE,
            name=shortened(str(path)),
            most=LARGEST // 2**20,
        )
    return loads(content, file.name)


def loads(content: bytes, name: str) -> ModelFile:
    """Read a model file's content, as it was uploaded; `name` stands in the sentence when it is refused."""
    try:
        data = parse(content)
        if data["format"] != FORMAT:
            raise SourceError(
                "'{name}' has the format '{format}', so no model can be read from it.",
                WRITE_ONE,
                name=shortened(name),
                format=shortened(str(data["format"])),
            )
        tree, packed = LayerTree.from_json(data["tree"]), data["trace"]
        trace = None if packed is None else Trace.from_bytes(base64.b64decode(packed, validate=True))
    except (ValueError, KeyError, TypeError, TraceError) as error:
        raise SourceError(
            "'{name}' is not such a file, so no model can be read from it.", WRITE_ONE, name=shortened(name)
        ) from error
    return ModelFile(tree, trace)
