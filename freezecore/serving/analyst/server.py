"""The analyst process: it holds torch, and opens and traces models for a page that must not import it.

`python -m freezecore.serving.analyst.server` speaks the protocol of `protocol.py` on standard input and output; what
libraries print goes to the log. Time limits are the client's, since a process that hangs cannot end itself.
"""

from __future__ import annotations

import importlib
import json
import os
import queue
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict
from typing import BinaryIO

from freezecore import sentences
from freezecore.cache.keys import tuples
from freezecore.errors import FreezeError, shortened
from freezecore.report import bytes_text
from freezecore.serving import child_process
from freezecore.serving.analyst import protocol
from freezecore.source import ModelSource
from freezecore.workload import Workload

Verb = Callable[[dict], bytes]


def _tree(arguments: dict) -> bytes:
    from freezecore.api import read_tree

    return json.dumps(read_tree(ModelSource(**arguments["source"])).to_json()).encode()


def _trace(arguments: dict) -> bytes:
    from freezecore.api import trace

    return trace(ModelSource(**arguments["source"]), Workload(**arguments["workload"])).to_bytes()


def _fill(arguments: dict) -> bytes:
    from freezecore.runtime.trace import fill, trace_source

    source = ModelSource(**arguments["source"])
    trace = trace_source(source, Workload(**arguments["workload"]))
    return fill(trace, source, tuples(arguments["missing"])).to_bytes()


def _models(arguments: dict) -> bytes:
    from freezecore.runtime.build.library import names

    return json.dumps([asdict(model) for model in names(arguments["word"])]).encode()


def _preview(arguments: dict) -> bytes:
    from freezecore.probe import ProbeRequest
    from freezecore.runtime.data.preview import preview

    return sentences.dumps(preview(ProbeRequest.from_json(arguments["request"])).to_json()).encode()


def _warm(arguments: dict) -> bytes:
    """Import what the first request would otherwise wait for."""
    for name in ("freezecore.runtime.tree.read", "freezecore.runtime.trace", "timm", "transformers"):
        importlib.import_module(name)
    return b""


VERBS: dict[str, Verb] = {
    verb.__name__.removeprefix("_"): verb for verb in (_tree, _trace, _fill, _models, _preview, _warm)
}


def answer(request: dict, verbs: dict[str, Verb]) -> tuple[dict, bytes]:
    """Header and payload for one request; everything that goes wrong becomes an `error` header."""
    verb, arguments, limit = request["verb"], request["arguments"], request.get("memory_bytes")
    try:
        if limit:
            child_process.limit_memory(limit)
        payload = verbs[verb](arguments)
    except FreezeError as error:
        return {"error": protocol.error_to_json(error)}, b""
    except Exception as error:  # the boundary of the process: whatever a library raises becomes a sentence
        traceback.print_exc()
        doing = protocol.action(verb, arguments)
        if limit and child_process.is_memory_error(error):
            too_large = FreezeError(
                "{doing} needed more than {limit} of memory and was stopped.",
                "Choose a smaller model, batch or input size.",
                doing=doing,
                limit=bytes_text(limit),
            )
            return {"error": protocol.error_to_json(too_large), "last": True}, b""
        failed = FreezeError(
            "{doing} failed unexpectedly ({kind}: {cause}).",
            "The server's log has the details.",
            doing=doing,
            kind=type(error).__name__,
            cause=shortened(str(error).strip().partition("\n")[0], 160),
        )
        return {"error": protocol.error_to_json(failed)}, b""
    return {"bytes": len(payload)}, payload


def serve(answers: BinaryIO, verbs: dict[str, Verb]) -> None:
    """Answer requests one after another until the parent closes its end, which ends the process at any moment."""
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    child_process.follow_parent(waiting.put)
    while True:
        request = json.loads(waiting.get())
        protocol.write(answers, {"begun": True})
        header, payload = answer(request, verbs)
        protocol.write(answers, header, payload)
        if header.get("last"):
            return


def main(arguments: list[str]) -> None:
    """Serve the verbs above, or those of the module named by the first argument."""
    # Libraries print to standard output whenever they like; the answers need a channel of their own.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    child_process.survive_full_log()
    child_process.die_first()
    verbs = importlib.import_module(arguments[0]).VERBS if arguments else VERBS
    if verbs is VERBS:
        importlib.import_module("torch")  # three seconds that the first request need not wait for
    protocol.write(answers, {"ready": True})
    serve(answers, verbs)


if __name__ == "__main__":
    main(sys.argv[1:])
