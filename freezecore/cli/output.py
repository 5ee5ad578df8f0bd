"""What several commands share of what a person sees: colours, lines, progress, and an early end by Ctrl+C."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, TextIO

Style = Literal["red", "yellow", "green"]
CODES = {"red": 31, "yellow": 33, "green": 32}
DIFFERENCES = ("missing", "new", "changed", "renamed", "reshaped")
NOTHING = "(nothing frozen)"
PHASES = {
    "data": "preparing the data",
    "model": "loading the model and its weights",
    "check": "checking the frozen part",
    "capture": "computing the frozen part once",
}


def painted(text: str, style: Style | None, stream: TextIO | None = None) -> str:
    """The text in a colour where the stream (standard output) is a terminal that wants colours."""
    stream = stream or sys.stdout
    if style is None:
        return text
    plain = not stream.isatty() or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return text if plain else f"\x1b[{CODES[style]}m{text}\x1b[0m"


def lines(*texts: str) -> str:
    """One text below another, but for the empty ones."""
    return "\n".join(filter(None, texts))


def score_text(one: dict) -> str:
    """The metric that was asked for; else the accuracy, else the score that selections are ranked by."""
    known = (one.get(name) for name in ("metric_after", "accuracy_after", "score"))
    return next((f"{value:.3f}" for value in known if value is not None), "")


def differences(document: dict) -> list[str]:
    """A line for each parameter that a saved selection and today's model do not share."""
    return [f"{key}: {name}" for key in DIFFERENCES for name in document.get(key, [])]


def progress(options: Namespace, describe: Callable[[dict], str] = lambda event: "") -> Callable[[dict], None]:
    """Print events as JSON lines; without `--json`, on standard error, as `describe` puts them (nothing if empty).

    Steps are shown on a terminal alone, over one another.
    """
    if options.json:
        return lambda event: print(json.dumps(event, ensure_ascii=False), flush=True)
    screen = sys.stderr.isatty()

    def show(event: dict) -> None:
        if line := describe(event):
            print(f"\r\033[K{line}" if screen else line, file=sys.stderr, flush=True)
        elif screen and event["event"] == "step":
            print(f"\r\033[Kstep {event['step']}  loss {event['loss']:.4f} ", end="", file=sys.stderr, flush=True)
        elif screen and event["event"] == "phase":
            done = f": {event['done']} of {event['total']}" if event.get("total") else ""
            doing = PHASES.get(event["phase"], event["phase"])
            print(f"\r\033[K{doing}{done} ", end="", file=sys.stderr, flush=True)

    return show


@contextmanager
def stoppable() -> Iterator[Callable[[], bool]]:
    """Inside, the first Ctrl+C asks for an early end that keeps what was measured; the second ends at once."""
    asked = threading.Event()

    def ask(signum: int, frame: object) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        print("\nStopping; press Ctrl+C again to end at once.", file=sys.stderr, flush=True)

    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)
