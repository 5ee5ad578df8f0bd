"""What to do here in four steps, and what the page's terms mean: behind the line that greets, never in the way."""

from __future__ import annotations

import streamlit as st

from app.text import Words

STEPS = ("tick", "see", "try", "export")
TERMS = (
    "frozen", "head", "block", "rules", "batch", "peak", "activations", "optimizer_state", "backward", "norms",
    "checkpointing", "precision", "probe", "proof",
)  # fmt: skip


def glossary(words: Words) -> None:
    """The line is the button that opens both."""
    with st.popover(words("tour.line"), type="tertiary", key="tour"):
        st.markdown("\n".join(f"{place}. {words(f'tour.{step}')}" for place, step in enumerate(STEPS, start=1)))
        with st.expander(words("tour.terms")):  # what scrolls holds something that takes the keyboard
            st.markdown("\n".join(f"- {words(f'glossary.{term}')}" for term in TERMS))
