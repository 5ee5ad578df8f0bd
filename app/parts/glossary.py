"""What to do here in four steps, and what the page's terms mean: in a list behind the line that greets, and behind each
term where a pane's text has it first."""

from __future__ import annotations

import streamlit as st

from ..service.terms import STEPS, TERMS, terms_html
from ..text import Words


def glossary(words: Words) -> None:
    """The line is the button that opens both."""
    with st.popover(words("tour.line"), type="tertiary", key="tour"):
        st.markdown("\n".join(f"{place}. {words(f'tour.{step}')}" for place, step in enumerate(STEPS, start=1)))
        with st.expander(words("tour.terms")):  # what scrolls holds something that takes the keyboard
            st.markdown("\n".join(f"- {words(f'glossary.{term}')}" for term in TERMS))


def with_terms(text: str, words: Words, place: str) -> None:
    """Draw plain text in which each term, where it stands first, is a quiet button that opens its sentence.

    Args:
        place: differs between texts that are in sight together.
    """
    st.html(f'<p class="terms">{terms_html(text, words, place)}</p>')
