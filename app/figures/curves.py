"""Plotly figures of what runs measured, as plain dictionaries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.figures.colours import Look
from app.figures.layout import layout_of, round_ticks
from app.text import Words
from freezecore.report import bytes_text


@dataclass(frozen=True)
class Point:
    """One run in the plane of accuracy against memory."""

    name: str
    peak_bytes: int
    accuracy: float
    interval: tuple[float, float] | None


def learning(steps: Sequence[dict], evals: Sequence[dict], total: int | None, words: Words, look: Look) -> dict:
    """Loss by step, and below it, on the same axis, held-out accuracy; never two axes over one another."""
    loss = {
        "type": "scatter",
        "mode": "lines",
        "x": [s["step"] for s in steps],
        "y": [s["loss"] for s in steps],
        "name": words("chart.loss"),
        "line": {"color": look.train, "width": 2},
        "yaxis": "y2",
        "hovertemplate": f"{words('chart.loss')} %{{y:.3f}}<extra></extra>",
        "showlegend": False,
    }
    accuracy = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": [e["step"] for e in evals],
        "y": [e["accuracy"] for e in evals],
        "name": words("chart.accuracy"),
        "line": {"color": look.activations, "width": 2},
        "marker": {"symbol": "diamond", "size": 8},
        "hovertemplate": f"{words('chart.accuracy')} %{{y:.3f}}<extra></extra>",
        "showlegend": False,
    }
    layout = layout_of(look, uirevision="learning", hovermode="x")
    layout["margin"] = {"l": 4, "r": 8, "t": 4, "b": 4}
    layout["xaxis"] |= {
        "range": [-0.02 * (total or 1), (total or 1) * 1.03],
        "automargin": True,
        "title": {"text": words("chart.step")},
    }
    layout["yaxis"] |= {"domain": [0, 0.44], "range": [0, 1.04], "tickvals": [0, 0.5, 1], "automargin": True}
    layout["yaxis"] |= {"title": {"text": words("chart.accuracy"), "font": {"size": 11}}}
    layout["yaxis2"] = {**layout["yaxis"], "domain": [0.54, 1], "rangemode": "tozero"}
    for name in ("range", "tickvals"):
        layout["yaxis2"].pop(name)
    layout["yaxis2"]["title"] = {"text": words("chart.loss"), "font": {"size": 11}}
    return {"data": [loss, accuracy], "layout": layout}


def overlaid(lines: Sequence[tuple[str, Sequence[dict]]], words: Words, look: Look) -> dict:
    """Losses of several runs over one another, told apart by colour and dash."""
    dashes = ("solid", "dash", "dot", "dashdot")
    data = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "x": [step["step"] for step in steps],
            "y": [step["loss"] for step in steps],
            "line": {"color": look.series[i % len(look.series)], "dash": dashes[i % len(dashes)], "width": 2},
        }
        for i, (name, steps) in enumerate(lines)
    ]
    layout = layout_of(look, uirevision="overlaid", hovermode="closest")
    layout["margin"] = {"l": 4, "r": 8, "t": 8, "b": 4}
    layout["xaxis"] |= {"title": {"text": words("chart.step")}, "automargin": True}
    layout["yaxis"] |= {"title": {"text": words("chart.loss")}, "automargin": True, "rangemode": "tozero"}
    layout["legend"] = {"orientation": "h", "y": -0.3, "font": {"size": 11}}
    return {"data": data, "layout": layout}


def accuracy_against_cost(points: Sequence[Point], words: Words, look: Look) -> dict:
    """One point a run with its interval; those that no other beats on both sides are joined."""
    front = [p for p in points if not any(_beats(other, p) for other in points)]
    front.sort(key=lambda p: p.peak_bytes)
    symbols = ("circle", "square", "diamond", "triangle-up", "cross", "star", "x", "pentagon")
    data: list[dict] = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [p.peak_bytes for p in front],
            "y": [p.accuracy for p in front],
            "line": {"color": look.soft, "dash": "dot", "shape": "hv"},
            "hoverinfo": "skip",
            "showlegend": False,
        }
    ]
    for i, p in enumerate(points):
        low, high = p.interval or (p.accuracy, p.accuracy)
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": p.name,
                "x": [p.peak_bytes],
                "y": [p.accuracy],
                "error_y": {"array": [high - p.accuracy], "arrayminus": [p.accuracy - low], "thickness": 1},
                "marker": {"color": look.series[i % len(look.series)], "symbol": symbols[i % len(symbols)], "size": 11},
                "hovertemplate": f"%{{fullData.name}}<br>{bytes_text(p.peak_bytes)} · %{{y:.3f}}<extra></extra>",
            }
        )
    layout = layout_of(look, uirevision="pareto", hovermode="closest")
    layout["margin"] = {"l": 4, "r": 8, "t": 8, "b": 4}
    ticks = round_ticks(max((p.peak_bytes for p in points), default=1) * 1.1)
    layout["xaxis"] |= {"tickvals": ticks, "ticktext": [bytes_text(t) for t in ticks], "rangemode": "tozero"}
    layout["xaxis"] |= {"title": {"text": words("runs.peak")}, "automargin": True}
    layout["yaxis"] |= {"title": {"text": words("runs.accuracy")}, "automargin": True}
    layout["legend"] = {"orientation": "h", "y": -0.3, "font": {"size": 11}}
    return {"data": data, "layout": layout}


def _beats(one: Point, other: Point) -> bool:
    better = one.peak_bytes <= other.peak_bytes and one.accuracy >= other.accuracy
    return better and (one.peak_bytes, one.accuracy) != (other.peak_bytes, other.accuracy)


@dataclass(frozen=True)
class Line:
    """One run through the columns of a model: the share of each that trained, and the accuracy that came of it."""

    name: str
    shares: tuple[float, ...]
    accuracy: float


def parallel(axis: Sequence[str], lines: Sequence[Line], words: Words, look: Look) -> dict:
    """Parallel coordinates: what trained, column by column, and accuracy last; the best run is drawn thick.

    Runs that train the same would lie on one another, so each is moved by a hair.
    """
    best = max(lines, key=lambda line: line.accuracy)
    places = [*range(len(axis)), len(axis) + 1]
    data = []
    for i, line in enumerate(lines):
        off = (i - (len(lines) - 1) / 2) * min(0.012, 0.2 / len(lines))
        colour = look.train if line is best else look.series[1 + i % (len(look.series) - 1)]
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": line.name,
                "x": places,
                "y": [*(share + off for share in line.shares), line.accuracy],
                "line": {"color": colour, "width": 3.5 if line is best else 1.5},
                "marker": {"size": [4] * len(axis) + [10], "symbol": "star" if line is best else "circle"},
                "opacity": 1 if line is best else 0.65,
                "hovertemplate": f"%{{fullData.name}}<br>{words('chart.accuracy')} {line.accuracy:.3f}<extra></extra>",
                "showlegend": False,
            }
        )
    layout = layout_of(look, uirevision="parallel", hovermode="closest")
    layout["margin"] = {"l": 4, "r": 8, "t": 8, "b": 4}
    ticktext = [*axis, f"<b>{words('chart.accuracy')}</b>"]
    layout["xaxis"] |= {"tickvals": places, "ticktext": ticktext, "automargin": True}
    layout["yaxis"] |= {"range": [-0.15, 1.15], "tickvals": [0, 0.5, 1], "automargin": True}
    layout["yaxis"] |= {"ticktext": [words("runs.frozen"), "0.5", words("runs.trains")]}
    return {"data": data, "layout": layout}
