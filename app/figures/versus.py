"""Ways of training side by side: what each one's memory is made of at its peak, and the card's end."""

from __future__ import annotations

from collections.abc import Sequence

from freezecore.report import bytes_text

from ..service.versus import Way
from ..text import Words
from .cost_charts import PARTS
from .style import LEGEND, Palette, layout_of, round_ticks


def ways_chart(ways: Sequence[Way], usable: int | None, words: Words, palette: Palette) -> dict:
    """A bar a way, the first on top, in the parts of its peak.

    Args:
        usable: bytes of the chosen card, a line across all bars; None where none is chosen.
    """
    known = [way for way in ways if way.known.cost and way.peak_bytes is not None]
    names = [words(f"versus.{way.key}") for way in known]
    top = max([way.peak_bytes or 0 for way in known] or [1])
    layout = layout_of(palette, "ways", top=28, barmode="stack", legend=LEGEND | {"traceorder": "normal"})
    ticks = round_ticks(top)
    layout["xaxis"] |= {"tickvals": ticks, "ticktext": [bytes_text(tick) for tick in ticks], "rangemode": "tozero"}
    layout["yaxis"] |= {"autorange": "reversed", "showgrid": False}
    if usable and usable < 2 * top:
        line = {"type": "line", "x0": usable, "x1": usable, "yref": "paper", "y0": 0, "y1": 1}
        layout["shapes"] = [line | {"line": {"color": palette.soft, "dash": "dot", "width": 1.5}}]
    return {"data": [_part(part, names, known, words, palette) for part in PARTS], "layout": layout}


def _part(part: str, names: list[str], known: Sequence[Way], words: Words, palette: Palette) -> dict:
    sizes = [getattr(way.known.cost, part, 0) or 0 for way in known]
    return {
        "type": "bar",
        "orientation": "h",
        "name": words(f"part.{part}"),
        "y": names,
        "x": sizes,
        "text": [bytes_text(size) for size in sizes],
        "textposition": "none",
        "hovertemplate": "%{y}: %{text}<extra>%{fullData.name}</extra>",
        "marker": {"color": getattr(palette, part)},
    }
