"""Whole pages are drawn a few at a time, so that a room that opens one at once does not hold up everybody's ticks.

A page takes a server as long as five ticks. Threads that compute share one processor evenly: beside thirty pages that
are being drawn a tick would take thirty times as long, and no page would be there sooner.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

AT_ONCE = 2
LONGEST_S = 2.0  # then one goes on without a turn: nobody waits for long on who has one

_turns = threading.BoundedSemaphore(AT_ONCE)
_mine = threading.local()


@contextmanager
def turn() -> Iterator[None]:
    """Wait for a turn at drawing, and have it until the end."""
    _take()
    try:
        yield
    finally:
        _give()


@contextmanager
def given_back() -> Iterator[None]:
    """Let others have the turn, if one is had, while this thread waits for another process."""
    had = _give()
    try:
        yield
    finally:
        if had:
            _take()


def _take() -> None:
    _mine.had = _turns.acquire(timeout=LONGEST_S)


def _give() -> bool:
    had = getattr(_mine, "had", False)
    if had:
        _mine.had = False
        _turns.release()
    return had
