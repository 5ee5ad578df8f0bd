"""Answers that threads share: each computed once, kept up to a number."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from freezecore.errors import FreezeError

FAILURE_S = 60.0


class Remembered:
    """Answers by key, the least used forgotten first; callers with the same key share one computation.

    A failure is remembered for a minute: a class that opens the same impossible link costs one attempt.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[Future, float]] = OrderedDict()

    def answer(self, key: str, compute: Callable[[], Any]) -> Any:
        """What `compute` returned for this key, now or before; its FreezeError is raised for every caller."""
        with self._lock:
            future, until = self._kept.get(key, (None, 0.0))
            mine = future is None or (until and time.monotonic() > until)
            if mine:
                future = Future()
                self._kept[key] = (future, 0.0)
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        if mine:
            try:
                future.set_result(compute())
            except FreezeError as error:
                future.set_exception(error)
                self._expire(key, future)
            except BaseException as error:
                future.set_exception(error)
                self._forget(key)
                raise
        try:
            return future.result()
        except FreezeError as error:
            raise type(error)(error.problem, error.hint) from None  # each thread needs a traceback of its own

    def _expire(self, key: str, future: Future) -> None:
        with self._lock:
            self._kept[key] = (future, time.monotonic() + FAILURE_S)

    def _forget(self, key: str) -> None:
        with self._lock:
            self._kept.pop(key, None)


class Recent:
    """What was asked for last, shared by all threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[object, Any] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, key: object) -> Any:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def write(self, key: object, value: object) -> None:
        with self._lock:
            self._kept[key] = value
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
