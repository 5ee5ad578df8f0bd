"""What client and server of the analyst say to each other: lines of JSON, some followed by raw bytes.

The client writes one request a line to the server's standard input,

    {"verb": "tree", "arguments": {"source": {...}}, "memory_bytes": 4000000000}

and the server writes one header a line to its standard output, where `bytes` announces as many raw bytes:

    {"ready": true}                                                 once, when torch has been imported
    {"begun": true}                                                 to each request, when its turn has come
    {"bytes": 51234}                                                then the answer,
    {"error": {"type": "SourceError", "problem": …, "hint": …}}     or why there is none

An error with `"last": true` is the server's last word: memory ran out, and what was half done may linger.
"""

from __future__ import annotations

from typing import IO

from freezecore import errors, sentences
from freezecore.errors import FreezeError, shortened
from freezecore.sentences import say

ACTIONS = {
    "tree": say("Opening '{name}'"),
    "trace": say("Following a training step of '{name}'"),
    "fill": say("Following a training step of '{name}'"),
    "models": say("Searching the models for '{name}'"),
    "preview": say("Reading the data"),
    "warm": say("Starting"),
}


def write(stream: IO[bytes], header: dict, payload: bytes = b"") -> None:
    """Send a header and what it announces."""
    stream.write(sentences.dumps(header).encode() + b"\n" + payload)
    stream.flush()


def read(stream: IO[bytes]) -> tuple[dict, bytes] | None:
    """The next header and what it announced; None at the stream's end.

    Raises:
        ValueError: the stream was closed, or ended in the middle of a line.
    """
    line = stream.readline()
    if not line:
        return None
    header = sentences.loads(line)
    return header, stream.read(header.get("bytes", 0))


def action(verb: str, arguments: dict) -> str:
    """What a request does, as a sentence begins: "Opening 'timm:resnet18'"."""
    source = arguments.get("source")
    subject = f"{source['scheme']}:{source['name']}" if source else arguments.get("word", "")
    if verb == "models" and not subject:
        return say("Searching the models")
    return say(ACTIONS.get(verb, verb), name=shortened(subject))


def error_to_json(error: FreezeError) -> dict:
    """An error as JSON values; `error_from_json` makes it again in another process."""
    return {"type": type(error).__name__, "problem": error.problem, "hint": error.hint}


def error_from_json(data: dict) -> FreezeError:
    """The error, of its own class where that is known."""
    return getattr(errors, data["type"], FreezeError)(data["problem"], data["hint"])
