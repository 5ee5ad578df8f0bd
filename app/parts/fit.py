"""Does it fit: every card with its margin, the largest batch, and the least frozen selection within a budget."""

from __future__ import annotations

import streamlit as st

from freezecore._estimate.devices import LARGEST_WORLD, SHARDINGS
from freezecore.calibration import read_calibration

from .. import state
from ..service.fit_table import (
    budget_range,
    card_rows,
    devices_lines,
    is_too_small,
    largest_text,
    least_within,
    measured_lines,
    smaller_lines,
    usable_bytes,
)
from ..service.selection import ModelSelection, select
from ..service.smaller_steps import smaller_steps
from ..text import UNKNOWN, Words
from . import show_errors
from .glossary import with_terms
from .table import formatted

MEASURED = "measured_cards"  # notes of what this visitor dropped, by file


def fit(words: Words) -> None:
    """What would fit where the step does not, the cards, then the budget."""
    selection = select(state.link())
    if is_too_small(selection):
        _smaller(selection, words)
    with_terms(words("fit.about"), words, "fit")
    cells = formatted(card_rows(selection, words), {words("fit.largest"): largest_text})
    st.dataframe(cells, hide_index=True, height=200, key="cards", placeholder=UNKNOWN)
    st.caption(words("fit.units"))
    _devices(selection, words)
    _measured(words)
    amount, apply = st.columns([3, 2], vertical_alignment="bottom")
    least, most, at_first = budget_range(selection)
    key = f"w_budget_{selection.link.card}"
    budget = amount.slider(
        words("fit.budget"), least, most, value=at_first, step=0.1, format="%.1f GB", key=key,
        help=words("fit.budget_help"),
    )  # fmt: skip
    usable = usable_bytes(selection, budget)
    apply.button(words("fit.apply"), key="fit_budget", on_click=_apply, args=(usable,), width="stretch")


def _devices(selection: ModelSelection, words: Words) -> None:
    """What each of several such cards takes."""
    number, sharding = st.columns([1, 2])
    world = number.number_input(
        words("fit.world"), 1, LARGEST_WORLD, step=1, key="w_world", help=words("fit.world_help")
    )
    name = sharding.selectbox(
        words("fit.sharding"), SHARDINGS, format_func=lambda one: words(f"sharding.{one}"), key="w_sharding"
    )
    if lines := devices_lines(selection, world, name, words):
        st.markdown(f"**{lines[0]}**  \n{lines[1]}")


def _measured(words: Words) -> None:
    """What was measured on cards, and the place to drop what was measured elsewhere."""
    told = measured_lines(state.notes(MEASURED).values(), words)
    st.markdown(f"**{words('fit.measured')}**  \n" + "  \n".join(show_errors.plain(one) for one in told))
    with st.popover(words("fit.calibration"), icon=":material/upload_file:", type="tertiary"):
        st.caption(words("fit.calibration_help"))
        st.file_uploader(
            words("fit.calibration"), type=["json"], key="w_calibration", on_change=_take_calibration, max_upload_size=1
        )


@show_errors.acting
def _take_calibration() -> None:
    if (file := state.dropped_file("w_calibration")) is not None:
        state.notes(MEASURED)[file.name] = read_calibration(file.getvalue(), file.name)


def _smaller(selection: ModelSelection, words: Words) -> None:
    """The least change of each kind, each with what it then takes, one click away."""
    lines = list(smaller_lines(selection, words))
    st.markdown(f"**{words('fit.smaller', card=selection.card.box_name)}**")
    for step, text in lines:
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"line_{step.kind}"):
            st.button(
                words("fit.use"), key=f"use_{step.kind}", on_click=_use, args=(step.fields,),
                type="primary" if step.fits else "secondary",
            )  # fmt: skip
            st.markdown(text, width="stretch")
    awaited = sum(step.fits is None for step, _ in lines)
    if awaited:
        st.fragment(_look_again, key="smaller", run_every=1.0)(awaited)


def _look_again(awaited: int) -> None:
    """Draw the page again once one more of these steps has been traced."""
    selection = select(state.link())
    if sum(step.fits is None for step in smaller_steps(selection, selection.card)) < awaited:
        st.rerun()


@show_errors.acting
def _use(fields: dict) -> None:
    state.change(**fields)
    state.forget_draft()
    st.rerun()


@show_errors.acting
def _apply(usable: int) -> None:
    """Freeze as little as fits into so many bytes together with the cards' margin."""
    state.write_rules(least_within(select(state.link()), usable, state.words()))
    st.rerun()
