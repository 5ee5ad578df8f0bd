"""The page without a browser, over an analyst of this very process and jobs that never train."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from functools import cache
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.service import pricing
from freezecore.cache import memory
from freezecore.errors import FreezeError, ProbeError
from freezecore.serving import jobs
from freezecore.serving.analyst import client as analyst
from freezecore.serving.pricing import client as beside

MAIN = str(Path(__file__).parents[2] / "app" / "main.py")
QUICK_S = 180  # a ceiling for a machine that is shared


ONE_AT_A_TIME = threading.Lock()  # a model is followed under modes of torch that threads share; analysts are processes


@cache
def _tree(source):
    from freezecore.api import read_tree

    return read_tree(source)


@cache
def _trace(source, workload):
    from freezecore.api import trace

    return trace(source, workload)


class HereAnalyst:
    """Reads and traces in this process; `asked` tells what for, and `broken` makes every trace fail."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.broken: FreezeError | None = None

    def tree(self, source):
        self.asked.append(str(source))
        return _tree(source)

    def trace(self, source, workload):
        if self.broken:
            raise self.broken
        with ONE_AT_A_TIME:
            return _trace(source, workload)

    def fill(self, source, workload, missing):
        from freezecore.runtime.trace import fill

        trace = self.trace(source, workload)
        with ONE_AT_A_TIME:
            return fill(trace, source, missing)

    def preview(self, request):
        from freezecore.runtime.data.preview import preview

        return preview(request)

    def warm(self, models=(), *, then=None) -> None:
        pass


class StillJobs:
    """Takes requests and never runs them."""

    def __init__(self) -> None:
        self.requests: list[object] = []
        self.kind = "probe"
        self.owner = ""
        self.runs = self
        self.ended: dict | None = None  # a result, once it has ended
        self.seen = [{"event": "step", "step": 6, "loss": 1.5, "step_s": 0.1}]

    def warm(self) -> None:
        pass

    def listed(self, owner=None, kind=None, limit=200):
        return ()

    def start(self, request, owner, again=False):
        self.requests.append(request)
        self.owner = owner
        return jobs.Job("token", "control")

    def status(self, token):
        if token != "token":
            raise ProbeError(f"There is no run '{token}'.", "Its link may be cut.")
        stored = (self.ended or {}).get("request") or {"steps": 60}
        asked = self.requests[0].to_json() if self.requests else stored
        state, end = (self.ended["state"], 1.0) if self.ended else ("running", None)
        return jobs.JobStatus(token, self.kind, state, asked, 0.0, 0.0, end)

    def control_of(self, token, owner):
        return "control" if owner == self.owner else None

    def is_answered(self, request):
        return False

    def waiting(self):
        return 0, 0.0

    def events(self, token, after=0):
        return self.seen

    def result(self, token):
        return self.ended

    def expected_s(self, request):
        return None

    def stop(self, control):
        self.requests.append(control)
        return True


@pytest.fixture
def helpers(monkeypatch) -> Iterator[tuple[HereAnalyst, StillJobs]]:
    """The analyst and the jobs that the page will find; nothing is followed behind a test's back when it has ended."""
    pair = HereAnalyst(), StillJobs()
    monkeypatch.setattr(analyst, "shared", lambda: pair[0])
    monkeypatch.setattr(analyst, "for_data", lambda: pair[0])
    monkeypatch.setattr(jobs, "shared", lambda: pair[1])
    alone = beside.PricingProcess()
    alone.close()
    monkeypatch.setattr(beside, "shared", lambda: alone)
    monkeypatch.setattr(pricing, "_futures", memory.Recent(32))
    monkeypatch.setattr(pricing, "_traces", memory.Recent(32))
    yield pair
    asked = [future for future, _ in pricing._futures._kept.values()]
    running = [future for future in asked if not future.cancel()]
    wait([*running, *pricing._references._kept.values()], QUICK_S)


@pytest.fixture
def opened(helpers) -> Callable[..., AppTest]:
    """`opened(model="timm:resnet18", lang="ja")` is the page of that link, drawn until its numbers are there."""

    def open_page(**query: str) -> AppTest:
        page = AppTest.from_file(MAIN, default_timeout=QUICK_S)
        for name, value in query.items():
            page.query_params[name] = value
        return drawn(page.run())

    return open_page


def drawn(page: AppTest) -> AppTest:
    """The page once the numbers of what is chosen are there."""
    for future, _ in list(pricing._futures._kept.values()):
        future.exception(timeout=QUICK_S)
    return page.run()
