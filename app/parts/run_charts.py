"""Figures of the runs that are chosen: their losses, accuracy against memory, and what trained in each."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app import state
from app.figures import colours, curves, layout
from app.figures.columns import columns, labels
from app.service import gallery, run_events
from app.service import selection as chosen
from app.service.run_table import Tried
from app.text import Words
from freezecore._resolve import resolve
from freezecore.errors import FreezeError
from freezecore.serving import jobs
from freezecore.spec import FreezeSpec

MOST_CURVES = 8
MOST_LINES = 40
CHART_HEIGHT = 300


def charts(shown: Sequence[Tried], words: Words) -> None:
    """Curves and accuracy against memory side by side, what trained below."""
    theme = colours.of(state.theme())
    named = [(_label(one), one) for one in shown[:MOST_CURVES]]
    left, right = st.columns(2)
    with left:
        st.markdown(f"**{words('runs.curves')}**")
        lines = [(name, run_events.losses(jobs.shared().events(one.token))) for name, one in named if one.token]
        _chart(curves.overlaid(lines, words, theme), "overlaid", words("runs.curves"))
    with right:
        st.markdown(f"**{words('runs.pareto')}**", help=words("runs.pareto_help"))
        points = [
            curves.Point(name, one.result["peak_bytes"], one.result["accuracy_after"], one.result.get("interval"))
            for name, one in named
            if one.result.get("peak_bytes") and one.result.get("accuracy_after") is not None
        ]
        _chart(curves.accuracy_against_cost(points, words, theme), "pareto", words("runs.pareto"))
    _what_trained(shown[:MOST_LINES], words)


def _chart(figure: dict, key: str, alt: str) -> None:
    st.plotly_chart(figure, key=key, height=CHART_HEIGHT, theme=None, config=layout.CONFIG, alt=alt)


def _what_trained(shown: Sequence[Tried], words: Words) -> None:
    """One line a run through the columns of the model that is open, to its accuracy on the right."""
    link = state.link()
    ours = [one for one in shown if one.model == link.model and one.result.get("accuracy_after") is not None]
    st.markdown(f"**{words('runs.parallel')}**", help=words("runs.parallel_help"))
    if not ours:
        st.caption(words("runs.parallel_none", model=gallery.name_of(link.model)))
        return
    tree = chosen.select(link).tree
    found = columns(tree)
    named = {key: words(f"column.{key}") for key in ("embeddings", "stem", "head", "rest")}
    axis = labels(found, words("side.input"), words("side.output"), named)
    lines = []
    for one in ours:
        try:
            mask = resolve(FreezeSpec.parse(one.rules), tree)
        except FreezeError:  # a run of a version of this model that had other names
            continue
        shares = [column.share(mask) for column in found]
        lines.append(curves.Line(_label(one), tuple(shares), one.result["accuracy_after"]))
    if lines:
        _chart(curves.parallel(axis, lines, words, colours.of(state.theme())), "parallel", words("runs.parallel"))


def _label(one: Tried) -> str:
    rules = one.rules.replace("\n", "; ")
    return f"{gallery.name_of(one.model)}: {rules if len(rules) <= 40 else rules[:39] + '…'}"
