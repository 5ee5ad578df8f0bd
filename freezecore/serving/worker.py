"""The worker process: does one piece of work, writes what it measures as it measures it, and exits.

`python -m freezecore.serving.worker` imports torch, then waits for one line of JSON on its standard input: the order.
A second line, `stop`, asks for an early end; the end of the input means that the server has gone.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

from freezecore.errors import FreezeError, shortened
from freezecore.report import bytes_text
from freezecore.sentences import say
from freezecore.serving import process
from freezecore.serving.job_types import KINDS, loaded
from freezecore.serving.partial_result import salvaged
from freezecore.serving.run_log import Reader, Record

STOPPED = say("Stopped before its end; what was measured until then is kept.")
DISK_FULL = say("The disk is full, so the run ended early; what was measured until then is kept.")
WAITING = "waiting for its order"  # the first line of its log
UNWRITTEN = 28  # exit code when the result could not be written


class Stopped(BaseException):
    """SIGTERM: the flag was not looked at in time, so the run is broken off where it is."""


def work(order: dict, should_stop: Callable[[], bool] = lambda: False) -> bool:
    """Do what the order says and write the result; False when there was no room for it.

    Args:
        order: `folder` with a request.json, `kind`, `run` (module:function) and `memory_bytes` or None.
        should_stop: looked at by the run between its steps.
    """
    folder = Path(order["folder"])
    request = json.loads((folder / "request.json").read_text())
    record = Record(folder)
    if order["memory_bytes"]:
        process.limit_memory(order["memory_bytes"])
    try:
        run, asked = loaded(order["run"]), KINDS[order["kind"]].request_type.from_json(request)
        result = run(asked, record.emit, lambda: record.full or should_stop()).to_json()
        if record.full:
            result = {**result, "message": DISK_FULL, "hint": say("Make room on the disk.")}
    except BaseException as error:  # the boundary of the process: everything becomes a result
        events = [*Reader(folder).read(), *record.pending]
        result = salvaged(order["kind"], request, events, *told(error, order["memory_bytes"]))
    return record.finish(result)


def told(error: BaseException, memory_bytes: int | None) -> tuple[str, str, str]:
    """State, sentence and hint for what ended a run."""
    if isinstance(error, Stopped):
        return "stopped", STOPPED, ""
    if isinstance(error, FreezeError):
        return "failed", error.problem, error.hint
    traceback.print_exception(error)
    if process.is_memory_error(error):
        said = say(
            "The run needed more memory than was left of its {limit}."
            if memory_bytes
            else "The run needed more memory than was left.",
            limit=bytes_text(memory_bytes),
        )
        return "out-of-memory", said, say("Choose a smaller batch or input size.")
    cause = shortened(str(error).strip().partition("\n")[0], 160)
    said = say("The run failed unexpectedly ({kind}: {cause}).", kind=type(error).__name__, cause=cause)
    return "failed", said, say("Its log has the details.")


PRELOADED = (
    "freezecore.runtime.train.run",
    "freezecore.runtime.trace",
    "timm",
    "freezecore.runtime.build.transformers",
    "transformers.models.auto.tokenization_auto",
    "transformers.models.bert.modeling_bert",  # transformers imports a family's file when a model of it is opened
)


def _preload() -> None:
    """Import what nearly every run needs; what is missing here will be told by the run itself."""
    for name in PRELOADED:
        try:
            importlib.import_module(name)
        except ImportError:
            traceback.print_exc()
    gc.collect()
    gc.freeze()  # half a million objects of libraries, which every later collection would look through again


def _break_off(number: int, frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Stopped


def main(arguments: list[str]) -> int:
    """Wait for the order and carry it out; `--bare` waits without torch."""
    stopping = threading.Event()
    orders: queue.SimpleQueue[str] = queue.SimpleQueue()
    process.follow_parent(lambda line: stopping.set() if line == "stop" else orders.put(line))
    process.die_first()
    if "--bare" not in arguments:
        _preload()
    print(WAITING)
    order = json.loads(orders.get())
    os.environ.update(order.get("environment", {}))
    signal.signal(signal.SIGTERM, _break_off)
    return 0 if work(order, stopping.is_set) else UNWRITTEN


if __name__ == "__main__":
    code = main(sys.argv[1:])
    # Data loaders and thread pools must not keep a finished run's process, and its memory, alive.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
