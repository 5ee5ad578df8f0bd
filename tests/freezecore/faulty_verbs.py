"""Verbs for an analyst under test: they need no torch, and go wrong in every way on request."""

import json
import os
import signal
import threading

from freezecore._trace import Trace
from freezecore.errors import SourceError
from freezecore.source import ModelSource
from freezecore.workload import Workload

CALLS = []


def _answer(arguments: dict) -> bytes:
    word = arguments["word"]
    CALLS.append(word)
    if word == "hang":
        threading.Event().wait()
    if word == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if word == "leave":
        os._exit(3)
    if word == "refuse":
        raise SourceError("There is no model 'refuse'.", "Did you mean 'reuse'?")
    if word == "raise":
        raise RuntimeError("no kernel\nsecond line")
    if word == "eat":
        return bytes(4 * 10**9)
    if word == "print":
        print("a library talks", flush=True)
    return json.dumps([{"source": word, "family": str(os.getpid()), "parameters": CALLS.count(word)}]).encode()


def _trace(arguments: dict) -> bytes:
    """A trace that hangs, eats or is made, by the name of its model."""
    _answer({"word": arguments["source"]["name"]})
    source = ModelSource(**arguments["source"])
    return Trace(str(source), Workload(**arguments["workload"]), (), problem=str(os.getpid())).to_bytes()


VERBS = {"models": _answer, "trace": _trace, "warm": lambda arguments: b""}
