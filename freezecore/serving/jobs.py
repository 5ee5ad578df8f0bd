"""The one queue of a server: fair turns between people, nothing measured twice, and a stop that works.

A job is a run of a probe, sweep or search that waits or goes on here; its run outlives it in `runs`. A thread for each
job that goes on hands it to a process of `worker_pool` and waits for its end.
"""

from __future__ import annotations

import atexit
import contextlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from freezecore import machine
from freezecore.errors import ProbeError, shortened
from freezecore.report import seconds_text
from freezecore.sentences import say
from freezecore.serving.access import check_request
from freezecore.serving.eta import expected_s, typical_s
from freezecore.serving.job_types import kind_of
from freezecore.serving.run_log import RunLogReader, new_folder
from freezecore.serving.runs import Run, Runs, ended, key_of, versions_here
from freezecore.serving.worker import STOPPED
from freezecore.serving.worker_pool import WorkerPool, exit_outcome


@dataclass(frozen=True)
class Limits:
    """What a server grants.

    Attributes:
        per_owner: runs that one person may have waiting and running.
        most: runs that may wait and run in all.
        longest_s: longest a run may take.
        unwatched_s: a run that nobody has looked at for so long ends when others wait.
    """

    per_owner: int = 2
    most: int = 60
    longest_s: float = 3600
    unwatched_s: float = 120


@dataclass(frozen=True)
class Job:
    """What a person holds of a run.

    Attributes:
        token: names the run; it may stand in a link that others open to watch.
        control: stops it; belongs to whoever pressed Start, and to no link. None for a stored answer.
        stored: the run was measured before, at this time (seconds since 1970).
        joined: an equal run was already waiting or running, and this is it.
    """

    token: str
    control: str | None
    stored: float | None = None
    joined: bool = False


@dataclass(frozen=True)
class JobStatus:
    """How a run stands.

    Attributes:
        state: `queued`, `running`, `done`, `stopped`, `out-of-memory`, `not-a-number`, `failed` or `interrupted`.
        position: 1 for the next in the queue; None when it does not wait.
        waits_s: expected seconds until its turn; None where nothing like it was measured yet.
    """

    token: str
    kind: str
    state: str
    request: dict
    created: float
    started: float | None
    ended: float | None
    position: int | None = None
    waits_s: float | None = None

    @property
    def live(self) -> bool:
        return self.ended is None


class LiveJob:
    """A run that waits or goes on.

    Attributes:
        run: as it is stored.
        expected_s: seconds that it will take; None where that cannot be foretold.
        controls: control token of each person who has asked for it, and their name.
        stop_reason: what its result will say once it has been told to end; None until then.
        seen: when somebody last looked at it (monotonic seconds).
        thread: follows it while it runs; None while it waits.
    """

    def __init__(self, run: Run, expected_s: float | None = None) -> None:
        self.run = run
        self.expected_s = expected_s
        self.controls: dict[str, str] = {}
        self.stop_reason: str | None = None
        self.seen = time.monotonic()
        self.thread: threading.Thread | None = None
        self._log = RunLogReader(Path(run.folder))
        self._reading = threading.Lock()

    @property
    def waits(self) -> bool:
        return self.thread is None

    @property
    def left_s(self) -> float | None:
        """Seconds until its end, or that it will take once it has begun; None where that cannot be foretold."""
        if self.expected_s is None or self.run.started is None:
            return self.expected_s
        return max(0.0, self.expected_s - (time.time() - self.run.started))

    def control_of(self, owner: str) -> str | None:
        """The token that this person already holds."""
        return next((control for control, name in self.controls.items() if name == owner), None)

    def admit(self, owner: str) -> str:
        """One more person wants this run; the token with which they can leave it."""
        control = secrets.token_urlsafe(9)
        self.controls[control] = owner
        return control

    def events(self) -> list[dict]:
        """What has been measured so far."""
        self.seen = time.monotonic()
        with self._reading:
            return list(self._log.read())

    def stop(self, reason: str = STOPPED) -> None:
        """Ask the run to end; the first reason stays."""
        self.stop_reason = self.stop_reason or reason


