"""What several commands share of what a person sees: colours, lines, progress, and an early end by Ctrl+C."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sys
import threading
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Literal, TextIO

Style = Literal["red", "yellow", "green"]
CODES = {"red": 31, "yellow": 33, "green": 32}
MARKS = {"red": "\ufdd1", "yellow": "\ufdd2", "green": "\ufdd3"}  # Unicode has no characters there: no name holds them
PLAIN = "\ufdd0"
COLOURS = {ord(PLAIN): "\x1b[0m", **{ord(mark): f"\x1b[{CODES[style]}m" for style, mark in MARKS.items()}}
DIFFERENCES = ("missing", "new", "changed", "renamed", "reshaped")
CONTROLS = re.compile(  # the last are what turns the direction of writing round
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
)
NOTHING = "(nothing frozen)"
PHASES = {
    "data": "preparing the data",
    "model": "loading the model and its weights",
    "check": "checking the frozen part",
    "capture": "computing the frozen part once",
}


def take_any_terminal() -> None:
    """Let standard output and error take every text, whatever their encoding, and also where there is none of them."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started this
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        reconfigure = getattr(getattr(sys, name), "reconfigure", None)
        if reconfigure:
            reconfigure(errors="backslashreplace")


def as_json(value: object) -> str:
    """A line of JSON that any terminal may show: what would control it, or what it has no letter for, is escaped."""
    is_unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    text = json.dumps(value, ensure_ascii=not is_unicode)
    return CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def printable(text: str) -> str:
    """A text for a terminal, which nothing controls but the colours of `painted`."""
    return CONTROLS.sub("�", text).translate(COLOURS)


@contextmanager
def others_aside() -> Iterator[TextIO]:
    """Inside, what a model's own code prints goes to standard error, as does what a process that it starts prints.

    Gives the stream that still is standard output.
    """
    kept = None
    with contextlib.suppress(OSError, ValueError):  # one that a test or a notebook put in its place has no number
        if sys.stdout.fileno() == 1 and (aside := sys.stderr.fileno()) >= 0:
            kept = os.dup(1)
            os.dup2(aside, 1)
    if kept is None:
        answers = sys.stdout
        with contextlib.redirect_stdout(sys.stderr):
            yield answers
        return
    own = open(kept, "w", encoding=sys.stdout.encoding, errors="backslashreplace", closefd=False)  # noqa: SIM115
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield own
    finally:
        os.dup2(kept, 1)
        with contextlib.suppress(OSError):
            own.close()
        os.close(kept)


def write(text: str) -> bool:
    """Print an answer on standard output; where there is no room, on standard error, so that it is not lost.

    Returns:
        whether standard output took it.

    Raises:
        BrokenPipeError: nobody reads on.
    """
    text = printable(text)
    try:
        print(text, flush=True)
        return True
    except BrokenPipeError:
        raise
    except OSError as error:
        leave_output()
        cause = error.strerror or type(error).__name__
        tell(f"freezecore: standard output cannot be written: {cause}. What it should have been is here.\n{text}")
        return False


def tell(text: str, end: str = "\n") -> None:
    """Print on standard error, on which nothing depends."""
    with contextlib.suppress(OSError, ValueError):
        print(printable(text), end=end, file=sys.stderr, flush=True)


def leave_output(stream: TextIO | None = None) -> None:
    """Let what may still be written to standard output, or to this stream, go nowhere."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), (stream or sys.stdout).fileno())


def painted(text: str, style: Style | None, stream: TextIO | None = None) -> str:
    """The text, marked for `printable` to colour where the stream (standard output) is a terminal that wants it."""
    stream = stream or sys.stdout
    if style is None:
        return text
    plain = not stream.isatty() or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return text if plain else f"{MARKS[style]}{text}{PLAIN}"


def lines(*texts: str) -> str:
    """One text below another, but for the empty ones."""
    return "\n".join(filter(None, texts))


def selection_text(one: dict) -> str:
    """A selection in a line: the adapter, the rules, and the multiple of the learning rates where it is not 1."""
    factor = one.get("factor")
    rate = f"rate ×{factor:g}" if factor not in (None, 1.0) else None
    return "  ·  ".join(filter(None, (one.get("adapter"), one["rules"] or NOTHING, rate)))


def score_text(one: dict) -> str:
    """The metric that was asked for; else the accuracy, else the score that selections are ranked by."""
    from freezecore.report import metric_text  # `--help` needs none of it

    if one.get("metric_after") is not None:
        return metric_text(one.get("metric"), one["metric_after"])
    known = (one.get(name) for name in ("accuracy_after", "score"))
    return next((f"{value:.3f}" for value in known if value is not None), "")


def differences(document: dict) -> list[str]:
    """A line for each parameter that a saved selection and today's model do not share."""
    return [f"{key}: {name}" for key in DIFFERENCES for name in document.get(key, [])]


def progress(options: Namespace, describe: Callable[[dict], str] = lambda event: "") -> Callable[[dict], None]:
    """Print events as JSON lines; without `--json`, on standard error, as `describe` puts them (nothing if empty).

    Steps are shown on a terminal alone, over one another.
    """
    if options.json:
        return partial(_write_event, stream=options.answers)
    screen = sys.stderr.isatty()

    def show(event: dict) -> None:
        if line := describe(event):
            tell_over(line, screen)
        elif screen and event["event"] == "step":
            tell_over(f"step {event['step']}  loss {event['loss']:.4f} ", screen, end="")
        elif screen and event["event"] == "phase":
            done = f": {event['done']} of {event['total']}" if event.get("total") else ""
            doing = PHASES.get(event["phase"], event["phase"])
            tell_over(f"{doing}{done} ", screen, end="")

    return show


def tell_over(line: str, screen: bool, end: str = "\n") -> None:
    """Print on standard error, on a terminal over the line before."""
    if screen:
        with contextlib.suppress(OSError, ValueError):
            print("\r\033[K", end="", file=sys.stderr)
    tell(line, end)


def _write_event(event: dict, stream: TextIO) -> None:
    """An event on standard output; a run goes on where there is no room, since its answer is told in the end."""
    try:
        print(as_json(event), flush=True, file=stream)
    except BrokenPipeError:
        raise
    except OSError as error:
        leave_output(stream)
        tell(f"freezecore: standard output cannot be written: {error.strerror}. The run goes on.")


@contextmanager
def stoppable() -> Iterator[Callable[[], bool]]:
    """Inside, the first Ctrl+C asks for an early end that keeps what was measured; the second ends at once."""
    asked = threading.Event()

    def ask(signum: int, frame: object) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        tell("\nStopping; press Ctrl+C again to end at once.")

    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)
