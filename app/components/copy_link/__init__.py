"""The button that copies the page's address, and what keeps the address bar current without a step of history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import streamlit as st

from ..scripts import script

HERE = Path(__file__).parent
CHANNEL = "address"


def copy_link(sentences: Mapping[str, str], lang: str) -> None:
    """Draw the button; it copies whatever the address bar holds.

    Args:
        sentences: its `label`, and what it says when the link was `copied` or that was `refused`.
        lang: the language of the whole page, which is told the browser here, since the button stands on every page.
    """
    data = {"channel": CHANNEL, "lang": lang, **sentences}
    _component()(data=data, key="copy_link", width="content", height="content")


def address_part(query: str) -> dict:
    """What writes this query into the address bar, to be sent by `feed`."""
    return {"channel": CHANNEL, "part": "link", "query": query}


@cache
def _component() -> Callable:
    html, css = ((HERE / f"copy_link.{kind}").read_text(encoding="utf-8") for kind in ("html", "css"))
    return st.components.v2.component("copy_link", html=html, css=css, js=script(HERE / "js", ["copy_link"]))
