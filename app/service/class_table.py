"""A class's answers and measurements as tables: votes, before against after, and everybody's, also as CSV."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..text import Words
from .class_entry import ClassEntry
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


def votes(entries: Sequence[ClassEntry], lesson: Lesson) -> Counter[str]:
    """How many chose each of a lesson's guesses."""
    return Counter(entry.guess for entry in entries if entry.guess in lesson.guesses)


def points(entries: Sequence[ClassEntry], lesson: Lesson, read: Read) -> list[list[tuple[str, float]]]:
    """For each of a lesson's runs, who measured what of what the lesson is about."""
    return [
        [(entry.nickname, value) for entry in entries if (value := of_run(entry, place, lesson, read)) is not None]
        for place in range(len(lesson.runs))
    ]


def of_run(entry: ClassEntry, place: int, lesson: Lesson, read: Read) -> float | None:
    """What one person's run measured, of what the lesson is about; None where it did not."""
    result = read(entry.runs[place]) if place < len(entry.runs) else None
    return (result or {}).get(lesson.shows[0])


def value_text(lesson: Lesson, words: Words) -> Callable[[float], str]:
    """How what a lesson is about is written."""
    return words.seconds if lesson.shows[0] in ("seconds", "step_s") else "{:.3f}".format


def row(entry: ClassEntry, lesson: Lesson, read: Read, words: Words) -> dict[str, object]:
    """One person's answers, and what each run measured, by the columns' names."""
    found: dict[str, object] = {words("class.nickname"): entry.nickname}
    for when, right in zip(("before", "after"), lesson.checks, strict=True):
        given = getattr(entry, when)
        found[words(f"class.{when}")] = ("✓" if given == right else "✕") if given else None
    found[words("class.guess")] = words.either(f"lesson.{lesson.key}.guess.{entry.guess}", entry.guess) or None
    for place, run in enumerate(lesson.runs):
        found[words(f"lesson.{lesson.key}.run.{run.name}")] = of_run(entry, place, lesson, read)
    return found


def checked_rows(found: Answered, words: Words) -> list[dict[str, object]]:
    """Right and wrong before (rows) against after (columns)."""
    right, wrong = words("class.right_after"), words("class.wrong_after")
    return [
        {"": words("class.right_before"), right: found.both, wrong: found.lost},
        {"": words("class.wrong_before"), right: found.learnt, wrong: found.neither},
    ]


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
