"""The numbers and charts beside the tree, painted by the browser: what a selection costs and where that comes from.

What stands still for a model and a workload is sent once; a tick sends a few numbers. They are no Streamlit metrics and
no plotly figures, because drawing four of those and two of these again takes longer than a tick may.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import streamlit as st

from app.components.wire import joined

HERE = Path(__file__).parent
MODULES = ("elements", "numbers", "memory", "blocks", "charts")


def cost_charts(still: dict, *, tree: str, key: str) -> None:
    """Mount numbers and charts; call it outside fragments.

    Args:
        still: `app.figures.charts.still`, and as `numbers` what `app.service.cost_numbers.named` says.
        tree: key of the layer tree on the page, which a click on a column ticks.
        key: also the channel that `costs_part` speaks on.
    """
    _charts()(data={"channel": key, "tree": tree, **still}, key=key)


def costs_part(now: dict, *, key: str) -> dict:
    """What paints another selection, to be sent by `feed`.

    `now` is what `app.figures.charts.now` gives, with `app.service.cost_numbers.told` as `numbers`.
    """
    return {"channel": key, "part": "now", **now}


def largest_part(text: str | None, of: str, *, key: str) -> dict:
    """What paints the largest batch that fits, to be sent by `feed` once it is known.

    Args:
        of: fingerprint of the tree that the charts show.
    """
    return {"channel": key, "part": "largest", "of": of, "text": text}


@cache
def _charts() -> Callable:
    style = (HERE / "charts.css").read_text(encoding="utf-8")
    return st.components.v2.component("cost_charts", css=style, js=joined(HERE / "js", MODULES))
