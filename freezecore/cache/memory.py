"""What was asked for last, kept in memory up to a number and shared by threads."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from freezecore.errors import FreezeError

FAILURE_S = 60.0


class Recent:
    """Values by key, the least used forgotten first."""

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


class RecentAnswers:
    """Answers by key, each computed once however many threads ask.

    A failure is remembered for a minute: a class that opens the same impossible link costs one attempt.
    """

    def __init__(self, most: int) -> None:
        self._asked = Recent(most)
        self._asking = threading.Lock()

    def answer(self, key: str, compute: Callable[[], Any]) -> Any:
        """What `compute` returned for this key, now or before; its FreezeError is raised for every caller."""
        with self._asking:
            known, until = self._asked.read(key) or (None, 0.0)
            mine = known is None or time.monotonic() > until
            future: Future = Future() if known is None or mine else known
            if mine:
                self._asked.write(key, (future, float("inf")))
        if mine:
            try:
                future.set_result(compute())
            except BaseException as error:
                is_told = isinstance(error, FreezeError)
                self._asked.write(key, (future, time.monotonic() + FAILURE_S if is_told else 0.0))
                future.set_exception(error)
                if not is_told:
                    raise
        try:
            return future.result()
        except FreezeError as error:
            raise type(error)(error.problem, error.hint) from None  # each thread needs a traceback of its own
