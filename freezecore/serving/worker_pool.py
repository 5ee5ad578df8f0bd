"""The worker processes of a server: where the process of a probe starts, one spare among them, and how each ends."""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from freezecore import machine
from freezecore.sentences import say
from freezecore.serving import child_process
from freezecore.serving.job_types import JOB_TYPES
from freezecore.serving.runs import Run
from freezecore.serving.worker import DISK_FULL, UNWRITTEN

TERM_AFTER_S = 1.5
KILL_AFTER_S = 2.3
POLL_S = 0.1
MEMORY_SHARE = 0.8


class WorkerPool:
    """Starts workers and keeps one spare.

    Args:
        folder: where their logs go until they have a job.
        slots: runs at a time, which share the memory.
        memory_bytes: what a run may allocate on the host; None takes four fifths of what is free when it starts.
        functions: other functions than those of `JOB_TYPES`, by kind.
        bare: the spare does not import torch beforehand.
    """

    def __init__(
        self,
        folder: Path,
        slots: int,
        *,
        memory_bytes: int | None = None,
        functions: dict[str, str] | None = None,
        bare: bool = False,
    ) -> None:
        self.slots = slots
        self._folder, self._memory_bytes, self._bare = folder, memory_bytes, bare
        self._functions = {kind: job_type.function for kind, job_type in JOB_TYPES.items()} | (functions or {})
        self._lock = threading.Lock()
        self._spare: Worker | None = None
        self._closed = False

    def keep_spare(self) -> None:
        """Have a worker wait with torch imported; without room for its log, the next run starts one itself."""
        with self._lock, contextlib.suppress(OSError):
            if not self._closed and not (self._spare and self._spare.alive):
                self._spare = Worker(self._folder, self._bare)

    def start(self, run: Run, slot: int) -> Worker:
        """Give the run to the spare worker, or to a new one where there is none or it has died.

        Raises:
            OSError: no process can be started, or the disk is full.
        """
        job = {
            "folder": run.folder,
            "kind": run.kind,
            "function": self._functions[run.kind],
            "memory_bytes": self._memory_for(run.request),
            "environment": {"CUDA_VISIBLE_DEVICES": str(slot)} if machine.gpu_count() > 1 else {},
        }
        with self._lock:
            worker, self._spare = self._spare, None
        while worker is None or not worker.take(job):
            worker = Worker(self._folder, self._bare)
        return worker

    def close(self) -> None:
        """End the spare, and keep none."""
        with self._lock:
            self._closed = True
            if self._spare:
                self._spare.close()

    def _memory_for(self, request: dict) -> int | None:
        """A GPU's driver maps memory in ways that no limit fits, so a run that may use one has none."""
        if self._memory_bytes or (machine.gpu_count() and request.get("device") != "cpu"):
            return self._memory_bytes
        free = machine.free_bytes()
        return free and int(MEMORY_SHARE * free) // self.slots


class Worker:
    """A worker process that waits for its job, or does it."""

    def __init__(self, folder: Path, bare: bool = False) -> None:
        self._log = folder / f"worker-{secrets.token_hex(4)}.log"
        self.process = child_process.start("freezecore.serving.worker", *(["--bare"] if bare else []), log=self._log)

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def take(self, job: dict) -> bool:
        """Hand over the job; False when the process had died."""
        try:
            child_process.send_line(self.process, json.dumps(job))
        except OSError:
            return False
        with contextlib.suppress(OSError):  # somebody tidied up: the run goes on without a log
            self._log.rename(Path(job["folder"]) / "log.txt")
        return True

    def wait(self, must_stop: Callable[[], bool]) -> int:
        """Wait for the process to end; its exit code.

        Once it `must_stop` it is asked, then signalled, then killed: within `KILL_AFTER_S`.
        """
        asked: float | None = None
        steps = [
            (0.0, self._ask),
            (TERM_AFTER_S, self.process.terminate),  # the worker alone, which then ends its helpers itself
            (KILL_AFTER_S, lambda: child_process.end(self.process)),
        ]
        while True:
            try:
                return self.process.wait(POLL_S)
            except subprocess.TimeoutExpired:
                now = time.monotonic()
            if must_stop():
                asked = asked or now
                while steps and now - asked >= steps[0][0]:
                    steps.pop(0)[1]()

    def close(self) -> None:
        """End the process, and every helper it has started."""
        child_process.close(self.process)
        self._log.unlink(missing_ok=True)

    def _ask(self) -> None:
        with contextlib.suppress(OSError):  # it has just ended
            child_process.send_line(self.process, "stop")


def exit_outcome(code: int) -> tuple[str, str, str]:
    """State, sentence and hint for a run whose process ended by itself with this code, perhaps without a result."""
    if code == UNWRITTEN:
        return "failed", DISK_FULL, say("Make room on the disk.")
    hint = say("Its log has the details.")
    if code == -9:
        hint = say("Most likely the machine ran out of memory: choose a smaller model, batch or input size.")
    sentence = say(
        "The run's process {death}; what was measured until then is kept.", death=child_process.death_of(code)
    )
    return "failed", sentence, hint
