"""What a lesson shows of its runs: their table, and the verdict on a guess."""

import pytest
from streamlit.testing.v1 import AppTest

from freezecore.serving import jobs
from freezecore.serving.jobs import JobStatus


class EndedJobs:
    """Runs that have ended, each called after its part in the lesson."""

    def __init__(self, accuracies: dict[str, float]) -> None:
        self.accuracies = accuracies

    def status(self, token):
        return JobStatus(token, "probe", "done", {}, 0.0, 0.0, 1.0)

    def events(self, token, after=0):
        return []

    def result(self, token):
        value = self.accuracies[token]
        near = {"interval": (value - 0.02, value + 0.02), "trainable": 12_810, "seconds": 5.0}
        return {"state": "done", "accuracy_after": value, **near}


@pytest.fixture
def outcome(monkeypatch):
    """`outcome(guess, head=0.95, …)` is what the first lesson shows once its runs came to these accuracies."""

    def script(guess):
        import streamlit as st

        from app.parts import lesson_outcome
        from app.service import lesson_texts
        from app.service.lessons import LESSONS
        from app.text import Words

        lesson, words = LESSONS[0], Words("en")
        notes = {"guess": guess, "tokens": [run.name for run in lesson.runs]}
        lesson_outcome.table(lesson, notes, words)
        results = [lesson_outcome.measured(token) for token in notes["tokens"]]
        lesson_outcome.show_verdict(lesson, notes, lesson.verdict(results), words)
        st.caption(lesson_texts.heading(lesson.verdict(results), words))
        st.json(lesson_texts.figures(lesson, results, words))

    def draw(guess, **accuracies):
        monkeypatch.setattr(jobs, "shared", lambda: EndedJobs(accuracies))
        page = AppTest.from_function(script, args=(guess,), default_timeout=180).run()
        assert not page.exception
        return page

    return draw


def test_every_run_has_a_row_with_what_the_lesson_shows(outcome):
    table = outcome("head", head=0.95, all=0.8, random=0.1).table[0].value
    assert table.shape == (3, 4)
    assert [list(row[1:]) for row in table.itertuples(index=False)] == [
        ["0.950", "12.8 k", "5 s"], ["0.800", "12.8 k", "5 s"], ["0.100", "12.8 k", "5 s"],
    ]  # fmt: skip


def test_a_guess_is_right_surprised_or_hidden_by_noise(outcome):
    right = outcome("head", head=0.95, all=0.8, random=0.1)
    assert len(right.success) == 1 and "+15.0" in right.success[0].value
    surprised = outcome("all", head=0.95, all=0.8, random=0.1)
    assert not surprised.success and not surprised.warning and "+15.0" in surprised.markdown[-1].value
    assert right.caption[0].value == surprised.caption[0].value == "What it showed"
    noisy = outcome("head", head=0.855, all=0.83, random=0.1)
    assert len(noisy.warning) == 1 and "show" not in noisy.caption[0].value


def test_the_lesson_tells_weights_with_all_their_digits(outcome):
    assert '"trainable": "12,810"' in outcome("head", head=0.95, all=0.8, random=0.1).json[0].value
