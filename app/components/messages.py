"""What the page's own components share: scripts made of modules, and small messages to a large component.

Streamlit sends a component's script and data again whenever the data changes. What changes with every tick therefore
goes to a component of a few lines, which hands it on in the browser.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path

import streamlit as st

from ..text import sentences

JS = Path(__file__).with_name("js")
SHARED = ("channel", "element", "mount")


def script(folder: Path, modules: Iterable[str]) -> str:
    """Modules of a folder behind those that all share, as one, since a component's script is one text.

    Imports go, exports become plain; lines of comment go as well, since Streamlit sends the script of a message again
    with every message.
    """
    files = [*(JS / f"{name}.js" for name in SHARED), *(folder / f"{name}.js" for name in modules)]
    parts = [file.read_text(encoding="utf-8") for file in files]
    plain = [re.sub(r"^import .*?;\n", "", part, flags=re.MULTILINE | re.DOTALL) for part in parts]
    plain = [re.sub(r"^export (?!default)", "", part, flags=re.MULTILINE) for part in plain]
    return re.sub(r"^\s*(//.*)?\n", "", "\n".join(plain), flags=re.MULTILINE)


@cache
def component(name: str, folder: Path, modules: tuple[str, ...]) -> Callable:
    """A component of this name, of a folder with its style and the modules of its script."""
    style = (folder / f"{folder.name}.css").read_text(encoding="utf-8")
    return st.components.v2.component(name, css=style, js=script(folder / "js", modules))


@cache
def strings(component: str, lang: str) -> dict[str, str]:
    """A component's own sentences in a language."""
    start = f"{component}."
    return {"lang": lang} | {
        key.removeprefix(start): text for key, text in sentences(lang).items() if key.startswith(start)
    }


def feed(
    *parts: dict, key: str, on_ticks: Callable[[], None] | None = None, question: Mapping[str, object] | None = None
) -> None:
    """Send parts of what components show, in one message; takes no room on the page.

    Args:
        parts: each with its `channel`, the name of the `part`, and what it holds.
        key: ends in `-feed`.
        on_ticks: called when the tree whose `ticks` are among the parts was ticked, before the script or fragment runs.
        question: a `path` that answers ticks with parts at once, before they are sent to Python, and what to ask it
            `about`.
    """
    callbacks = {"on_ticks_change": on_ticks} if on_ticks else {}
    _feed()(data={"parts": list(parts), "question": question}, key=key, height=1, **callbacks)


@cache
def _feed() -> Callable:
    return st.components.v2.component("feed", js=script(JS, ["feed"]))
