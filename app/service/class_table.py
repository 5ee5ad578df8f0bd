"""A class's answers and measurements as tables: before against after, and everybody's as CSV."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .classes import ClassEntry
from .lessons import BY_KEY, Lesson
from .run_table import BYTE_ORDER_MARK, plain_cell

MEASURED = ("accuracy_after", "train_accuracy_after", "step_s", "seconds", "trainable")
Read = Callable[[str], dict | None]  # of a run's token what it measured


@dataclass(frozen=True)
class Answered:
    """How many who answered both questions had them right: before (rows) against after (columns)."""

    both: int
    learnt: int
    lost: int
    neither: int

    @property
    def count(self) -> int:
        return self.both + self.learnt + self.lost + self.neither

    @property
    def right_before(self) -> int:
        return self.both + self.lost

    @property
    def right_after(self) -> int:
        return self.both + self.learnt


def answered(entries: Sequence[ClassEntry], lesson: Lesson) -> Answered:
    """Those of a lesson who answered before and after it."""
    right = Counter(
        (entry.before == lesson.checks[0], entry.after == lesson.checks[1])
        for entry in entries
        if entry.before and entry.after
    )
    return Answered(right[True, True], right[False, True], right[True, False], right[False, False])


def as_csv(entries: Sequence[ClassEntry], read: Read) -> str:
    """A line for each person, lesson and run; one without a run where nothing was measured.

    It begins with the mark by which spreadsheets know that its names are UTF-8.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["nickname", "lesson", "before", "before_right", "guess", "after", "after_right", "run", *MEASURED])
    for entry in entries:
        lesson = BY_KEY.get(entry.lesson)
        if lesson is None:
            continue
        before, after = (
            (given, int(given == right) if given else "")
            for given, right in zip((entry.before, entry.after), lesson.checks, strict=True)
        )
        person = [plain_cell(entry.nickname), lesson.key, *before, entry.guess, *after]
        measured = [(run.name, read(token) or {}) for run, token in zip(lesson.runs, entry.runs, strict=False)]
        for name, result in measured or [("", {})]:
            writer.writerow([*person, name, *(result.get(field) for field in MEASURED)])
    return BYTE_ORDER_MARK + text.getvalue()
