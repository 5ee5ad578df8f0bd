"""What a class guessed, and what its people measured, as two figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..text import Words
from .style import Palette, layout_of


def guesses(names: Mapping[str, str], votes: Mapping[str, int], words: Words, palette: Palette) -> dict:
    """A bar for each guess with how many chose it.

    Args:
        names: of the guesses, by their key, the first on top.
    """
    layout, rows = layout_of(palette, "guesses"), list(range(len(names)))
    most = max(votes.values(), default=1)
    layout["xaxis"] |= {"range": [0, max(most, 1) * 1.15], "showgrid": False, "showticklabels": False}
    layout["yaxis"] |= {"tickvals": rows, "ticktext": list(names.values()), "range": [len(rows) - 0.4, -0.6]}
    layout["yaxis"] |= {"showgrid": False, "tickfont": {"size": 13}}
    counts = [votes.get(key, 0) for key in names]
    bars = {
        "type": "bar",
        "orientation": "h",
        "y": rows,
        "x": counts,
        "text": [str(count) for count in counts],
        "textposition": "outside",
        "cliponaxis": False,
        "width": 0.6,
        "marker": {"color": palette.series[1]},
        "hoverinfo": "skip",
        "showlegend": False,
    }
    return {"data": [bars], "layout": layout}


def results(
    names: Sequence[str],
    measured: Sequence[Sequence[tuple[str, float]]],
    shown: str,
    text: Callable[[float], str],
    words: Words,
    palette: Palette,
) -> dict:
    """A row for each run of a lesson with a point for each person, side by side where they fall together.

    Args:
        measured: for each run, nickname and measurement.
        shown: what was measured.
        text: how a measurement is written.
    """
    layout, rows = layout_of(palette, "results"), list(range(len(names)))
    points = [
        (value, row + _aside(place, len(people)), f"{name}: {text(value)}")
        for row, people in enumerate(measured)
        for place, (name, value) in enumerate(people)
    ]
    layout["xaxis"] |= {"title": {"text": words(f"shown.{shown}")}}
    top = max((value for value, _, _ in points), default=1)
    ticks = [top * i / 4 for i in range(5)]
    layout["xaxis"] |= (
        {"range": [0, 1.02]}
        if "accuracy" in shown
        else {"range": [0, top * 1.05], "tickvals": ticks, "ticktext": [text(tick) for tick in ticks]}
    )
    layout["yaxis"] |= {"tickvals": rows, "ticktext": list(names), "range": [len(rows) - 0.5, -0.5]}
    dots = {
        "type": "scatter",
        "mode": "markers",
        "x": [value for value, _, _ in points],
        "y": [row for _, row, _ in points],
        "text": [name for _, _, name in points],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {"color": palette.activations, "size": 10, "opacity": 0.75},
        "showlegend": False,
    }
    return {"data": [dots], "layout": layout}


def _aside(place: int, count: int) -> float:
    """How far from its row's middle a person's point lies."""
    return 0.5 * (place / (count - 1) - 0.5) if count > 1 else 0.0
