"""Figures of a sweep: accuracy by depth above what it costs, and accuracy against memory or time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from freezecore.metrics import METRICS
from freezecore.report import bytes_text

from ..service.search_table import SearchRow
from ..text import Words
from .style import Palette, layout_of, round_ticks

ROOM = 0.06  # of accuracy, above and below what is shown
SYMBOLS = {"chosen": "star", "front": "diamond", "other": "circle"}


def name_of(row: SearchRow, words: Words) -> str:
    """What a row is called in a figure: its depth, else its rules."""
    if row.frozen_blocks is not None:
        return words("search.depth_name", n=row.frozen_blocks)
    return row.told


def by_depth(rows: Sequence[SearchRow], chosen: SearchRow | None, words: Words, palette: Palette) -> dict:
    """Accuracy with its spread over the number of frozen blocks; below it, on the same axis, memory at the peak."""
    deep = sorted((r for r in rows if r.frozen_blocks is not None), key=lambda r: r.frozen_blocks)
    scored = [r for r in deep if r.shown is not None]
    sized = [r for r in deep if r.peak_bytes is not None]
    accuracy = {
        **_points(scored, chosen, palette, palette.activations),
        "mode": "lines+markers",
        "x": [r.frozen_blocks for r in scored],
        "line": {"color": palette.activations, "width": 2},
        "customdata": [name_of(r, words) for r in scored],
        "hovertemplate": "%{customdata} · %{y:.3f}<extra></extra>",
        "yaxis": "y2",
    }
    memory = {
        "type": "bar",
        "x": [r.frozen_blocks for r in sized],
        "y": [r.peak_bytes for r in sized],
        "marker": {"color": [palette.train if r is chosen else palette.weights for r in sized]},
        "customdata": [f"{name_of(r, words)} · {bytes_text(r.peak_bytes)}" for r in sized],
        "hovertemplate": "%{customdata}<extra></extra>",
        "showlegend": False,
    }
    layout = layout_of(palette, "by_depth")
    ticks = round_ticks(max((r.peak_bytes for r in sized), default=1) * 1.05, 2)
    depths = [r.frozen_blocks for r in deep]
    apart = 1 if len(deep) < 12 else 2 if len(deep) < 26 else 5  # so many numbers stand side by side in half a pane
    layout["xaxis"] |= {"title": {"text": words("search.depth_axis")}, "dtick": apart, "tickangle": 0}
    layout["xaxis"]["range"] = [min(depths, default=0) - 0.7, max(depths, default=0) + 0.7]
    layout["yaxis"] |= {"domain": [0, 0.3], "tickvals": ticks, "ticktext": [bytes_text(t) for t in ticks]}
    layout["yaxis"] |= {"title": {"text": words("chart.peak"), "font": {"size": 11}}}
    layout["yaxis2"] = {**_accuracy_axis(scored, words, palette), "domain": [0.4, 1]}
    return {"data": [memory, accuracy], "layout": layout}


def against_cost(
    rows: Sequence[SearchRow], chosen: SearchRow | None, cost: str, words: Words, palette: Palette
) -> dict:
    """One point a selection, up and left is better; those that no other beats are diamonds, the chosen one a star.

    Args:
        cost: `peak_bytes` or `step_s`.
    """
    shown = [r for r in rows if r.shown is not None and getattr(r, cost) is not None]
    text: Callable = bytes_text if cost == "peak_bytes" else words.seconds
    points = {
        **_points(shown, chosen, palette, palette.soft),
        "mode": "markers",
        "x": [getattr(r, cost) for r in shown],
        "customdata": [f"{name_of(r, words)} · {text(getattr(r, cost))}" for r in shown],
        "hovertemplate": "%{customdata} · %{y:.3f}<extra></extra>",
    }
    layout = layout_of(palette, f"against_{cost}")
    top = max((getattr(r, cost) for r in shown), default=1)
    ticks = round_ticks(top * 1.1) if cost == "peak_bytes" else [top * i / 4 for i in range(5)]
    layout["xaxis"] |= {"tickvals": ticks, "ticktext": [text(round(t, 3)) for t in ticks], "rangemode": "tozero"}
    layout["xaxis"] |= {"title": {"text": words("runs.peak" if cost == "peak_bytes" else "runs.step")}}
    layout["yaxis"] = _accuracy_axis(shown, words, palette)
    return {"data": [points], "layout": layout}


def by_block(scores: Sequence[float | None], words: Words, palette: Palette) -> dict:
    """What a suggestion measured, one column a block."""
    layout = layout_of(palette, "by_block")
    layout["xaxis"] |= {"title": {"text": words("chart.blocks")}}
    layout["yaxis"] |= {"rangemode": "tozero"}
    bars = {
        "type": "bar",
        "x": list(range(len(scores))),
        "y": list(scores),
        "marker": {"color": palette.activations},
        "hovertemplate": "%{x}: %{y:.3g}<extra></extra>",
    }
    return {"data": [bars], "layout": layout}


def _points(rows: Sequence[SearchRow], chosen: SearchRow | None, palette: Palette, colour: str) -> dict:
    """Markers of these rows, told apart by shape as well as colour, with the spread over seeds as bars."""
    kinds = ["chosen" if r is chosen else "front" if r.front else "other" for r in rows]
    colours = {"chosen": palette.train, "front": palette.activations, "other": colour}
    spread = {"type": "data", "array": [r.spread or 0 for r in rows], "thickness": 1.2, "width": 3}
    return {
        "type": "scatter",
        "y": [r.shown for r in rows],
        "error_y": {**spread, "visible": any(r.spread for r in rows) and not any(r.metric for r in rows)},
        "marker": {
            "symbol": [SYMBOLS[kind] for kind in kinds],
            "color": [colours[kind] for kind in kinds],
            "size": [15 if kind == "chosen" else 10 if kind == "front" else 8 for kind in kinds],
        },
        "showlegend": False,
    }


def _accuracy_axis(rows: Sequence[SearchRow], words: Words, palette: Palette) -> dict:
    """An axis on which differences are seen, that shows no accuracy above 1 or below 0, and what is better above."""
    metric = next((r.metric for r in rows if r.metric), None)
    if metric:
        title = {"text": words(f"metric.{metric}"), "font": {"size": 11}}
        way = {"autorange": "reversed"} if METRICS[metric].better == "low" else {}  # up is better
        return {**layout_of(palette, "")["yaxis"], **way, "title": title, "nticks": 6}
    low = min((r.accuracy - (r.spread or 0) for r in rows), default=0)
    high = max((r.accuracy + (r.spread or 0) for r in rows), default=1)
    title = {"text": words("chart.accuracy"), "font": {"size": 11}}
    edges = [max(-0.02, low - ROOM), min(1.02, high + ROOM)]
    return {**layout_of(palette, "")["yaxis"], "range": edges, "title": title, "nticks": 6}
