"""Does it fit: every card with its margin, the largest batch, and the least frozen selection within a budget."""

from __future__ import annotations

import streamlit as st

from freezecore import calibration
from freezecore._estimate.budget import fits, fits_on, least_frozen
from freezecore._estimate.cards import all_cards, margin_bytes
from freezecore._estimate.devices import LARGEST_WORLD, SHARDINGS, per_device
from freezecore._estimate.peaks import LARGEST, under
from freezecore.calibration import read_calibration
from freezecore.report import bytes_text

from .. import state
from ..service.pricing import cost_of
from ..service.rule_words import as_code
from ..service.selection import ModelSelection, select
from ..service.smaller_steps import smaller_steps
from ..text import Words
from . import show_errors
from .table import UNKNOWN, formatted

GB = 10**9
MEASURED = "measured_cards"  # notes of what this visitor dropped, by file


def fit(words: Words) -> None:
    """What would fit where the step does not, the cards, then the budget."""
    selection = select(state.link())
    trace, cost, epoch = cost_of(selection)
    chosen = selection.card
    if chosen and fits_on(chosen, getattr(cost, "peak_bytes", None)) is False:
        _smaller(selection, words)
    known = all_cards()
    found = fits(trace, selection.phases[epoch], batch_size=selection.link.batch, cards=known)
    rows = [
        {
            words("fit.card"): ("▸ " if card == chosen else "") + card.box_name,
            words("fit.fits"): words(f"fits.{one.fits}"),
            words("fit.usable"): bytes_text(one.card_bytes),
            words("fit.left"): bytes_text(one.margin_bytes),
            words("fit.largest"): one.largest_batch,
            words("fit.note"): words.said(one.note),
        }
        for card, one in zip(known, found, strict=True)
    ]
    cells = formatted(
        rows, {words("fit.largest"): lambda most: f"≥ {most:,.0f}" if most >= LARGEST else f"{most:,.0f}"}
    )
    st.dataframe(cells, hide_index=True, height=200, key="cards", placeholder=UNKNOWN)
    st.caption(words("fit.units"))
    _devices(selection, words)
    _measured(words)
    amount, apply = st.columns([3, 2], vertical_alignment="bottom")
    most = chosen.usable_bytes / GB if chosen else 80.0
    least = most - int(10 * most - 10) / 10  # whole steps away from all that there is
    key = f"w_budget_{selection.link.card}"
    budget = amount.slider(
        words("fit.budget"), least, most, value=most if chosen else 16.0, step=0.1, format="%.1f GB", key=key,
        help=words("fit.budget_help"),
    )  # fmt: skip
    usable = min(round(budget * GB), chosen.usable_bytes) if chosen else round(budget * GB)
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
    trace, cost, epoch = cost_of(selection)
    if world > 1 and cost.known:
        share = per_device(trace, selection.phases[epoch], world, name, batch_size=selection.link.batch)
        card = selection.card
        verdict = (
            [words("cost.fits", card=card.box_name) + " " + words(f"fits.{fits_on(card, share.peak_bytes)}")]
            if card
            else []
        )
        told = [words("fit.each", world=world, bytes=bytes_text(share.peak_bytes)), *verdict]
        st.markdown(f"**{' · '.join(told)}**  \n{words.said(share.why)}")


def _measured(words: Words) -> None:
    """What was measured on cards, and the place to drop what was measured elsewhere."""
    found = [*calibration.kept(), *state.notes(MEASURED).values()]
    told = [words.said(one.sentence()) for one in found] or [words("fit.none_measured")]
    st.markdown(f"**{words('fit.measured')}**  \n" + "  \n".join(show_errors.plain(one) for one in told))
    with st.popover(words("fit.calibration"), icon=":material/upload_file:", type="tertiary"):
        st.caption(words("fit.calibration_help"))
        st.file_uploader(
            words("fit.calibration"), type=["json"], key="w_calibration", on_change=_take_calibration, max_upload_size=1
        )


@show_errors.acting
def _take_calibration() -> None:
    if (file := state.value("w_calibration")) is not None:
        state.notes(MEASURED)[file.name] = read_calibration(file.getvalue(), file.name)


def _smaller(selection: ModelSelection, words: Words) -> None:
    """The least change of each kind, each with what it then takes, one click away."""
    steps = smaller_steps(selection, selection.card)
    st.markdown(f"**{words('fit.smaller', card=selection.card.box_name)}**")
    for step in steps:
        shown = {name: words.either(f"{name}.{value}", str(value)) for name, value in step.fields.items()}
        rules = as_code(step.fields.get("rules") or words("fit.nothing_frozen"))
        does = words(f"fit.smaller_{step.kind}", **{"rules": rules} if step.kind == "freeze" else shown)
        verdict = words("fit.smaller_awaited") if step.fits is None else words(f"fit.smaller_{step.fits}")
        peak = [] if step.peak_bytes is None else [bytes_text(step.peak_bytes)]
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"line_{step.kind}"):
            st.button(
                words("fit.use"), key=f"use_{step.kind}", on_click=_use, args=(step.fields,),
                type="primary" if step.fits else "secondary",
            )  # fmt: skip
            st.markdown(" · ".join((does, *peak, verdict)), width="stretch")
    if any(step.fits is None for step in steps):
        st.fragment(_look_again, key="smaller", run_every=1.0)(sum(step.fits is None for step in steps))


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
    selection = select(state.link())
    trace, *_ = cost_of(selection)
    limit = under(usable, margin_bytes)
    found = least_frozen(trace, selection.tree, limit, batch_size=selection.link.batch)
    if found.rules is None:
        words = state.words()
        state.leave_message(
            found.problem or words("fit.impossible", budget=bytes_text(usable)), words("fit.impossible_hint")
        )
        return
    state.write_rules(found.rules)
    st.rerun()
