"""The right side: what the selection costs against training everything, and where in the model that comes from."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import charts, look, state
from app import selection as chosen
from app.components.charts import cost_charts, show_costs
from app.parts import telling
from app.selection import Selection
from app.text import Words
from freezecore.errors import FreezeError
from freezecore.estimate import Estimate
from freezecore.estimate.budget import fits, fits_on
from freezecore.estimate.cards import CARDS
from freezecore.report import bytes_text, change_text, flops_text
from freezecore.trace import Trace

CARD = next(card for card in CARDS if card.name.startswith("T4"))
POLL_S = 0.7
CHARTS = "charts"


@dataclass(frozen=True)
class Numbers:
    """What is known of a selection's cost; nothing while its training step is being followed, or cannot be."""

    trace: Trace | None = None
    cost: Estimate | None = None
    full: Estimate | None = None


def costs(selection: Selection) -> None:
    """Four figures and two charts; a tick redraws the figures and paints the charts anew."""
    stage = chosen.stage_of(selection)
    waiting = stage < chosen.COMPLETE
    state.fill("stage", stage)
    st.fragment(_costs, key="costs", run_every=POLL_S if waiting else None)()
    full, points = None, chosen.reference_of(selection).points
    if stage:
        with suppress(FreezeError):  # the figures tell of it
            full = chosen.full_of(selection, chosen.cost_of(selection)[0])
    still = charts.still(selection.tree, full, points, state.words(), look.of(state.theme()))
    cost_charts(still, tree="layers", key=CHARTS)


@telling.told
def _costs() -> None:
    words = state.words()
    selection = chosen.select(state.link())
    stage = chosen.stage_of(selection)
    if stage > state.value("stage", stage):
        st.rerun()  # the tree's prices and the depth curve have come
    numbers = Numbers()
    if stage:
        try:
            trace, cost = chosen.cost_of(selection)
            numbers = Numbers(trace, cost, chosen.full_of(selection, trace))
        except FreezeError as error:
            telling.show(error.problem, error.hint)
    card = _figures(selection, numbers, words, words("unknown") if stage else "…")
    known = numbers.cost is not None and numbers.cost.peak_bytes is not None
    shown = charts.now(selection.tree, selection.mask, numbers.cost, "" if known else _note(numbers, stage, words))
    show_costs(shown, key=CHARTS)
    if known:  # the largest batch takes several estimates, so everything else is on the page before it
        largest = fits(numbers.trace, selection.mask, batch_size=selection.link.batch, cards=(CARD,))[0].largest_batch
        _card(card, numbers, words, "", words("cost.largest", batch=largest) if largest else None)


def _note(numbers: Numbers, stage: int, words: Words) -> str:
    """Why the peak is not there."""
    if not stage:
        return words("cost.tracing")
    return " ".join([words("chart.no_trace"), numbers.cost.problem if numbers.cost else ""]).strip()


def _figures(selection: Selection, numbers: Numbers, words: Words, otherwise: str) -> DeltaGenerator:
    """Draw the four figures; the place of the second, which the largest batch completes."""
    cost, full = numbers.cost, numbers.full
    peak, card, backward, wrong = st.columns(4, gap="small")
    peak.metric(
        words("cost.peak"),
        bytes_text(cost.peak_bytes) if cost else otherwise,
        _against(cost and cost.peak_bytes, full and full.peak_bytes, words),
        delta_color=_good(cost and cost.peak_bytes, full and full.peak_bytes),
        delta_arrow="off",
        border=True,
        help=words("cost.peak_help", moment=telling.plain(cost.peak_moment)) if cost and cost.peak_moment else None,
    )
    place = card.empty()
    _card(place, numbers, words, otherwise, "…" if cost else None)
    backward.metric(
        words("cost.backward"),
        flops_text(cost.flops_backward) if cost else otherwise,
        _against(cost and cost.flops_backward, full and full.flops_backward, words),
        delta_color=_good(cost and cost.flops_backward, full and full.flops_backward),
        delta_arrow="off",
        border=True,
        help=words("cost.backward_help"),
    )
    findings = chosen.findings_of(selection, fixes=False)
    worst = findings[0].severity if findings else None
    wrong.metric(
        words("cost.findings"),
        str(len(findings)) if findings else words("cost.no_findings"),
        words(f"severity.{worst}") if worst else words("cost.nothing_wrong"),
        delta_color="off",
        delta_arrow="off",
        border=True,
        help=words("cost.findings_help"),
    )
    return place


def _good(value: int | None, full: int | None) -> str:
    """Green where it saves something; nothing to say where it does not."""
    return "green" if value is not None and full is not None and value < full else "off"


def _against(value: int | None, full: int | None, words: Words) -> str | None:
    """`−48 % against everything`; None where one of them is unknown."""
    if value is None or not full:
        return None
    return words("cost.against", change=change_text(value, full))


def _card(place: DeltaGenerator, numbers: Numbers, words: Words, otherwise: str, largest: str | None) -> None:
    cost = numbers.cost
    place.metric(
        words("cost.fits", card=CARD.name.split()[0]),
        words(f"fits.{fits_on(CARD, cost.peak_bytes)}") if cost else otherwise,
        largest,
        delta_color="off",
        delta_arrow="off",
        border=True,
        help=words("cost.fits_help"),
    )
