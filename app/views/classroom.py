"""Class: for teachers; a link makes a class, and its guesses and runs stand side by side."""

from __future__ import annotations

import streamlit as st

from app import state
from app.parts import show_errors
from app.parts.address import copy_button, follow
from app.parts.classroom import classroom


def draw() -> None:
    """The teacher's page."""
    words = state.words()
    title, link = st.columns([4, 1], vertical_alignment="bottom")
    title.header(words("page.classroom"))
    with link:
        copy_button()
    follow()
    show_errors.left_behind(words)
    with show_errors.telling():
        classroom(words)
