"""Which data to try a selection on; the choice is shared by everything that trains."""

from __future__ import annotations

import streamlit as st

from app import selection as chosen
from app import state
from app.parts import telling
from app.selection import Selection
from app.text import Words
from freezecore.datasets import BUILT_IN, default_for

NOTES = "data"


def kind_of(selection: Selection) -> str:
    """`text` or `image`: what the model reads."""
    return "text" if chosen.reads_text(selection.tree) else "image"


def data_picker(selection: Selection, words: Words) -> str:
    """Draw the list; the name of the data that is picked."""
    kind = kind_of(selection)
    offered = sorted((data.name for data in BUILT_IN.values() if data.kind == kind), key=default_for(kind).__ne__)
    picked = state.notes(NOTES).get(kind)
    name = picked if picked in offered else offered[0]
    state.fill("w_data", name)
    st.selectbox(
        words("probe.data"),
        offered,
        key="w_data",
        format_func=lambda one: words(f"data.{one}"),
        on_change=_picked,
        args=(kind,),
    )
    return name


@telling.acting
def _picked(kind: str) -> None:
    state.notes(NOTES)[kind] = state.value("w_data")


def about(name: str, words: Words) -> str:
    """A sentence on the data."""
    return words(f"data_about.{name}")
