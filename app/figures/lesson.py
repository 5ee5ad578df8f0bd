"""A lesson drawn: each run's network, with what trains and what stands still, and beside it what was measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from freezecore.mask import Mask

from ..text import Words
from .columns import Column, columns, labels
from .style import Palette, layout_of

BESIDE = 0.16  # of a row, that a bar lies below its middle; its number stands as far above
INTERVALS = {"accuracy_after": "interval", "step_s": "step_interval"}  # of a measurement, by its name
LEAST_SEEN = 0.3  # of a column's colour where anything in it trains, such as an adapter
CELL, ROW = 0.92, 0.84  # of a column's width and of a row's height that is coloured
SPLIT = (0.64, 0.72)  # of the width: the networks end, the bars begin


def lesson_runs(
    names: Sequence[str],
    masks: Sequence[Mask],
    results: Sequence[dict],
    shown: str,
    text: Callable,
    words: Words,
    palette: Palette,
) -> dict:
    """One row a run, the first on top: its network from the input side to the head, and a bar for what it came to.

    Args:
        masks: of one model, some of them perhaps with adapters in it.
        results: of the runs by now, `live` where one goes on; an empty one where a run has not begun.
        shown: the measurement that the bars are of; an accuracy and a step's time have their interval.
        text: how a measurement is written.
    """
    parts = columns(masks[0].tree)
    layout = layout_of(palette, "lesson_runs", top=20, barmode="overlay")
    rows = list(range(len(names)))
    ends = [0, len(parts) - 1]
    layout["xaxis"] |= {"domain": [0, SPLIT[0]], "showgrid": False, "tickvals": ends, "range": [-0.5, len(parts) - 0.5]}
    layout["xaxis"] |= {"ticktext": [words("side.input"), words("column.head")]}
    layout["xaxis2"] = layout["xaxis"] | {
        "domain": [SPLIT[1], 1],
        "rangemode": "tozero",
        "tickvals": None,
        "range": None,
    }
    layout["xaxis2"] |= {"showticklabels": False, "title": {"text": words(f"shown.{shown}"), "font": {"size": 12}}}
    layout["xaxis2"] |= {"side": "top"}  # where a phone has no room beside the network's own names
    if "accuracy" in shown:
        layout["xaxis2"] |= {"range": [0, 1.05]}  # stays while bars grow
    layout["yaxis"] |= {"tickvals": rows, "ticktext": list(names), "showgrid": False}
    layout["yaxis"] |= {"range": [len(rows) - 0.4, -0.6]}
    data = [_network(masks, words, palette), _bars(results, shown, palette), _texts(results, shown, text)]
    return {"data": data, "layout": layout}


def _network(masks: Sequence[Mask], words: Words, palette: Palette) -> dict:
    """A row a run: what trains in each part of the network, where a little that trains can be seen too."""
    parts = [columns(mask.tree) for mask in masks]

    def seen(part: Column, mask: Mask) -> float:
        return max(share, LEAST_SEEN) if (share := part.share(mask)) else 0.0

    cells = [
        (place, row, seen(part, mask), f"{label}: {words(f'state.{part.state(mask)}')}")
        for row, (of, mask) in enumerate(zip(parts, masks, strict=True))
        for place, (part, label) in enumerate(zip(of, labels(of, words), strict=True))
    ]
    return {
        "type": "bar",
        "orientation": "h",
        "base": [place - CELL / 2 for place, *_ in cells],
        "x": [CELL for _ in cells],
        "y": [row for _, row, *_ in cells],
        "width": ROW,
        "marker": {
            "color": [share for *_, share, _ in cells],
            "colorscale": [[0, palette.frozen], [1, palette.train]],
            "cmin": 0,
            "cmax": 1,
            "showscale": False,
        },
        "hovertext": [text for *_, text in cells],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "textposition": "none",
        "showlegend": False,
    }


def _bars(results: Sequence[dict], shown: str, palette: Palette) -> dict:
    """A bar for each run that has measured something, with its interval where it has one; pale while it goes on."""
    name = INTERVALS.get(shown, "")
    known = [(row, result[shown], result.get(name) or (result[shown],) * 2) for row, result in enumerate(results)
             if result.get(shown) is not None]  # fmt: skip
    spread = [(high - value, value - low) for _, value, (low, high) in known]
    return {
        "type": "bar",
        "orientation": "h",
        "y": [row + BESIDE for row, *_ in known],
        "x": [value for _, value, _ in known],
        "width": 0.36,
        "marker": {
            "color": palette.activations,
            "opacity": [0.45 if results[row].get("live") else 1 for row, *_ in known],
        },
        "error_x": {"array": [up for up, _ in spread], "arrayminus": [down for _, down in spread], "thickness": 1.5},
        "hoverinfo": "skip",
        "xaxis": "x2",
        "showlegend": False,
    }


def _texts(results: Sequence[dict], shown: str, text: Callable) -> dict:
    """What was measured, written above its bar."""
    known = [(row, result[shown]) for row, result in enumerate(results) if result.get(shown) is not None]
    return {
        "type": "scatter",
        "mode": "text",
        "x": [0 for _ in known],
        "y": [row - BESIDE for row, _ in known],
        "text": [text(value) for _, value in known],
        "textposition": "middle right",
        "cliponaxis": False,
        "hoverinfo": "skip",
        "xaxis": "x2",
        "showlegend": False,
    }
