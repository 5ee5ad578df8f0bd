"""What to do here in four steps, and what the page's terms mean: in a list behind the line that greets, and behind each
term where a pane's text has it first."""

from __future__ import annotations

import re
from functools import cache
from html import escape

import streamlit as st

from ..text import Words, meaning

STEPS = ("tick", "see", "try", "export")
TERMS = (
    "frozen", "head", "block", "rules", "batch", "peak", "activations", "gradients", "optimizer_state", "temporaries",
    "backward", "norms", "checkpointing", "precision", "adapter", "probe", "proof",
)  # fmt: skip


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


def terms_html(text: str, words: Words, place: str) -> str:
    """The same as HTML; the sentence is what describes the button to a screen reader, too."""
    seen = set()

    def told(found: re.Match) -> str:
        term = found.lastgroup
        if term in seen:
            return found[0]
        seen.add(term)
        name, about = f"term-{place}-{term}", meaning(term, words)
        return (
            f'<button type="button" class="term" popovertarget="{name}" aria-describedby="{name}">{found[0]}</button>'
            f'<span popover class="meaning" role="tooltip" id="{name}">{escape(about)}</span>'
        )

    return _pattern(words.lang).sub(told, escape(text))


@cache
def _pattern(lang: str) -> re.Pattern:
    """Any form of any term; in languages that put spaces between words, a whole word."""
    words = Words(lang)
    any_of = "|".join(f"(?P<{term}>{words(f'term_forms.{term}')})" for term in TERMS)
    return re.compile(rf"(?<!\w)(?:{any_of})(?!\w)" if lang == "en" else any_of, re.IGNORECASE)
