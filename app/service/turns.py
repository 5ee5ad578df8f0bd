"""Who goes first: the answer to a tick before what is drawn, and whole pages a few at a time.

A page takes a server as long as five ticks. Threads that compute share one processor evenly: beside thirty pages that
are being drawn a tick would take thirty times as long, and no page would be there sooner. What draws stands aside, at
each of its parts, for the numbers that somebody waits for.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

AT_ONCE = 2
LONGEST_S = 2.0  # then one goes on without a turn: nobody waits for long on who has one
ASIDE_S = 0.03  # at one part of a page; a tick's answer takes a third of it

_turns = threading.BoundedSemaphore(AT_ONCE)
_mine = threading.local()
_changed = threading.Condition()
_ticks = 0  # that are being answered


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


@contextmanager
def tick_at_work() -> Iterator[None]:
    """A tick is being answered until the end."""
    global _ticks
    with _changed:
        _ticks += 1
    try:
        yield
    finally:
        with _changed:
            _ticks -= 1
            if not _ticks:
                _changed.notify_all()


def let_ticks_by() -> None:
    """Wait for a moment while ticks are being answered."""
    if _ticks:
        with _changed:
            _changed.wait_for(lambda: not _ticks, ASIDE_S)


def _take() -> None:
    _mine.had = _turns.acquire(timeout=LONGEST_S)


def _give() -> bool:
    had = getattr(_mine, "had", False)
    if had:
        _mine.had = False
        _turns.release()
    return had