class JobQueue:
    """One run at a time for each GPU, or one on the CPU. Any thread may call it."""

    def __init__(
        self,
        runs: Runs | None = None,
        pool: WorkerPool | None = None,
        limits: Limits | None = None,
        check: Callable[[object], None] = check_request,
    ) -> None:
        self._check = check
        self.runs = runs or Runs()
        self.limits = limits or Limits()
        self._pool = pool or WorkerPool(self.runs.folder, machine.gpu_count() or 1)
        self._free = list(range(self._pool.slots))
        self._lock = threading.RLock()
        self._live: dict[str, LiveJob] = {}
        self._turns: dict[str, int] = {}
        self._unstored: dict[str, Run] = {}
        self._closed = False

    def warm(self) -> None:
        """Have a worker ready, so that the first run starts at once."""
        self._pool.keep_spare()

    def start(self, request: Any, owner: str, *, again: bool = False) -> Job:
        """Answer from a stored run, join an equal live one, or queue a new one; with `again`, measured anew for them.

        Raises:
            ProbeError: this person, or everybody together, has as many runs as there may be.
            FreezeError: the server does not open this source or data.
        """
        self._check(request)
        kind, asked = kind_of(request), request.to_json()
        key = key_of(kind, asked)
        with self._lock:
            same = (live for live in self._live.values() if live.run.key == key and live.stop_reason is None)
            equal = next((live for live in same if not again or live.control_of(owner)), None)
            if equal and (mine := equal.control_of(owner)):
                return Job(equal.run.token, mine, joined=True)
            stored = None if again or equal else self.runs.answer(key)
            if stored:
                return Job(stored.token, None, stored=stored.ended)
            self._refuse_too_many(owner)
            live = equal or self._queued(kind, key, asked, owner)
            control = live.admit(owner)
            self._fill_slots()
            self._keep_spare()
            return Job(live.run.token, control, joined=equal is not None)

    def status(self, token: str) -> JobStatus:
        """How the run stands now; asking keeps it from being taken for abandoned.

        Raises:
            ProbeError: there is no such run.
        """
        with self._lock:
            live = self._live.get(token)
            run = live.run if live else self._stored(token)
            status = JobStatus(run.token, run.kind, run.state, run.request, run.created, run.started, run.ended)
            if live is None:
                return status
            live.seen = time.monotonic()
            if not live.waits:
                return status
            order = self._order()
            place = order.index(live)
            before = [job.left_s for job in (*self._running(), *order[:place])]
            known = [seconds for seconds in before if seconds is not None]
            waits_s = sum(known) / self._pool.slots if len(known) == len(before) else None
            return replace(status, position=place + 1, waits_s=waits_s)

    def events(self, token: str, after: int = 0) -> list[dict]:
        """The run's events from number `after` on, its result the last; of a finished run, thinned."""
        live = self._live.get(token)
        return (live.events() if live else self._stored(token).curve)[after:]

    def result(self, token: str) -> dict | None:
        """What was measured, as `to_json` gives it; None before the end."""
        return None if token in self._live else self._stored(token).result

    def stop(self, control: str) -> bool:
        """Leave a run, which ends within three seconds unless others have asked for it too (then False)."""
        with self._lock:
            live = next((live for live in self._live.values() if control in live.controls), None)
            if live is None:
                return True
            del live.controls[control]
            if live.controls:
                return False
            self._stop(live)
            return True

    def control_of(self, token: str, owner: str) -> str | None:
        """What stops this run, for a person who has asked for it; None for anybody else, and once it has ended."""
        with self._lock:
            live = self._live.get(token)
            return live.control_of(owner) if live else None

    def waiting(self) -> tuple[int, float | None]:
        """How many runs wait, and in how many seconds the last will have ended; None where one cannot be foretold."""
        with self._lock:
            order = self._order()
            left = [job.left_s for job in (*self._running(), *order)]
            known = [seconds for seconds in left if seconds is not None]
            return len(order), sum(known) / self._pool.slots if len(known) == len(left) else None

    def is_answered(self, request: Any) -> bool:
        """Whether a stored run answers this at once."""
        return self.runs.answer(key_of(kind_of(request), request.to_json())) is not None

    def expected_s(self, request: Any) -> float | None:
        """Seconds that the run will take, from like runs that were measured here; None where there are none."""
        return expected_s(self.runs.listed(kind=kind_of(request)), request.to_json())

    def close(self) -> None:
        """Stop every run, keeping what was measured, and end the spare worker."""
        with self._lock:
            self._closed = True
            running = self._running()
            for live in list(self._live.values()):
                self._stop(live)
        for live in running:
            if live.thread is not None:
                live.thread.join()
        self._pool.close()

    def _queued(self, kind: str, key: str, asked: dict, owner: str) -> LiveJob:
        token = secrets.token_urlsafe(9)
        try:
            folder = new_folder(self.runs.folder, token, asked)
        except OSError as error:
            raise ProbeError(
                "The run cannot be stored: {cause}.", "Make room on the disk.", cause=error.strerror
            ) from error
        run = Run(
            token=token,
            kind=kind,
            key=key,
            owner=owner,
            state="queued",
            folder=str(folder),
            server=self.runs.server,
            created=time.time(),
            request=asked,
            versions=versions_here(),
        )
        self.runs.add(run)
        listed = self.runs.listed(kind=kind)
        self._live[token] = LiveJob(run, expected_s(listed, asked) or typical_s(listed))
        return self._live[token]

    def _refuse_too_many(self, owner: str) -> None:
        mine = sum(owner in live.controls.values() for live in self._live.values())
        if mine >= self.limits.per_owner:
            raise ProbeError(
                "You already have {count} runs waiting or running.", "Wait for one to end, or stop one.", count=mine
            )
        if len(self._live) >= self.limits.most:
            raise ProbeError(
                "{count} runs are waiting already.", "Try again when some have ended.", count=len(self._live)
            )

    def _running(self) -> list[LiveJob]:
        return [live for live in self._live.values() if live.thread]

    def _order(self) -> list[LiveJob]:
        """The queue in the order in which it will be served: whoever had a turn longest ago comes first."""
        waiting = sorted((live for live in self._live.values() if live.waits), key=lambda live: live.run.created)
        turns, order = dict(self._turns), []
        while waiting:
            chosen = min(waiting, key=lambda live: turns.get(live.run.owner, 0))
            waiting.remove(chosen)
            order.append(chosen)
            turns[chosen.run.owner] = max(turns.values(), default=0) + 1
        return order

    def _fill_slots(self) -> None:
        for live in self._order()[: 0 if self._closed else len(self._free)]:
            slot = self._free.pop(0)
            self._turns[live.run.owner] = max(self._turns.values(), default=0) + 1
            live.run = replace(live.run, state="running", started=time.time())
            with contextlib.suppress(ProbeError):  # a full disk: the run's own log will say so
                self.runs.change(live.run.token, state="running", started=live.run.started)
            live.thread = threading.Thread(target=self._run, args=(live, slot), name=f"job-{slot}", daemon=True)
            live.thread.start()

    def _run(self, live: LiveJob, slot: int) -> None:
        """Have a worker do the job, and store its end; the thread's whole life."""
        began = time.monotonic()

        def must_stop() -> bool:
            if time.monotonic() - began > self.limits.longest_s:
                limit = seconds_text(self.limits.longest_s)
                live.stop(say("Stopped because it took longer than {limit}.", limit=limit))
            elif self._is_abandoned(live):
                live.stop(say("Stopped because nobody looked at it while others waited."))
            return live.stop_reason is not None

        try:
            worker = self._pool.start(live.run, slot)
        except OSError as error:
            sentence = say("The run's process could not be started: {cause}.", cause=error.strerror)
            end: tuple[str, str, str] = ("failed", sentence, say("Make room on the disk."))
        else:
            with self._lock:
                self._keep_spare()
            code = worker.wait(must_stop)
            worker.close()
            end = ("stopped", live.stop_reason, "") if live.stop_reason else exit_outcome(code)
        with self._lock:
            self._finish(live, *end)
            self._free.append(slot)
            self._fill_slots()
            self._keep_spare()

    def _keep_spare(self) -> None:
        """A spare loads torch when somebody waits or nothing runs: else it would take the run's processor."""
        if not self._running() or any(live.waits for live in self._live.values()):
            self._pool.keep_spare()

    def _is_abandoned(self, live: LiveJob) -> bool:
        unseen = time.monotonic() - live.seen > self.limits.unwatched_s
        return unseen and any(other.waits for other in list(self._live.values()))

    def _stop(self, live: LiveJob) -> None:
        live.stop()
        if live.waits:
            self._finish(live, "stopped", say("Stopped before it began."))

    def _finish(self, live: LiveJob, state: str, message: str, hint: str = "") -> None:
        run = ended(live.run, state, message, hint)
        if run.state == "stopped" and live.stop_reason:  # the worker knows that it was told to end, and not why
            run = replace(run, result={**(run.result or {}), "message": live.stop_reason if live.thread else message})
        try:
            self.runs.store_end(run)
        except ProbeError:  # no room: it stays in memory, and its log is read when the next server starts
            self._unstored[run.token] = run
        del self._live[run.token]

    def _stored(self, token: str) -> Run:
        run = self._unstored.get(token) or self.runs.find(token)
        if run is None:
            raise ProbeError(
                "There is no run '{token}'.", "Check the link, or start a new run.", token=shortened(token)
            )
        return run


@cache
def shared() -> JobQueue:
    """The one queue of this server; its runs end with what they measured when the server is stopped."""
    jobs = JobQueue()
    atexit.register(jobs.close)
    return jobs
