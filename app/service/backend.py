"""What reads and traces models for the page, and does its long work: a server's, unless another was put in its place.

A page without a server has neither processes nor threads: there models come as packed files, and long work is done in
the moments in which nobody asks for anything.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

from freezecore._trace import Trace
from freezecore.source import ModelSource
from freezecore.tree import LayerTree
from freezecore.workload import Workload

from . import turns


class Backend(Protocol):
    """What the page asks; each raises a FreezeError that says what is wrong."""

    def tree(self, source: ModelSource) -> LayerTree:
        """The model's layers."""

    def trace(self, source: ModelSource, workload: Workload) -> Trace:
        """One training step of it."""

    def fill(self, source: ModelSource, workload: Workload, missing: tuple) -> Trace:
        """The same with combinations that an estimate was missing."""

    def submit(self, work: Callable[..., Any], *about: object) -> Future:
        """Begin work that takes a while; where it is a generator, it may be left and taken up again at each `yield`."""


class Server:
    """The analyst's process, and threads."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="trace")

    def tree(self, source: ModelSource) -> LayerTree:
        with turns.given_back():
            return _analyst().tree(source)

    def trace(self, source: ModelSource, workload: Workload) -> Trace:
        with turns.given_back():
            return _analyst().trace(source, workload)

    def fill(self, source: ModelSource, workload: Workload, missing: tuple) -> Trace:
        with turns.given_back():
            return _analyst().fill(source, workload, missing)

    def submit(self, work: Callable[..., Any], *about: object) -> Future:
        return self._threads.submit(_done, work, *about)


def shared() -> Backend:
    """The one that this process uses."""
    if not _used:
        _used.append(Server())
    return _used[0]


def use(backend: Backend) -> None:
    """Put another in its place, before anything is asked."""
    _used[:] = [backend]


def _analyst() -> Any:
    from freezecore.serving.analyst import client

    return client.shared()


def _done(work: Callable[..., Any], *about: object) -> Any:
    """What the work comes to, all of its steps taken."""
    result = work(*about)
    if not inspect.isgenerator(result):
        return result
    steps: Generator[None, None, Any] = result
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


_used: list[Backend] = []
