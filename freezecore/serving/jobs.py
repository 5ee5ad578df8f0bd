"""Jobs: the one queue of a server. Fair turns between people, nothing measured twice, and a stop that works."""

from __future__ import annotations

import atexit
import contextlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache

from freezecore import machine
from freezecore.cache.keys import versions
from freezecore.errors import ProbeError, shortened
from freezecore.sentences import say
from freezecore.serving.access import check_request
from freezecore.serving.eta import expected_s, left_s, typical_s
from freezecore.serving.job import Job, Limits, Live, Standing, standing_of
from freezecore.serving.job_types import kind_of
from freezecore.serving.run_log import new_folder
from freezecore.serving.runs import LIBRARIES, Run, Runs, ended, key_of
from freezecore.serving.worker_pool import Crew, verdict


class Jobs:
    """The queue: one run at a time for each GPU, or one on the CPU. Any thread may call it."""

    def __init__(
        self,
        runs: Runs | None = None,
        crew: Crew | None = None,
        limits: Limits | None = None,
        check: Callable[[object], None] = check_request,
    ) -> None:
        self._check = check
        self.runs = runs or Runs()
        self.limits = limits or Limits()
        self._crew = crew or Crew(self.runs.folder, machine.gpu_count() or 1)
        self._free = list(range(self._crew.slots))
        self._lock = threading.RLock()
        self._live: dict[str, Live] = {}
        self._turns: dict[str, int] = {}
        self._unstored: dict[str, Run] = {}
        self._closed = False

    def warm(self) -> None:
        """Have a worker ready, so that the first run starts at once."""
        self._crew.keep_spare()

    def start(self, request: object, owner: str, *, again: bool = False) -> Job:
        """Answer from a stored run (unless `again`), join an equal live one, or queue a new one.

        Raises:
            ProbeError: this person, or everybody together, has as many runs as there may be.
            FreezeError: the server does not open this source or data.
        """
        self._check(request)
        kind, asked = kind_of(request), request.to_json()
        key = key_of(kind, asked)
        with self._lock:
            equal = next((live for live in self._live.values() if live.run.key == key and live.goes_on), None)
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

    def look(self, token: str) -> Standing:
        """How the run stands now; looking at it keeps it from being taken for abandoned.

        Raises:
            ProbeError: there is no such run.
        """
        with self._lock:
            live = self._live.get(token)
            if live is None:
                return standing_of(self._stored(token))
            live.looked = time.monotonic()
            if not live.waits:
                return standing_of(live.run)
            order = self._order()
            place = order.index(live)
            ahead = [*self._running(), *order[:place]]
            return replace(standing_of(live.run), position=place + 1, waits_s=left_s(ahead, self._crew.slots))

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

    def expected_s(self, request: object) -> float | None:
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
            live.thread.join()
        self._crew.close()

    def _queued(self, kind: str, key: str, asked: dict, owner: str) -> Live:
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
            versions=versions(LIBRARIES),
        )
        self.runs.add(run)
        listed = self.runs.listed(kind=kind)
        self._live[token] = Live(run, expected_s(listed, asked) or typical_s(listed))
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

    def _running(self) -> list[Live]:
        return [live for live in self._live.values() if live.thread]

    def _order(self) -> list[Live]:
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
            with contextlib.suppress(ProbeError):  # a full disk: the run's own record will say so
                self.runs.change(live.run.token, state="running", started=live.run.started)
            live.thread = threading.Thread(target=self._carry_out, args=(live, slot), daemon=True)
            live.thread.start()

    def _carry_out(self, live: Live, slot: int) -> None:
        """One run from its order to its end; the thread's whole life."""
        try:
            worker = self._crew.worker_for(live, slot)
        except OSError as error:
            said = say("The run's process could not be started: {cause}.", cause=error.strerror)
            end = "failed", said, say("Make room on the disk.")
        else:
            with self._lock:
                self._keep_spare()
            code = worker.attend(live, self.limits.longest_s, lambda: self._abandoned(live))
            worker.close()
            end = verdict(live, code)
        with self._lock:
            self._finish(live, *end)
            self._free.append(slot)
            self._fill_slots()
            self._keep_spare()

    def _keep_spare(self) -> None:
        """A spare loads torch when somebody waits or nothing runs: else it would take the run's processor."""
        if not self._running() or any(live.waits for live in self._live.values()):
            self._crew.keep_spare()

    def _abandoned(self, live: Live) -> bool:
        unseen = time.monotonic() - live.looked > self.limits.unwatched_s
        return unseen and any(other.waits for other in list(self._live.values()))

    def _stop(self, live: Live) -> None:
        live.stop()
        if live.waits:
            self._finish(live, "stopped", say("Stopped before it began."))

    def _finish(self, live: Live, state: str, message: str, hint: str = "") -> None:
        run = ended(live.run, state, message, hint)
        if run.state == "stopped" and live.stopping.is_set():  # the worker knows that it was told to end, and not why
            run = replace(run, result={**run.result, "message": live.why if live.thread else message})
        try:
            self.runs.store_end(run)
        except ProbeError:  # no room: it stays in memory, and its record is read when the next server starts
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
def shared() -> Jobs:
    """The one queue of this server; its runs end with what they measured when the server is stopped."""
    jobs = Jobs()
    atexit.register(jobs.close)
    return jobs
