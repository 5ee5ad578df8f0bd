"""What one person of a class has answered in one lesson."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ClassEntry:
    """What one person guessed in one lesson, the tokens of the runs that answered, and what they answered to the
    questions before and after it; empty where they have not."""

    nickname: str
    lesson: str
    guess: str
    runs: tuple[str, ...]
    before: str = ""
    after: str = ""
