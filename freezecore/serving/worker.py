"""The worker process: does one piece of work, writes what it measures as it measures it, and exits.

`python -m freezecore.serving.worker` imports torch, then waits for one line of JSON on its standard input: the job.
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
from freezecore.serving import child_process
from freezecore.serving.job_types import JOB_TYPES, imported
from freezecore.serving.run_log import RunLog, RunLogReader, partial_result

STOPPED = say("Stopped before its end; what was measured until then is kept.")
INTERRUPTED = say("The run's process was interrupted; what was measured until then is kept.")
DISK_FULL = say("The disk is full, so the run ended early; what was measured until then is kept.")
WAITING = "waiting for a job"  # the first line of its log
BEHIND = 5  # its niceness: a training step may wait, a visitor's tick may not
UNWRITTEN = 28  # exit code when the result could not be written


class Stopped(BaseException):
    """SIGTERM: the run did not ask in time whether it should stop, so it is broken off where it is."""


def work(job: dict, should_stop: Callable[[], bool] = lambda: False) -> bool:
    """Do the job and write its result; False when there was no room for it.

    Args:
        job: `folder` with a request.json, `kind`, `function` (module:name) and `memory_bytes` or None.
        should_stop: asked by the run between its steps.
    """
    folder = Path(job["folder"])
    request = json.loads((folder / "request.json").read_text())
    log = RunLog(folder)
    if job["memory_bytes"]:
        child_process.limit_memory(job["memory_bytes"])
    try:
        run, asked = imported(job["function"]), imported(JOB_TYPES[job["kind"]].request).from_json(request)
        result = run(asked, log.emit, lambda: log.full or should_stop()).to_json()
        if log.full:
            result = {**result, "message": DISK_FULL, "hint": say("Make room on the disk.")}
    except BaseException as error:  # the boundary of the process: everything becomes a result
        events = [*RunLogReader(folder).read(), *log.pending]
        result = partial_result(job["kind"], request, events, *error_outcome(error, job["memory_bytes"]))
    return log.finish(result)


def error_outcome(error: BaseException, memory_bytes: int | None) -> tuple[str, str, str]:
    """State, sentence and hint for what ended a run."""
    if isinstance(error, Stopped):
        return "stopped", STOPPED, ""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", INTERRUPTED, ""
    if isinstance(error, FreezeError):
        return "failed", error.problem, error.hint
    traceback.print_exception(error)
    if child_process.is_memory_error(error):
        sentence = say(
            "The run needed more memory than was left of its {limit}."
            if memory_bytes
            else "The run needed more memory than was left.",
            limit=bytes_text(memory_bytes),
        )
        return "out-of-memory", sentence, say("Choose a smaller batch or input size.")
    cause = shortened(str(error).strip().partition("\n")[0], 160)
    sentence = say("The run failed unexpectedly ({kind}: {cause}).", kind=type(error).__name__, cause=cause)
    return "failed", sentence, say("Its log has the details.")


PRELOADED = (
    "freezecore.runtime.train.run",
    "freezecore.runtime.trace",
    "timm",
    "freezecore.runtime.build.transformers",
    "transformers.models.auto.tokenization_auto",
    "transformers.models.bert.modeling_bert",  # transformers imports a family's file when a model of it is opened
)


def _preload() -> None:
    """Import what nearly every run needs; a run that needs what is missing here will say so itself."""
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
    """Wait for a job and do it; `--bare` waits without torch."""
    stopping = threading.Event()
    jobs: queue.SimpleQueue[str] = queue.SimpleQueue()
    child_process.follow_parent(lambda line: stopping.set() if line == "stop" else jobs.put(line))
    child_process.survive_full_log()
    child_process.die_first()
    child_process.go_behind(BEHIND)
    if "--bare" not in arguments:
        _preload()
    print(WAITING)
    job = json.loads(jobs.get())
    os.environ.update(job.get("environment", {}))
    signal.signal(signal.SIGTERM, _break_off)
    return 0 if work(job, stopping.is_set) else UNWRITTEN


if __name__ == "__main__":
    code = main(sys.argv[1:])
    # Data loaders and thread pools must not keep a finished run's process, and its memory, alive.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
