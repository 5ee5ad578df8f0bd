"""Plotly figures of what a model costs, as plain dictionaries: no Streamlit, no formula, no plotly object to build."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.columns import Column
from app.figures import layout_of, round_ticks
from app.look import Look
from app.text import Words
from freezecore.report import bytes_text, count_text, flops_text

PARTS = ("weights", "gradients", "optimizer", "activations", "temporaries")
PATTERNS = {"weights": "", "gradients": "/", "optimizer": "\\", "activations": ".", "temporaries": "x"}
STATE_PATTERNS = {"frozen": "", "trainable": "", "mixed": "/"}


@dataclass(frozen=True)
class CurveShown:
    """The depth curve as it is drawn: one point a number of frozen blocks, None where a value is unknown."""

    frozen_blocks: tuple[int, ...]
    peak_bytes: tuple[int | None, ...]
    flops_backward: tuple[int | None, ...]
    rules: tuple[str, ...]


def memory(parts: dict[str, int | None], full: dict[str, int | None], words: Words, look: Look) -> dict:
    """What memory is made of at its peak: this selection above training everything, on one axis."""
    rows = [words("chart.everything"), words("chart.selection")]
    traces = []
    for part in PARTS:
        if parts.get(part) is None and full.get(part) is None:
            continue
        values = [full.get(part) or 0, parts.get(part) or 0]
        traces.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": words(f"part.{part}"),
                "y": rows,
                "x": values,
                "marker": {
                    "color": getattr(look, part),
                    "line": {"color": look.paper, "width": 1},
                    "pattern": {
                        "shape": PATTERNS[part],
                        "solidity": 0.15,
                        "fgcolor": look.paper,
                        "fillmode": "overlay",
                    },
                },
                "customdata": [bytes_text(value) for value in values],
                "hovertemplate": "%{fullData.name}: %{customdata}<extra></extra>",
            }
        )
    layout = layout_of(look, uirevision="memory", barmode="stack", bargap=0.35)
    layout["margin"] = {"l": 4, "r": 8, "t": 4, "b": 4}
    layout["showlegend"] = False
    layout["xaxis"] |= {
        "tickvals": (ticks := round_ticks(_top(full, parts))),
        "ticktext": [bytes_text(t) for t in ticks],
    }
    layout["xaxis"] |= {"range": [0, _top(full, parts) * 1.02], "automargin": True}
    layout["yaxis"] |= {"automargin": True, "showgrid": False}
    return {"data": traces, "layout": layout}


def blocks(
    found: Sequence[Column], names: Sequence[str], curve: CurveShown | None, now: int | None, words: Words, look: Look
) -> dict:
    """One column a block in execution order; above it, on the same axis, what freezing up to there leaves of the peak.

    `now` is the peak of the present selection.
    """
    state_colour = {"frozen": look.frozen, "trainable": look.train, "mixed": look.mixed}
    most = max((column.parameters for column in found), default=1)
    bars = {
        "type": "bar",
        "x": list(range(len(found))),
        "y": [max(column.parameters, most * 0.012) for column in found],
        "name": words("chart.blocks"),
        "marker": {
            "color": [state_colour[column.state] for column in found],
            "pattern": {
                "shape": [STATE_PATTERNS[column.state] for column in found],
                "solidity": 0.3,
                "fgcolor": look.paper,
                "fillmode": "overlay",
            },
            "line": {"color": look.soft, "width": 0.5},
        },
        "selected": {"marker": {"opacity": 1}},
        "unselected": {"marker": {"opacity": 1}},
        "customdata": [
            [name, count_text(column.parameters), words(f"state.{column.state}")]
            for column, name in zip(found, names, strict=True)
        ],
        "hovertemplate": "%{customdata[0]} · %{customdata[1]} · %{customdata[2]}<extra></extra>",
        "yaxis": "y",
        "showlegend": False,
    }
    layout = layout_of(look, uirevision="blocks", bargap=0.18)
    layout["margin"] = {"l": 4, "r": 8, "t": 6, "b": 4}
    layout |= {"clickmode": "event+select", "dragmode": False, "hovermode": "closest"}
    shown = list(range(0, len(names), max(1, len(names) // 14)))
    layout["xaxis"] |= {
        "tickvals": shown,
        "ticktext": [names[i] for i in shown],
        "showgrid": False,
        "automargin": True,
        "tickangle": 0 if len(names) <= 9 else -35,
        "range": [-0.6, len(found) - 0.4],
    }
    ticks = round_ticks(most)
    layout["yaxis"] |= {"tickvals": ticks, "ticktext": [count_text(t) for t in ticks], "automargin": True}
    layout["yaxis"] |= {"title": {"text": words("chart.parameters"), "font": {"size": 11}}}
    data = [bars]
    if curve and any(value is not None for value in curve.peak_bytes):
        data += _curve(found, curve, now, words, look)
        layout["yaxis"]["domain"] = [0, 0.48]
        layout["yaxis2"] = _curve_axis(curve, now, words, look)
    return {"data": data, "layout": layout}


def _curve(found: Sequence[Column], curve: CurveShown, now: int | None, words: Words, look: Look) -> list[dict]:
    edges = _edges(found)
    pairs = [i for i, count in enumerate(curve.frozen_blocks) if count < len(edges) and curve.peak_bytes[i] is not None]
    line = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": [edges[curve.frozen_blocks[i]] for i in pairs],
        "y": [curve.peak_bytes[i] for i in pairs],
        "yaxis": "y2",
        "name": words("chart.depth"),
        "line": {"color": look.activations, "width": 2},
        "marker": {"size": 6},
        "selected": {"marker": {"opacity": 1}},
        "unselected": {"marker": {"opacity": 1}},
        "customdata": [
            [curve.frozen_blocks[i], bytes_text(curve.peak_bytes[i]), flops_text(curve.flops_backward[i])]
            for i in pairs
        ],
        "hovertemplate": words("chart.depth_hover") + "<extra></extra>",
        "showlegend": False,
    }
    if now is None:
        return [line]
    here = {
        "type": "scatter",
        "mode": "lines",
        "x": [-0.6, len(found) - 0.4],
        "y": [now, now],
        "yaxis": "y2",
        "name": words("chart.now"),
        "line": {"color": look.train, "width": 2, "dash": "dot"},
        "hovertemplate": f"{words('chart.now')}: {bytes_text(now)}<extra></extra>",
        "showlegend": False,
    }
    return [line, here]


def _edges(found: Sequence[Column]) -> list[float]:
    """Where on the axis the border lies after so many frozen blocks; before the first stands nothing frozen."""
    return [-0.5, *(i + 0.5 for i, column in enumerate(found) if column.block is not None)]


def _curve_axis(curve: CurveShown, now: int | None, words: Words, look: Look) -> dict:
    top = max([value for value in (*curve.peak_bytes, now) if value is not None])
    ticks = round_ticks(top, 3)
    return {
        "domain": [0.58, 1],
        "range": [0, top * 1.12],
        "tickvals": ticks,
        "ticktext": [bytes_text(t) for t in ticks],
        "gridcolor": look.grid,
        "zeroline": False,
        "automargin": True,
        "fixedrange": True,
        "title": {"text": words("chart.peak"), "font": {"size": 11}},
    }


def _top(*parts: dict[str, int | None]) -> int:
    return max(sum(part.get(name) or 0 for name in PARTS) for part in parts) or 1
