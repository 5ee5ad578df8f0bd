"""The right side: what the selection costs against training everything, and where in the model that comes from."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import charts, look, state
from app import selection as chosen
from app.components.charts import cost_charts, costs_part
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
CHARTS = "charts"


@dataclass(frozen=True)
class Numbers:
    """What is known of a selection's cost; nothing while its training step is being followed, or cannot be."""

    trace: Trace | None = None
    cost: Estimate | None = None
    full: Estimate | None = None
    fault: FreezeError | None = None

    @property
    def known(self) -> bool:
        """Whether the peak is there."""
        return self.cost is not None and self.cost.peak_bytes is not None

    @property
    def awaited(self) -> bool:
        """Whether the step is still being followed."""
        return self.cost is None and self.fault is None


def cost_pictures(selection: Selection, tree: str) -> None:
    """The two charts, which the part of `painted` paints; call it outside fragments.

    Args:
        tree: key of the layer tree on the page.
    """
    full, points = None, chosen.reference_of(selection).points
    if chosen.stage_of(selection):
        with suppress(FreezeError):  # the figures tell of it
            full = chosen.full_of(selection, chosen.cost_of(selection)[0])
    still = charts.still(selection.tree, full, points, state.words(), look.of(state.theme()))
    cost_charts(still, tree=tree, key=CHARTS)


def numbers_of(selection: Selection) -> Numbers:
    """What is known by now."""
    if not chosen.stage_of(selection):
        return Numbers()
    try:
        trace, cost = chosen.cost_of(selection)
        return Numbers(trace, cost, chosen.full_of(selection, trace))
    except FreezeError as error:
        return Numbers(fault=error)


def painted(selection: Selection, numbers: Numbers, words: Words) -> dict:
    """The part of a message that paints the charts."""
    note = "" if numbers.known else _note(numbers, words)
    return costs_part(charts.now(selection.tree, selection.mask, numbers.cost, note), key=CHARTS)


def figures(selection: Selection, numbers: Numbers, words: Words) -> DeltaGenerator:
    """Draw the four figures, and what went wrong; the place of the second, for `complete`."""
    if numbers.fault:
        telling.show(numbers.fault.problem, numbers.fault.hint)
    return _figures(selection, numbers, words, "…" if numbers.awaited else words("unknown"))


def complete(card: DeltaGenerator, selection: Selection, numbers: Numbers, words: Words) -> None:
    """Draw the second figure with the largest batch, which takes several estimates: after everything else."""
    if numbers.known:
        largest = fits(numbers.trace, selection.mask, batch_size=selection.link.batch, cards=(CARD,))[0].largest_batch
        _card(card, numbers, words, "", words("cost.largest", batch=largest) if largest else None)


def _note(numbers: Numbers, words: Words) -> str:
    """Why the peak is not there."""
    if numbers.awaited:
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
