"""The choice of language, which stands on every page."""

from __future__ import annotations

import streamlit as st

from .. import state
from ..text import LANGUAGES, Words
from . import show_errors

WIDTH = 112  # pixels


def language_box(words: Words, *, beside_title: bool = False) -> None:
    """Draw it; beside a page's title it needs no label that is seen."""
    state.fill("w_lang", words.lang)
    st.selectbox(
        words("top.lang"),
        LANGUAGES,
        key="w_lang",
        format_func=lambda lang: Words(lang)("language"),
        on_change=_chosen,
        label_visibility="collapsed" if beside_title else "visible",
        width=WIDTH if beside_title else "stretch",
    )


@show_errors.acting
def _chosen() -> None:
    state.change(lang=state.value("w_lang"))
