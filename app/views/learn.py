"""Learn: seven short lessons, one at a time."""

from __future__ import annotations

import streamlit as st

from .. import state
from ..parts import classroom, show_errors
from ..parts.address import page_header
from ..parts.lesson import is_measuring, lesson_named, lesson_page, put_in_link
from ..service import lessons


def draw() -> None:
    """The list of lessons and the one that is open."""
    words = state.words()
    page_header(words("learn.title"))
    st.caption(words("learn.intro"))
    state.fill("w_lesson", lesson_named(state.link().lesson).key)
    st.pills(
        words("learn.pick"),
        [lesson.key for lesson in lessons.LESSONS],
        key="w_lesson",
        required=True,
        format_func=lambda key: lessons.title(key, words),
        on_change=_chosen,
        label_visibility="collapsed",
    )
    show_errors.left_behind(words)
    classroom.nickname_field(words)
    lesson = lesson_named(state.link().lesson)

    @show_errors.told
    def open_lesson() -> None:
        lesson_page(lesson)

    st.fragment(open_lesson, key="lesson", run_every=1.0 if is_measuring(lesson) else None)()
    classroom.revealed(lesson)


@show_errors.acting
def _chosen() -> None:
    put_in_link(lesson_named(state.value("w_lesson")))
