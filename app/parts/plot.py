"""Draws a figure of `app.figures` in the visitor's language and colours."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from .. import state
from ..figures.style import CONFIG, palette_of


def plot(figure: Callable[..., dict | None], *about: object, key: str, alt: str, height: int) -> None:
    """Draw what `figure` makes of these values, words and palette; nothing where it makes None.

    Args:
        alt: what it shows, for those who do not see it.
        height: pixels.
    """
    drawn = figure(*about, state.words(), palette_of(state.theme()))
    if drawn:
        st.plotly_chart(drawn, key=key, height=height, theme=None, config=CONFIG, alt=alt)
