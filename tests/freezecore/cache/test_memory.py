"""Answers in memory: shared, bounded, and a failure not for ever."""

import pytest

from freezecore.cache import memory
from freezecore.cache.memory import RecentAnswers
from freezecore.errors import FreezeError


def test_the_least_used_answer_is_forgotten():
    computed = []
    answers = RecentAnswers(2)
    for key in ("a", "b", "a", "c", "a", "b"):
        assert answers.answer(key, lambda key=key: computed.append(key) or key) == key
    assert computed == ["a", "b", "c", "b"]


def test_a_failure_is_told_again_for_a_minute_and_then_tried_again(monkeypatch):
    now = 100.0
    monkeypatch.setattr(memory.time, "monotonic", lambda: now)
    tries = []

    def compute():
        tries.append(now)
        raise FreezeError("No.", "Really.")

    answers = RecentAnswers(2)
    for now in (100.0, 130.0, 161.0):  # noqa: B007 read by the clock above
        with pytest.raises(FreezeError, match="No. Really."):
            answers.answer("key", compute)
    assert len(tries) == 2


def test_a_mistake_in_the_program_is_not_remembered():
    answers = RecentAnswers(2)
    with pytest.raises(ZeroDivisionError):
        answers.answer("key", lambda: 1 / 0)
    assert answers.answer("key", lambda: "fine") == "fine"
