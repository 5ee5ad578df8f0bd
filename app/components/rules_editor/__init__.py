"""The selection as text: an editor that completes the names of the model, painted by the browser, read by Python.

Its mount never changes with the ticks. The text it shows is a small message, which the quick answer to a tick can
bring as well; what a person typed comes back when they leave the box or press Ctrl+Enter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import streamlit as st

from ..messages import component, strings

HERE = Path(__file__).parent
MODULES = ("words", "completion", "editor")
CHANNEL = "rules"
LONGEST_TYPED = 4_000


def rules_editor(
    follows: Mapping[str, Sequence[str]],
    *,
    strings: Mapping[str, str],
    tree: str,
    key: str,
    on_change: Callable[[str], None],
) -> None:
    """Draw the editor; call it outside fragments, so that a tick moves nothing but its text.

    Args:
        follows: words that may follow, by the word before it or the beginning of the word, as `rule_words` lists them.
        strings: the sentences of `editor_strings`.
        tree: key of the layer tree on the page, whose names are offered.
        key: of the component.
        on_change: called with what a person typed before the script runs.
    """

    def on_typed() -> None:
        typed = (st.session_state.get(key) or {}).get("typed")
        if isinstance(typed, Mapping) and isinstance(typed.get("text"), str):
            on_change(typed["text"][:LONGEST_TYPED])

    data = {"channel": CHANNEL, "tree": tree, "longest": LONGEST_TYPED, "follows": dict(follows)}
    component("rules_editor", HERE, MODULES)(data={**data, "words": dict(strings)}, key=key, on_typed_change=on_typed)


def text_part(text: str, fault: tuple[int, int] | None = None) -> dict:
    """What the editor shows, to be sent by `feed`; `fault` holds the offsets of the word that cannot be read."""
    return {"channel": CHANNEL, "part": "text", "text": text, "fault": fault}


def editor_strings(lang: str) -> dict[str, str]:
    """Its own sentences in a language."""
    return strings("editor", lang)
