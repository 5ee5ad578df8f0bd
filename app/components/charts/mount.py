"""Mounts numbers and charts in Streamlit."""

from __future__ import annotations

from collections.abc import Callable

from ..messages import component
from . import HERE, MODULES


def cost_charts(model_part: dict, *, tree: str, key: str, on_way: Callable[[], None]) -> None:
    """Mount numbers and charts; call it outside fragments.

    Args:
        model_part: see `app.figures.cost_charts`, which also makes the parts that `feed` sends.
        tree: key of the layer tree on the page, which a click on a column ticks.
        key: also the channel that those parts are sent on.
        on_way: called when the button beside the number that warns is pressed.
    """
    data = {"channel": key, "tree": tree, **model_part}
    component("cost_charts", HERE, MODULES)(data=data, key=key, on_way_change=on_way)
