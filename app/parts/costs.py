"""The right side: what the selection costs against training everything, and where in the model that comes from."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from app import charts, columns, figures, look, state
from app import selection as chosen
from app.parts import telling
from app.selection import Selection
from app.text import Words
from freezecore.errors import FreezeError
from freezecore.estimate import CurvePoint, Estimate
from freezecore.estimate.budget import CardFit, fits
from freezecore.estimate.cards import CARDS
from freezecore.mask import Mask
from freezecore.report import bytes_text, change_text, flops_text
from freezecore.review import review
from freezecore.rules.shortest import shortest_rules
from freezecore.trace import Trace

CARD = next(card for card in CARDS if card.name.startswith("T4"))
POLL_S = 0.7
MEMORY_HEIGHT = 140
BLOCKS_HEIGHT = 245


@dataclass(frozen=True)
class Numbers:
    """What is known of a selection's cost; nothing while its training step is being followed, or cannot be."""

    trace: Trace | None = None
    cost: Estimate | None = None
    full: Estimate | None = None
    points: tuple[CurvePoint, ...] = ()


def costs(selection: Selection) -> None:
    """Four figures and two charts, redrawn by themselves as long as the training step is still being followed."""
    st.fragment(_costs, key="costs", run_every=None if chosen.is_traced(selection) else POLL_S)()


@telling.told
def _costs() -> None:
    words = state.words()
    selection = chosen.select(state.link())
    traced = chosen.is_traced(selection)
    if traced and state.value("tracing"):
        state.fill("tracing", False)
        st.rerun()
    state.fill("tracing", not traced)
    numbers = Numbers()
    if traced:
        try:
            trace, cost = chosen.cost_of(selection)
            numbers = Numbers(trace, cost, *chosen.reference_of(selection, trace))
        except FreezeError as error:
            telling.show(error.problem, error.hint)
    _figures(selection, numbers, words)
    memory, blocks = st.columns([2, 3], gap="small")
    with memory:
        _memory(numbers, words("chart.no_trace") if traced else words("cost.tracing"), words)
    with blocks:
        _blocks(selection, numbers, words)


def _figures(selection: Selection, numbers: Numbers, words: Words) -> None:
    cost, full = numbers.cost, numbers.full
    peak, card, backward, wrong = st.columns(4, gap="small")
    peak.metric(
        words("cost.peak"),
        bytes_text(cost.peak_bytes) if cost else words("unknown") if not state.value("tracing") else "…",
        _against(cost and cost.peak_bytes, full and full.peak_bytes, words),
        delta_color=_good(cost and cost.peak_bytes, full and full.peak_bytes),
        delta_arrow="off",
        border=True,
        help=words("cost.peak_help", moment=telling.plain(cost.peak_moment)) if cost and cost.peak_moment else None,
    )
    fit = _fit(numbers.trace, selection)
    card.metric(
        words("cost.fits", card=CARD.name.split()[0]),
        words(f"fits.{fit.fits}") if fit else words("unknown") if not state.value("tracing") else "…",
        words("cost.largest", batch=fit.largest_batch) if fit and fit.largest_batch else None,
        delta_color="off",
        delta_arrow="off",
        border=True,
        help=words("cost.fits_help"),
    )
    backward.metric(
        words("cost.backward"),
        flops_text(cost.flops_backward) if cost else words("unknown") if not state.value("tracing") else "…",
        _against(cost and cost.flops_backward, full and full.flops_backward, words),
        delta_color=_good(cost and cost.flops_backward, full and full.flops_backward),
        delta_arrow="off",
        border=True,
        help=words("cost.backward_help"),
    )
    findings = review(selection.tree, selection.mask, spec=selection.spec, source=selection.source)
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


def _good(value: int | None, full: int | None) -> str:
    """Green where it saves something; nothing to say where it does not."""
    return "green" if value is not None and full is not None and value < full else "off"


def _against(value: int | None, full: int | None, words: Words) -> str | None:
    """`−48 % against everything`; None where one of them is unknown."""
    if value is None or not full:
        return None
    return words("cost.against", change=change_text(value, full))


def _fit(trace: Trace | None, selection: Selection) -> CardFit | None:
    if trace is None:
        return None
    return fits(trace, selection.mask, batch_size=selection.link.batch, cards=(CARD,))[0]


def _parts(cost: Estimate | None) -> dict[str, int | None]:
    return {part: getattr(cost, part) for part in charts.PARTS} if cost else {}


def _memory(numbers: Numbers, otherwise: str, words: Words) -> None:
    st.markdown(f"**{words('chart.memory')}**")
    if numbers.cost is None or numbers.full is None:
        st.caption(otherwise)
        return
    cost, full = numbers.cost, numbers.full
    figure = charts.memory(_parts(cost), _parts(full), words, look.of(state.theme()))
    st.plotly_chart(
        figure, key="memory", height=MEMORY_HEIGHT, theme=None, config=figures.CONFIG, alt=words("chart.memory")
    )
    st.html(_legend(_parts(cost), words))
    if cost.peak_bytes is None:
        st.caption(words("chart.no_trace") + " " + telling.said(cost.problem))


def _legend(parts: dict[str, int | None], words: Words) -> str:
    """Colour, name and bytes of each part; the colours are the figure's, the text is ours alone."""
    palette = look.of(state.theme())
    items = [
        f'<li><i style="background:{getattr(palette, part)}"></i>{words(f"part.{part}")} <b>{bytes_text(size)}</b></li>'
        for part, size in parts.items()
    ]
    return f'<ul class="parts">{"".join(items)}</ul>'


def _blocks(selection: Selection, numbers: Numbers, words: Words) -> None:
    st.markdown(f"**{words('chart.where')}**", help=words("chart.where_help"))
    found = columns.columns(selection.tree, selection.mask)
    names = columns.labels(
        found,
        words("side.input"),
        words("side.output"),
        {name: words(f"column.{name}") for name in ("embeddings", "stem", "head", "rest")},
    )
    curve = _curve(numbers.points)
    now = numbers.cost.peak_bytes if numbers.cost else None
    figure = charts.blocks(found, names, curve, now, words, look.of(state.theme()))
    st.plotly_chart(
        figure,
        key="blocks",
        height=BLOCKS_HEIGHT,
        theme=None,
        config=figures.CONFIG,
        on_select=_block_clicked,
        selection_mode="points",
        alt=words("chart.where"),
    )


def _curve(points: tuple[CurvePoint, ...]) -> charts.CurveShown | None:
    if not points:
        return None
    return charts.CurveShown(
        tuple(point.frozen_blocks for point in points),
        tuple(point.peak_bytes for point in points),
        tuple(point.flops_backward for point in points),
        tuple(point.rules for point in points),
    )


@telling.acting
def _block_clicked() -> None:
    """Toggle the clicked column; a second click on it arrives as an empty selection, and toggles it back."""
    points = state.value("blocks", {}).get("selection", {}).get("points", [])
    at = points[0]["point_index"] if points else state.value("clicked_block")
    if at is None or (points and points[0].get("curve_number", 0) != 0):
        return
    state.fill("clicked_block", at)
    selection = chosen.select(state.link())
    found = columns.columns(selection.tree, selection.mask)
    if at >= len(found):
        return
    column = found[at]
    trains = list(selection.mask.trains)
    for position in column.positions:
        trains[position] = column.state == "frozen"
    mask = Mask(selection.tree, tuple(trains), selection.mask.norms, selection.mask.dropout)
    state.write_rules(str(shortest_rules(mask)))
    st.rerun()
