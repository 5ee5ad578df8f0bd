"""Figures of data: how many samples each class has, and how long the texts are."""

from __future__ import annotations

from collections.abc import Sequence

from app.figures.colours import Look
from app.figures.layout import layout_of
from app.text import Words


def balance(rows: Sequence[tuple[str, int, int]], words: Words, look: Look) -> dict:
    """One bar a class; what is held out is hatched and stands at its end."""
    names = [name if len(name) <= 18 else name[:17] + "…" for name, _, _ in rows]
    parts = ((words("own.train"), 1, look.activations, ""), (words("own.test"), 2, look.weights, "/"))
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
    layout = layout_of(look, uirevision="balance", barmode="stack", hovermode="closest")
    layout["margin"] = {"l": 4, "r": 8, "t": 4, "b": 4}
    layout["yaxis"] |= {"tickvals": list(range(len(rows))), "ticktext": names, "autorange": "reversed"}
    layout["yaxis"] |= {"automargin": True}
    layout["legend"] = {"orientation": "h", "y": -0.15, "font": {"size": 11}}
    return {"data": data, "layout": layout}


def lengths(counts: Sequence[tuple[int, int]], words: Words, look: Look) -> dict:
    """One column a range of lengths, in words or tokens."""
    last = max(high for high, _ in counts)
    named = [words("own.words_up_to", n=high) if high < 10**9 else words("own.words_more") for high, _ in counts]
    bars = {
        "type": "bar",
        "x": list(range(len(counts))),
        "y": [texts for _, texts in counts],
        "marker": {"color": look.activations},
        "hovertemplate": f"%{{y}} {words('own.texts')}<extra></extra>",
        "showlegend": False,
    }
    layout = layout_of(look, uirevision=f"lengths {last}", hovermode="closest")
    layout["margin"] = {"l": 4, "r": 8, "t": 4, "b": 4}
    layout["xaxis"] |= {"tickvals": list(range(len(counts))), "ticktext": named, "automargin": True}
    layout["yaxis"] |= {"title": {"text": words("own.texts"), "font": {"size": 11}}, "automargin": True}
    return {"data": [bars], "layout": layout}
