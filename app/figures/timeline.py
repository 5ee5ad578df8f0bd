"""Plotly figure of what is alive through one training step, its parts stacked, over what training everything takes."""

from __future__ import annotations

from freezecore._estimate import Timeline
from freezecore._estimate.cost import MOMENTS
from freezecore.report import bytes_text

from ..text import Words
from .cost_charts import PARTS
from .style import LEGEND, Palette, layout_of, round_ticks

MOST = 240  # points of each line


def timeline_chart(told: Timeline, full: Timeline, words: Words, palette: Palette) -> dict:
    """Stacked parts over the step's operations, the peak marked; dotted, what training everything takes."""
    few = told.highest(MOST)
    rows = Timeline(told.weights, told.optimizer, told.batches, tuple(few), told.steps).to_json()
    x = [told.place(moment) for moment in few]
    data: list[dict] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": words(f"part.{part}"),
            "x": x,
            "y": [row[part] for row in rows],
            "stackgroup": "parts",
            "line": {"width": 0, "color": getattr(palette, part)},
            "fillcolor": getattr(palette, part),
            "hoverinfo": "skip",
        }
        for part in PARTS
    ]
    data += [_line(full, "full", words, palette), _line(told, "total", words, palette)]
    peak = told.moments[told.peak]
    label = words("timeline.peak", bytes=bytes_text(told.peak_bytes))
    data.append(
        {
            "type": "scatter",
            "mode": "markers",
            "x": [told.place(peak)],
            "y": [told.peak_bytes],
            "marker": {"symbol": "diamond", "size": 10, "color": palette.text},
            "name": label,
            "hoverinfo": "skip",
        }
    )
    steps, top = told.steps, max(told.peak_bytes, full.peak_bytes)
    layout = layout_of(palette, "timeline", top=30, legend=LEGEND | {"traceorder": "normal"})
    names = [words.said(MOMENTS["forward"]), words.said(MOMENTS["backward"])]
    layout["xaxis"] |= {
        "range": [0, 2 * steps + 1], "tickvals": [steps / 2, 1.5 * steps], "ticktext": names, "showgrid": False
    }  # fmt: skip
    ticks = round_ticks(top)
    layout["yaxis"] |= {
        "range": [0, 1.06 * top], "tickvals": ticks, "ticktext": [bytes_text(round(tick)) for tick in ticks]
    }  # fmt: skip
    return {"data": data, "layout": layout}


def _line(told: Timeline, name: str, words: Words, palette: Palette) -> dict:
    """All that is alive, as a line whose points name phase, layer and operation."""
    few = told.highest(MOST)
    said = [" · ".join(filter(None, (words.said(MOMENTS[m.phase]), m.layer, m.operation))) for m in few]
    dotted = {"dash": "dot", "color": palette.soft} if name == "full" else {"color": palette.text}
    return {
        "type": "scatter",
        "mode": "lines",
        "name": words(f"timeline.{name}"),
        "x": [told.place(moment) for moment in few],
        "y": [told.bytes_at(moment) for moment in few],
        "line": {"width": 1.5, **dotted},
        "customdata": [[where, bytes_text(told.bytes_at(m))] for where, m in zip(said, few, strict=True)],
        "hovertemplate": "%{customdata[0]}<br>%{customdata[1]}<extra>" + words(f"timeline.{name}") + "</extra>",
    }
