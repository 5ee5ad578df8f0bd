"""Figures of data: how many samples each class has, and how long the texts are."""

from __future__ import annotations

from collections.abc import Sequence

from ..text import Words
from .style import LEGEND, Palette, layout_of


def class_balance(rows: Sequence[tuple[str, int, int]], words: Words, palette: Palette) -> dict:
    """One bar a class; what is held out is hatched and stands at its end."""
    names = [name if len(name) <= 18 else name[:17] + "…" for name, _, _ in rows]
    parts = ((words("own.train"), 1, palette.activations, ""), (words("own.test"), 2, palette.weights, "/"))
    data = [
        {
            "type": "bar",
            "orientation": "h",
            "name": name,
            "y": list(range(len(rows))),
            "x": [row[place] for row in rows],
            "marker": {"color": colour, "pattern": {"shape": pattern}},
            "hovertemplate": f"{name}: %{{x}}<extra></extra>",
        }
        for name, place, colour, pattern in parts
    ]
    layout = layout_of(palette, "balance", top=24, barmode="stack", legend=LEGEND | {"traceorder": "normal"})
    layout["xaxis"]["automargin"] = False
    layout["margin"]["b"] = 20  # the numbers below the bars
    layout["yaxis"] |= {"tickvals": list(range(len(rows))), "ticktext": names, "autorange": "reversed"}
    return {"data": data, "layout": layout}


def text_lengths(counts: Sequence[tuple[int, int]], words: Words, palette: Palette) -> dict:
    """One column a range of lengths, in words or tokens."""
    last = max(high for high, _ in counts)
    named = [words("own.words_up_to", n=high) if high < 10**9 else words("own.words_more") for high, _ in counts]
    bars = {
        "type": "bar",
        "x": list(range(len(counts))),
        "y": [texts for _, texts in counts],
        "marker": {"color": palette.activations},
        "hovertemplate": f"%{{y}} {words('own.texts')}<extra></extra>",
        "showlegend": False,
    }
    layout = layout_of(palette, f"lengths {last}", top=4)
    layout["xaxis"] |= {"tickvals": list(range(len(counts))), "ticktext": named, "tickangle": 0}
    layout["yaxis"] |= {"title": {"text": words("own.texts"), "font": {"size": 11}}}
    return {"data": [bars], "layout": layout}
