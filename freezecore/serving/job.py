"""One run inside a server: who has asked for it, how it stands, and what has been measured so far."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from freezecore.serving.run_log import Reader
from freezecore.serving.runs import Run
from freezecore.serving.worker import STOPPED


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
class Standing:
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


class Live:
    """A run that waits or runs.

    Attributes:
        run: as it is stored.
        expected_s: seconds that it will take; None where that cannot be foretold.
        controls: control token of each person who has asked for it, and their name.
        stopping: it has been told to end; `why` is what its result will say.
        looked: when somebody last looked at it (monotonic seconds).
    """

    def __init__(self, run: Run, expected_s: float | None = None) -> None:
        self.run = run
        self.expected_s = expected_s
        self.controls: dict[str, str] = {}
        self.stopping = threading.Event()
        self.why = STOPPED
        self.looked = time.monotonic()
        self.thread: threading.Thread | None = None
        self._reader = Reader(Path(run.folder))
        self._reading = threading.Lock()

    @property
    def waits(self) -> bool:
        """It has not begun."""
        return self.thread is None

    @property
    def goes_on(self) -> bool:
        """Nobody has told it to end."""
        return not self.stopping.is_set()

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
        self.looked = time.monotonic()
        with self._reading:
            return list(self._reader.read())

    def stop(self, why: str = STOPPED) -> None:
        """Ask the run to end; the first reason stays."""
        if not self.stopping.is_set():
            self.why = why
            self.stopping.set()


def standing_of(run: Run) -> Standing:
    """How a run stands, apart from its place in the queue."""
    return Standing(run.token, run.kind, run.state, run.request, run.created, run.started, run.ended)
