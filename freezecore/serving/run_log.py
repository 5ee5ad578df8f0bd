"""A run's log: a folder with one file of JSON lines, appended while the run goes on, readable at every moment.

request.json   what was asked for
events.jsonl   what was measured; the last line is the result
log.txt        what libraries printed
reserve        room on the disk that is given back when there is no other, so that the result still fits
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import time
from pathlib import Path

from freezecore import sentences
from freezecore.cache import store, whole_file
from freezecore.errors import FreezeError
from freezecore.probe import ProbeResult

RESERVE_BYTES = 256 * 1024
STEP_GAP_S = 0.04
FIRST_STEPS = 100
MOST_FOLDERS = 200
MOST_BYTES = 500 * 10**6
MOST_AGE_S = 180 * 86_400.0


def new_folder(parent: Path, name: str, request: dict) -> Path:
    """Make a log's folder; the oldest ones go when there are many.

    Raises:
        OSError: the disk is full, or may not be written.
    """
    folder = parent / name
    folder.mkdir(parents=True)
    whole_file.write(folder / "request.json", json.dumps(request).encode())
    prune(parent)
    return folder


def prune(parent: Path) -> None:
    """Forget the logs of the oldest runs that have ended: beyond a number, a size, an age. Their results stay."""
    ended = [file.parent for file in parent.glob("*/request.json") if not (file.parent / "reserve").exists()]
    total, now = 0, time.time()
    with contextlib.suppress(OSError):  # another server tidies up too
        for place, old in enumerate(store.newest_first(ended)):
            total += sum(file.stat().st_size for file in old.iterdir())
            if place >= MOST_FOLDERS or total > MOST_BYTES or now - old.stat().st_mtime > MOST_AGE_S:
                shutil.rmtree(old, ignore_errors=True)


class RunLog:
    """The writing side, in the worker.

    Attributes:
        full: a line could not be written because the disk is full; the run should end with what it has.
    """

    def __init__(self, folder: Path) -> None:
        self.full = False
        self._reserve = folder / "reserve"
        self._unwritten: list[bytes] = []
        self._held: dict | None = None
        self._steps = 0
        self._last_s = 0.0
        with contextlib.suppress(OSError):
            self._reserve.write_bytes(bytes(RESERVE_BYTES))
        try:
            self._file = os.open(folder / "events.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise FreezeError(
                "The run's record cannot be written: {cause}.", "Make room on the disk.", cause=error.strerror
            ) from error

    def emit(self, event: dict) -> None:
        """Append one event; steps in quick succession are thinned to 25 lines a second, the last is always kept."""
        if event.get("event") == "step":
            self._steps += 1
            now = time.monotonic()
            if self._steps > FIRST_STEPS and now - self._last_s < STEP_GAP_S:
                self._held = event
                return
            self._last_s = now
        elif self._held:
            held, self._held = self._held, None
            self._append(held)
        self._held = None
        self._append(event)

    @property
    def pending(self) -> list[dict]:
        """Events that are not on the disk."""
        return [*(sentences.loads(line) for line in self._unwritten), *([self._held] if self._held else [])]

    def finish(self, result: dict) -> bool:
        """Append the result and give the reserve back; False when it could not be written."""
        self.emit(result)
        self._reserve.unlink(missing_ok=True)
        self._flush()
        os.close(self._file)
        return not self._unwritten

    def _append(self, event: dict) -> None:
        self._unwritten.append(as_line(event))
        if not self._flush():
            self.full = True
            self._reserve.unlink(missing_ok=True)
            self._flush()

    def _flush(self) -> bool:
        """Write what waits, whole lines only; False when some is left."""
        while self._unwritten:
            line = self._unwritten[0]
            size = os.fstat(self._file).st_size
            try:
                written = os.write(self._file, line)
            except OSError:
                return False
            if written < len(line):
                os.ftruncate(self._file, size)
                return False
            self._unwritten.pop(0)
        return True


class RunLogReader:
    """The reading side, in the server: events as they arrive; a line that is still being written is left for later."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "events.jsonl"
        self._offset = 0
        self.events: list[dict] = []

    def read(self) -> list[dict]:
        """All events so far, the result included."""
        with contextlib.suppress(OSError), self._path.open("rb") as file:
            file.seek(self._offset)
            while (line := file.readline()).endswith(b"\n"):
                self._offset += len(line)
                with contextlib.suppress(ValueError):
                    self.events.append(sentences.loads(line))
        return self.events

    @property
    def result(self) -> dict | None:
        """The result among the events read so far."""
        return self.events[-1] if self.events and self.events[-1].get("event") == "result" else None


def as_line(event: dict) -> bytes:
    """One event as a line of real JSON: a number that is none (a loss of NaN) becomes null."""
    try:
        text = sentences.dumps(event, allow_nan=False)
    except ValueError:
        text = sentences.dumps(_finite(event))
    return text.encode() + b"\n"


def thinned(events: list[dict], most: int = 400) -> list[dict]:
    """The events with at most about `most` steps among them, evenly chosen, the first and the last kept."""
    steps = [i for i, event in enumerate(events) if event.get("event") == "step"]
    stride = max(1, math.ceil(len(steps) / most))
    kept = {*steps[::stride], *steps[-1:]}
    return [event for i, event in enumerate(events) if event.get("event") != "step" or i in kept]


def partial_result(kind: str, request: dict, events: list[dict], state: str, message: str, hint: str = "") -> dict:
    """The result of a run that could not write one itself: killed, stopped, or out of memory; made from its events.

    `state` is a probe's state or `interrupted`: the server ended before the run did.
    """
    end = {"state": state, "message": message, "hint": hint, "request": request}
    if kind != "probe":
        return {"event": "result", **end, "runs": [event for event in events if event.get("event") == "run"]}
    # The proof and the accuracy on the training data come at the end, which this run did not reach.
    fields = ProbeResult.__dataclass_fields__.keys() - {"proof", "cache"}
    known: dict = {"device": request.get("device", "")}
    for event in events:
        if event.get("event") == "start":
            known.update(event)
        if event.get("event") == "eval" and event.get("done") == event.get("total"):
            known[f"accuracy_{event['when']}"] = event.get("accuracy")
    if steps := [event for event in events if event.get("event") == "step"]:
        known.update(steps=steps[-1]["step"], loss_first=steps[0].get("loss"), loss_last=steps[-1].get("loss"))
    return ProbeResult(**{key: value for key, value in {**known, **end}.items() if key in fields}).to_json()


def _finite(value):
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, (list, tuple)) else value
