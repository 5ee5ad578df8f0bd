"""A lesson's answers as a short code that a student hands to the teacher, who pastes many of them at once.

`fx1-enough-same-b-b-head=381-k3f9-Mia-9c41`: lesson, guess, answers before and after, what the student's own browser
measured (right answers on the held-out samples, by run), letters that tell two students apart who gave no name, the
name, and a check over the rest. `0` stands for what is missing. Nothing in it but what the student sees.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from app.service.class_entry import ClassEntry
from app.service.lessons import BY_KEY, CHOICES, Lesson

FORMAT = "fx1"
MISSING = "0"
LONGEST_NAME, LONGEST_MARK = 24, 8
MOST = 5_000  # codes that are read at once
WRITTEN = re.compile(r"fx\d+-[\w%=,-]+")  # also one of another version, or cut off: told as wrong
GLUED = re.compile(r"(fx\d+(?:-[^-]+){7}-[0-9a-f]{4})[^\x00-\x7f]")  # Japanese and Chinese go on without a space
MARK = re.compile(rf"[a-z0-9]{{1,{LONGEST_MARK}}}")


@dataclass(frozen=True)
class Answers:
    """One student's answers in one lesson.

    Attributes:
        mark: tells students apart; the same browser has the same.
        hits: held-out samples that a run got right in the student's own browser, by the run's name.
    """

    lesson: Lesson
    guess: str
    before: str = ""
    after: str = ""
    hits: Mapping[str, int] = field(default_factory=dict)
    mark: str = "a"
    name: str = ""

    @property
    def code(self) -> str:
        """The text that carries them."""
        hits = ",".join(f"{run}={count}" for run, count in self.hits.items())
        parts = (self.lesson.key, self.guess, self.before, self.after, hits, self.mark, _quoted(clean_name(self.name)))
        text = "-".join((FORMAT, *(part or MISSING for part in parts)))
        return f"{text}-{_check(text)}"

    @property
    def accuracies(self) -> dict[str, float]:
        """Of the runs that the student's browser measured."""
        sizes = {run.name: self.lesson.request(run).test_size for run in self.lesson.runs}
        return {run: count / size for run, count in self.hits.items() if (size := sizes[run])}

    def entry(self, number: int) -> ClassEntry:
        """The same as a class on a server keeps it; a student without a name is called by the number."""
        runs = tuple(f"{self.mark} {run.name}" for run in self.lesson.runs)
        return ClassEntry(self.name or str(number), self.lesson.key, self.guess, runs, self.before, self.after)


def clean_name(text: str) -> str:
    """A name as it is carried: printable, without spaces around it, short."""
    return "".join(ch for ch in text if ch.isprintable()).strip()[:LONGEST_NAME]


def read(code: str) -> Answers | None:
    """The answers of one code; None where it is none, was cut off, or says what no lesson asks."""
    text, _, check = code.rpartition("-")
    parts = text.split("-")
    if len(parts) != 8 or parts[0] != FORMAT or check != _check(text):
        return None
    key, guess, before, after, hits, mark, name = ("" if part == MISSING else part for part in parts[1:])
    lesson = BY_KEY.get(key)
    if lesson is None or guess not in lesson.guesses or not {before, after} <= {"", *CHOICES}:
        return None
    if not MARK.fullmatch(mark):
        return None
    counts = _hits(lesson, hits)
    return None if counts is None else Answers(lesson, guess, before, after, counts, mark, clean_name(unquote(name)))


def read_all(text: str) -> tuple[list[Answers], list[str]]:
    """The answers in a text with codes in it, however they are set, and the codes that could not be read.

    The last code of a student for a lesson counts.
    """
    found: dict[tuple[str, str], Answers] = {}
    wrong: dict[str, None] = {}
    for code in [match.rstrip(",-") for match in WRITTEN.findall(text)[:MOST]]:
        if glued := GLUED.match(code):
            code = glued[1]
        answers = read(code)
        if answers is None:
            wrong[code] = None
        else:
            found[answers.mark, answers.lesson.key] = answers
    return list(found.values()), list(wrong)


def _hits(lesson: Lesson, text: str) -> dict[str, int] | None:
    sizes = {run.name: lesson.request(run).test_size or 0 for run in lesson.runs}
    counts = {}
    for part in filter(None, text.split(",")):
        run, _, count = part.partition("=")
        if not (count.isascii() and count.isdigit() and len(count) < 7 and int(count) <= sizes.get(run, -1)):
            return None
        counts[run] = int(count)
    return counts


def _quoted(name: str) -> str:
    """Letters and digits of any script stay; whatever a chat or mail program might change does not."""
    return "".join(ch if ch.isalnum() else f"%{ord(ch):02X}" if ch in "-_.~" else quote(ch, safe="") for ch in name)


def _check(text: str) -> str:
    return f"{zlib.crc32(text.encode()) & 0xFFFF:04x}"
