"""The page, drawn anew at every run of it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from . import state
from .parts import show_errors
from .server.startup import prepare_server
from .views import classroom, compare, explore, learn

THEME = Path(__file__).with_name("theme")
OWN_WORDS = ("best-match", "apply-area", "apply-line", "browse", "pages")


def draw() -> None:
    """Draw the page that the address names, in its visitor's language and theme."""
    st.set_page_config(page_title="Freeze Explorer", page_icon="❄️", layout="wide", initial_sidebar_state="collapsed")
    st.logo(str(THEME / "logo.svg"), size="large")
    st.html(THEME / "page.css")
    st.html(THEME / f"{state.theme()}.css")
    prepare_server()
    state.begin()
    words = state.words()
    own = "; ".join(f"--{name}: '{words(f'browser.{name}')}'" for name in OWN_WORDS)
    st.html(
        f"<style>:root {{ {own}; }}</style>"
    )  # for what Streamlit says in English: page.css puts these in its place
    pages = [
        st.Page(explore.draw, title=words("page.explore"), url_path="explore", default=True),
        st.Page(compare.draw, title=words("page.compare"), url_path="compare"),
        st.Page(learn.draw, title=words("page.learn"), url_path="learn"),
        st.Page(classroom.draw, title=words("page.classroom"), url_path="class"),
    ]
    with show_errors.telling():
        page = st.navigation(pages, position="top")
        if state.going_to_compare():
            st.switch_page(pages[1])
        page.run()
