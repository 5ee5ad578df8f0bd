"""Mounting of the page's own components, and small messages to a large one.

Streamlit sends a component's script and data again whenever the data changes. What changes with every tick therefore
goes to a component of a few lines, which hands it on in the browser.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import streamlit as st

from .scripts import JS, script


@cache
def component(name: str, folder: Path, modules: tuple[str, ...]) -> Callable:
    """A component of this name, of a folder with its style and the modules of its script."""
    style = (folder / f"{folder.name}.css").read_text(encoding="utf-8")
    return st.components.v2.component(name, css=style, js=script(folder / "js", modules))


def feed(
    *parts: dict,
    key: str,
    on_ticks: Callable[[], None] | None = None,
    question: Mapping[str, object] | None = None,
    goes_on: bool = False,
) -> None:
    """Send parts of what components show, in one message; takes no room on the page.

    Args:
        parts: each with its `channel`, the name of the `part`, and what it holds.
        key: ends in `-feed`.
        on_ticks: called when the tree whose `ticks` are among the parts was ticked, before the script or fragment runs.
        question: a `path` that answers ticks with parts at once, before they are sent to Python, and what to ask it
            `about`.
        goes_on: the page is to be drawn again when the component with the ticks shows them.
    """
    callbacks = {"on_ticks_change": on_ticks} if on_ticks else {}
    _feed()(data={"parts": list(parts), "question": question, "goes_on": goes_on}, key=key, height=1, **callbacks)


@cache
def _feed() -> Callable:
    return st.components.v2.component("feed", js=script(JS, ["feed"]))
