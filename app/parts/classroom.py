"""A class: links to hand out, and everybody's guesses beside what they measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cache

import streamlit as st

from app import state
from app.link import Link
from app.parts import show_errors
from app.parts.table import UNKNOWN, formatted
from app.service import lessons
from app.service.classes import ClassEntry, Classes, nickname
from app.service.lessons import Lesson
from app.text import Words
from freezecore.errors import FreezeError
from freezecore.report import number_text
from freezecore.serving import jobs


@cache
def shared() -> Classes:
    """The classes of this server."""
    return Classes()


def nickname_field(words: Words) -> None:
    """Ask for a nickname where the link names a class."""
    token = state.link().klass
    if token is None:
        return
    if not shared().exists(token):
        st.warning(words("class.gone"))
        return
    st.text_input(
        words("class.nickname"),
        key="w_nickname",
        max_chars=24,
        help=words("class.nickname_help"),
        width=320,
        on_change=_named,
    )


@show_errors.acting
def _named() -> None:
    """Whoever guessed before typing a name is not forgotten."""
    for lesson in lessons.LESSONS:
        notes = state.notes(f"lesson_{lesson.key}")
        if "guess" in notes:
            record(lesson, notes["guess"], [] if notes.get("measuring") else notes.get("tokens", []))


def record(lesson: Lesson, guess: str, tokens: list[str]) -> None:
    """Write a guess and its runs down for the class, when there is one and the person has a name."""
    token, name = state.link().klass, state.value("w_nickname")
    if token and name:
        try:
            shared().note(token, ClassEntry(nickname(name), lesson.key, guess, tuple(tokens)), state.visitor())
        except FreezeError as error:
            show_errors.show(error.problem, error.hint)


def classroom(words: Words) -> None:
    """The teacher's page: begin a class, hand out its links, watch the guesses come in."""
    token = state.link().klass
    if token is None or not shared().exists(token):
        st.markdown(words("class.about"))
        st.button(words("class.begin"), type="primary", key="begin_class", on_click=_begin)
        _lessons(words)
        return
    _links(token, words)
    lesson = st.selectbox(
        words("learn.pick"),
        [lesson.key for lesson in lessons.LESSONS],
        key="w_class_lesson",
        format_func=lambda key: words(f"lesson.{key}.title"),
    )
    st.fragment(_board, run_every=3.0, key="board")(token, lesson)


def _lessons(words: Words) -> None:
    """What a class is asked: the lessons, three in a row."""
    st.subheader(words("learn.title"))
    for row in range(0, len(lessons.LESSONS), 3):
        for column, lesson in zip(st.columns(3), lessons.LESSONS[row : row + 3], strict=False):
            with column.container(border=True, height="stretch"):
                number = lessons.LESSONS.index(lesson) + 1
                st.markdown(f"**{number} · {words(f'lesson.{lesson.key}.title')}**")
                st.caption(words(f"lesson.{lesson.key}.question"))


@show_errors.acting
def _begin() -> None:
    state.change(klass=shared().open(state.visitor()))


def _links(token: str, words: Words) -> None:
    base = state.base_address()
    lesson = Link(klass=token, lesson=lessons.LESSONS[0].key).query()
    left, right = st.columns(2)
    with left:
        st.caption(words("class.lesson_link"))
        st.code(f"{base}/learn?{lesson}", language=None, wrap_lines=True)
    with right:
        st.caption(words("class.setup_link"))
        st.code(f"{base}/?{state.link().query()}", language=None, wrap_lines=True)


@show_errors.told
def _board(token: str, key: str) -> None:
    words = state.words()
    lesson = lessons.BY_KEY[key]
    entries = shared().entries(token, key)
    if not entries:
        st.info(words("class.nobody"))
        return
    votes = Counter(entry.guess for entry in entries)
    columns = st.columns(len(lesson.guesses))
    for column, guess in zip(columns, lesson.guesses, strict=True):
        column.metric(words(f"lesson.{key}.guess.{guess}"), votes[guess], border=True)
    rows = formatted([_row(entry, lesson, words) for entry in entries], _texts(lesson, words))
    st.dataframe(rows, hide_index=True, key="class_board", placeholder=UNKNOWN)


def _row(entry: ClassEntry, lesson: Lesson, words: Words) -> dict[str, object]:
    row: dict[str, object] = {words("class.nickname"): entry.nickname}
    row[words("learn.guess")] = words.either(f"lesson.{lesson.key}.guess.{entry.guess}", entry.guess)
    for run, token in zip(lesson.runs, entry.runs, strict=False):
        row[words(f"lesson.{lesson.key}.run.{run.name}")] = _measured(token, lesson.shows[0])
    return row


def _texts(lesson: Lesson, words: Words) -> dict[str, Callable]:
    """How what a lesson measures first is written, for each of its runs' columns."""
    text = words.seconds if lesson.shows[0] in ("seconds", "step_s") else lambda value: number_text(value, 3)
    return {words(f"lesson.{lesson.key}.run.{run.name}"): text for run in lesson.runs}


def _measured(token: str, name: str) -> float | None:
    try:
        return (jobs.shared().result(token) or {}).get(name)
    except FreezeError:
        return None
