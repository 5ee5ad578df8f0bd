from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from app.parts import classroom
from app.service.classes import ClassSettings
from app.text import Words
from freezecore.serving.jobs import Job
from tests.app.conftest import QUICK_S


@pytest.fixture
def lesson(helpers):
    """`lesson(guess=…, runs=…)` is the first lesson of that link; `jobs` are those that it finds."""

    def opened(**query: str) -> AppTest:
        def page():
            from app import state
            from app.parts.lesson import lesson_named, lesson_page

            state.begin()
            lesson_page(lesson_named(state.link().lesson))

        drawn = AppTest.from_function(page, default_timeout=QUICK_S)
        for name, value in {"lesson": "enough", "lang": "en", **query}.items():
            drawn.query_params[name] = value
        return drawn.run()

    opened.jobs = helpers[1]
    return opened


def bar(page: AppTest) -> str:
    return " ".join(each.proto.text for each in page.get("progress"))


@pytest.mark.parametrize(
    ("stored", "said"), [(True, "the answer is there at once"), (False, "Takes about 10 min here")]
)
def test_a_stored_answer_is_not_said_to_take_minutes(lesson, stored, said):
    lesson.jobs.is_answered = lambda request: stored
    lesson.jobs.expected_s = lambda request: 203.0
    page = lesson(guess="head")
    assert not page.exception
    assert any(said in caption.value for caption in page.caption)


def test_a_run_that_waits_for_others_is_not_said_to_be_measured(lesson):
    status = lesson.jobs.status
    page = lesson(guess="head", runs="token")
    assert bar(page) == "Measuring 1 of 3: head, pretrained"
    lesson.jobs.status = lambda token: replace(status(token), state="queued", position=3, waits_s=203.0)
    page = lesson(guess="head", runs="token")
    assert bar(page) == "Waiting: 2 ahead of you, about 3 min 20 s"
    lesson.jobs.status = lambda token: replace(status(token), state="queued", position=1, waits_s=203.0)
    page = lesson(guess="head", runs="token")
    assert bar(page) == "Waiting: you are next, about 3 min 20 s", "another is measured: nobody waits behind nobody"


def test_who_waits_is_answered_once_the_teacher_has_the_class_share(lesson, monkeypatch):
    jobs, stopped, asked = lesson.jobs, [], []
    status, token = jobs.status, classroom.shared().open()
    monkeypatch.setattr(jobs, "status", lambda run: replace(status(run), state="queued", position=3, waits_s=203.0))
    monkeypatch.setattr(jobs, "control_of", lambda run, owner: "control")  # of the browser that has begun it
    monkeypatch.setattr(jobs, "is_answered", lambda request: True, raising=False)
    monkeypatch.setattr(jobs, "stop", stopped.append, raising=False)
    monkeypatch.setattr(jobs, "start", lambda request, owner, again=False: asked.append(again) or Job("token", None))
    lesson(**{"class": token}, guess="head", runs="token")
    assert not stopped and not asked, "each measures for themselves"
    classroom.shared().change(token, ClassSettings(shared=True))
    page = lesson(**{"class": token}, guess="head", runs="token")
    assert not page.exception and (stopped, asked) == (["control"], [False])


def test_who_answers_in_a_class_without_a_name_is_told_that_it_does_not_count(lesson):
    said = Words("en")("class.nickname_missing")
    token = classroom.shared().open()
    page = lesson(**{"class": token})
    assert not any(said in caption.value for caption in page.caption)
    page.radio(key="w_guess_enough").set_value("head").run()
    assert not page.exception
    assert any(said in caption.value for caption in page.caption)
    assert not any(said in caption.value for caption in lesson(guess="head").caption), "alone, no name is missed"
