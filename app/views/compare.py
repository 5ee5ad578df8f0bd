"""Compare: runs that were tried, and two selections side by side."""

from __future__ import annotations

import streamlit as st

from app import state
from app.parts import telling
from app.parts.difference import difference
from app.parts.runs import runs


def draw() -> None:
    """The runs above, two selections below."""
    words = state.words()
    st.header(words("page.compare"))
    with telling.telling():
        runs()
    st.subheader(words("diff.title"), help=words("diff.help"))
    with telling.telling():
        difference(words)
