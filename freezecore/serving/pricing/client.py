"""The page's way to the pricing process: one for all visitors, and nobody waits long for it.

Nothing depends on it. Whoever gets no answer works it out, as where there is no such process.
"""

from __future__ import annotations

import contextlib
import itertools
import subprocess
import threading
import time
from concurrent.futures import Future
from dataclasses import asdict
from functools import cache

from freezecore import sentences
from freezecore._estimate.cards import Card
from freezecore.cache import store
from freezecore.cache.memory import Recent
from freezecore.mask import Mask
from freezecore.serving import child_process
from freezecore.serving.pricing.server import MOST_STEPS
from freezecore.serving.pricing.wire import KnownStep, PricedTicks

LIMIT_S = 0.15
MOST_WAITING = 6  # more than it answers in that time
REST_S = 3.0  # after a late answer nobody asks: processors are short, and waiting adds to what one does oneself
AGAIN_S = 10.0  # from one start to the next, of a process that dies
MOST_CALLS = 20_000  # of a step that is sent: more take longer to send than they save


class PricingProcess:
    """The process, begun with the first step that is made known to it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen | None = None
        self._began = -AGAIN_S
        self._rests_until = 0.0
        self._numbers = itertools.count(1)
        self._steps = Recent(MOST_STEPS)  # number of a step by what identifies it, with what that is a name of
        self._waiting: dict[int, Future] = {}

    def knows(self, step: tuple[object, ...]) -> bool:
        """Whether it was told of the step that these very objects stand for."""
        return self._steps.read(tuple(map(id, step))) is not None

    def tell(self, step: tuple[object, ...], known: KnownStep) -> None:
        """Make a step known, by the objects that it stands for; takes a while, nothing where it is too large."""
        name = tuple(map(id, step))
        if len(known.trace.steps) > MOST_CALLS:
            self._steps.write(name, (None, step))
            return
        with self._lock:
            process = self._running()
        if process is None:
            return
        number = next(self._numbers)
        line = sentences.dumps({"step": number, **known.to_json()})
        with self._lock:
            if self._process is process and self._sent(line):
                self._steps.write(name, (number, step))

    def ask(self, step: tuple[object, ...], ticks: Mask, batch: int, card: Card | None) -> PricedTicks | None:
        """What these ticks come to; None where that does not come at once."""
        name = tuple(map(id, step))
        number, _ = self._steps.read(name) or (None, ())
        if number is None or len(self._waiting) >= MOST_WAITING or time.monotonic() < self._rests_until:
            return None
        asked, arriving = next(self._numbers), Future[dict]()
        trains = "".join("01"[trains] for trains in ticks.trains)
        about = {"step": number, "trains": trains, "norms": ticks.norms, "dropout": ticks.dropout, "batch": batch}
        line = sentences.dumps({"ask": asked, **about, "card": card and asdict(card)})
        with self._lock:
            self._waiting[asked] = arriving
            sent = self._process is not None and self._sent(line)
        try:
            found = arriving.result(LIMIT_S) if sent else {}
        except TimeoutError:
            found, self._rests_until = {}, time.monotonic() + REST_S
        finally:
            self._waiting.pop(asked, None)
        if "unknown" in found:
            self._steps.write(name, None)  # it is told again
        return PricedTicks.from_json(found["priced"]) if "priced" in found else None

    def close(self) -> None:
        """End the process."""
        with self._lock:
            process, self._process = self._process, None
            self._began = float("inf")
        if process:
            child_process.close(process)

    def _running(self) -> subprocess.Popen | None:
        """The process; begun where it does not run, unless it has just been."""
        if self._process is None and time.monotonic() - self._began >= AGAIN_S:
            self._began = time.monotonic()
            log = store.home() / "pricing.log"
            with contextlib.suppress(OSError):  # no process can be had: then without
                self._process = child_process.start(
                    "freezecore.serving.pricing.server", log=log, stdout=subprocess.PIPE
                )
                threading.Thread(target=self._receive, args=(self._process,), name="pricing", daemon=True).start()
        return self._process

    def _sent(self, line: str) -> bool:
        assert self._process is not None
        try:
            child_process.send_line(self._process, line)
        except (OSError, ValueError):  # it has died: `_receive` forgets it
            return False
        return True

    def _receive(self, process: subprocess.Popen) -> None:
        """Hand answers on until the process ends; who waits then gets none."""
        assert process.stdout is not None
        with contextlib.suppress(ValueError, OSError):  # a line cut short, or a pipe that was closed
            for line in process.stdout:
                found = sentences.loads(line)
                if (arriving := self._waiting.get(found["ask"])) and not arriving.done():
                    arriving.set_result(found)
        with self._lock:
            if self._process is process:
                self._process = None
            self._steps = Recent(MOST_STEPS)
            left = list(self._waiting.values())
        for arriving in left:
            if not arriving.done():
                arriving.set_result({})
        child_process.close(process)


@cache
def shared() -> PricingProcess:
    """The one of this server."""
    return PricingProcess()
