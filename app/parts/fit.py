"""Does it fit: every card with its margin, the largest batch, and the least frozen selection within a budget."""

from __future__ import annotations

import re

import streamlit as st

from app import state
from app.parts import show_errors
from app.parts.table import UNKNOWN, formatted
from app.service.pricing import cost_of
from app.service.selection import select
from app.text import Words
from freezecore._estimate.budget import fits, least_frozen
from freezecore.report import bytes_text

GB = 10**9


def fit(words: Words) -> None:
    """The cards, then the budget."""
    selection = select(state.link())
    trace, _ = cost_of(selection)
    rows = [
        {
            words("fit.card"): re.sub(r"GB$", "GiB", one.card),  # as memory chips are counted, and cards are sold
            words("fit.fits"): words(f"fits.{one.fits}"),
            words("fit.usable"): bytes_text(one.card_bytes),
            words("fit.left"): bytes_text(one.margin_bytes),
            words("fit.largest"): one.largest_batch,
        }
        for one in fits(trace, selection.mask, batch_size=selection.link.batch)
    ]
    cells = formatted(rows, {words("fit.largest"): "{:.0f}"})
    st.dataframe(cells, hide_index=True, height=200, key="cards", placeholder=UNKNOWN)
    st.caption(words("fit.units"))
    amount, apply = st.columns([3, 2], vertical_alignment="bottom")
    budget = amount.slider(words("fit.budget"), 1, 80, value=16, format="%d GB", key="w_budget")
    apply.button(words("fit.apply"), key="fit_budget", on_click=_apply, args=(budget,), width="stretch")


@show_errors.acting
def _apply(budget: int) -> None:
    selection = select(state.link())
    trace, _ = cost_of(selection)
    found = least_frozen(trace, selection.tree, budget * GB, batch_size=selection.link.batch)
    if found.rules is None:
        words = state.words()
        state.leave_message(found.problem or words("fit.impossible", budget=budget), words("fit.impossible_hint"))
        return
    state.write_rules(found.rules)
    st.rerun()
