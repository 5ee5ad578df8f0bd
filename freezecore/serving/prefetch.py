"""Reads and traces models that people are likely to open, so that the first to do so need not wait.

`python -m freezecore.serving.prefetch` reads one line from its standard input, a JSON list of `[source, workload]`, and
leaves a tree and a trace of each in the cache, where every process finds them. It runs only when nobody else wants
the processor, and ends when it is done, or with its parent.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import traceback
from collections.abc import Iterable
from dataclasses import asdict

from freezecore import machine
from freezecore.cache import store, traces, trees
from freezecore.serving import child_process
from freezecore.source import ModelSource
from freezecore.workload import Workload

Model = tuple[ModelSource, Workload]
FREE_BYTES = 3 * 10**9  # with less to spare, the memory is left to those who ask


def start(models: Iterable[Model]) -> subprocess.Popen | None:
    """Start the process for these models, in order; None where memory is short, or nothing lets others go first."""
    free = machine.free_bytes()
    if not hasattr(os, "nice") or (free is not None and free < FREE_BYTES):
        return None
    child = child_process.start("freezecore.serving.prefetch", log=store.home() / "prefetch.log")
    asked = [[asdict(source), workload.to_json()] for source, workload in models]
    with contextlib.suppress(OSError):  # it has died, and the request that needs a model says what is wrong
        child_process.send_line(child, json.dumps(asked))
    return child


def work(models: Iterable[Model]) -> None:
    """Read and trace what is not stored yet; what goes wrong is printed to the log."""
    for source, workload in models:
        try:
            if trees.stored(source) is None or traces.stored(source, workload) is None:
                from freezecore.runtime.trace import trace_source
                from freezecore.runtime.tree.read import read_source  # torch: not needed where everything is stored

                read_source(source)
                trace_source(source, workload)
        except Exception:  # one model's trouble must not keep the others from being ready
            traceback.print_exc()


def main() -> None:
    """Work on the models of the first line."""
    child_process.survive_full_log()
    child_process.yield_to_others()
    os.environ["OMP_NUM_THREADS"] = "1"  # torch reads it when it is imported
    child_process.die_first()
    asked: queue.SimpleQueue[str] = queue.SimpleQueue()
    child_process.follow_parent(asked.put)
    work([(ModelSource(**source), Workload(**workload)) for source, workload in json.loads(asked.get())])


if __name__ == "__main__":
    main()
