"""Class: for teachers; a link makes a class, and its guesses and runs stand side by side."""

from __future__ import annotations

from .. import state
from ..parts import show_errors
from ..parts.address import page_header
from ..parts.classroom import classroom


def draw() -> None:
    """The teacher's page."""
    words = state.words()
    page_header(words("page.classroom"))
    show_errors.left_behind(words)
    with show_errors.telling():
        classroom(words)
