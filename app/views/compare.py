"""Compare: runs that were tried, and two selections side by side."""

from __future__ import annotations

import streamlit as st

from .. import state
from ..parts import show_errors
from ..parts.address import page_header
from ..parts.difference import difference
from ..parts.runs import runs
from ..parts.search_list import search_list
from . import explore


def draw() -> None:
    """The runs, the searches, and two selections side by side."""
    if state.going_to_explore():
        st.switch_page(st.Page(explore.draw, url_path="explore", default=True))
    words = state.words()
    page_header(words("page.compare"))
    show_errors.left_behind(words)
    with show_errors.telling():
        runs()
    st.subheader(words("searches.title"), help=words("searches.help"))
    with show_errors.telling():
        search_list(words)
    st.subheader(words("diff.title"), help=words("diff.help"))
    with show_errors.telling():
        difference(words)
