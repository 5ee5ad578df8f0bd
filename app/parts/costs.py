"""The right side: what the selection costs against training everything, and where in the model that comes from."""

from __future__ import annotations

import streamlit as st
from freezecore.estimate import Estimate, depth_curve, fits, full_estimate
from freezecore.review import review

from app import charts, columns, figures, look, state
from app import selection as chosen
from app.parts import telling
from app.selection import Selection
from app.text import Words
from freezecore.errors import FreezeError
from freezecore.mask import Mask
from freezecore.report import bytes_text, change_text, flops_text
from freezecore.shortest import shortest_rules
from freezecore.trace import Trace

CARD = "T4"
MEMORY_HEIGHT = 130
BLOCKS_HEIGHT = 215


@st.fragment(key="costs")
@telling.told
def costs() -> None:
    """Four figures and two charts; what cannot be followed is said, and the rest stands."""
    words = state.words()
    selection = chosen.select(state.link())
    trace = cost = full = None
    try:
        trace, cost = chosen.cost_of(selection)
        full = full_estimate(trace, selection.tree, batch_size=selection.link.batch)
    except FreezeError as error:
        telling.show(error.problem, error.hint)
    _figures(selection, trace, cost, full, words)
    memory, blocks = st.columns([2, 3], gap="small")
    with memory:
        _memory(cost, full, words)
    with blocks:
        _blocks(selection, trace, cost, words)


def _figures(
    selection: Selection, trace: Trace | None, cost: Estimate | None, full: Estimate | None, words: Words
) -> None:
    peak, card, backward, wrong = st.columns(4, gap="small")
    peak.metric(
        words("cost.peak"),
        bytes_text(cost.peak_bytes) if cost else words("unknown"),
        _against(cost and cost.peak_bytes, full and full.peak_bytes, words),
        delta_color=_good(cost and cost.peak_bytes, full and full.peak_bytes),
        delta_arrow="off",
        border=True,
        help=words("cost.peak_help", moment=telling.plain(cost.peak_moment)) if cost and cost.peak_moment else None,
    )
    fit = _fit(trace, selection)
    card.metric(
        words("cost.fits", card=CARD),
        words(f"fits.{fit.fits}") if fit else words("unknown"),
        words("cost.largest", batch=fit.largest_batch) if fit and fit.largest_batch else None,
        delta_color="off",
        delta_arrow="off",
        border=True,
        help=words("cost.fits_help"),
    )
    backward.metric(
        words("cost.backward"),
        flops_text(cost.flops_backward) if cost else words("unknown"),
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


def _fit(trace: Trace | None, selection: Selection):
    if trace is None:
        return None
    return next((fit for fit in fits(trace, selection.mask, batch_size=selection.link.batch) if CARD in fit.card), None)


def _parts(cost: Estimate | None) -> dict[str, int | None]:
    return {part: getattr(cost, part) for part in charts.PARTS} if cost else {}


def _memory(cost: Estimate | None, full: Estimate | None, words: Words) -> None:
    st.markdown(f"**{words('chart.memory')}**")
    if cost is None or full is None:
        st.caption(words("chart.no_trace"))
        return
    figure = charts.memory(_parts(cost), _parts(full), words, look.of(state.theme()))
    st.plotly_chart(figure, key="memory", height=MEMORY_HEIGHT, config=figures.CONFIG, alt=words("chart.memory"))
    st.html(_legend(_parts(cost), words))


def _legend(parts: dict[str, int | None], words: Words) -> str:
    """Colour, name and bytes of each part; the colours are the figure's, the text is ours alone."""
    palette = look.of(state.theme())
    items = [
        f'<li><i style="background:{getattr(palette, part)}"></i>{words(f"part.{part}")} <b>{bytes_text(size)}</b></li>'
        for part, size in parts.items()
    ]
    return f'<ul class="parts">{"".join(items)}</ul>'


def _blocks(selection: Selection, trace: Trace | None, cost: Estimate | None, words: Words) -> None:
    st.markdown(f"**{words('chart.where')}**", help=words("chart.where_help"))
    found = columns.columns(selection.tree, selection.mask)
    names = columns.labels(
        found,
        words("side.input"),
        words("side.output"),
        {name: words(f"column.{name}") for name in ("input", "head", "rest")},
    )
    curve = _curve(trace, selection) if trace else None
    now = cost.peak_bytes if cost else None
    figure = charts.blocks(found, names, curve, now, words, look.of(state.theme()))
    st.plotly_chart(
        figure,
        key="blocks",
        height=BLOCKS_HEIGHT,
        config=figures.CONFIG,
        on_select=_block_clicked,
        selection_mode="points",
        alt=words("chart.where"),
    )


def _curve(trace: Trace, selection: Selection) -> charts.CurveShown | None:
    points = depth_curve(trace, selection.tree, batch_size=selection.link.batch)
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
