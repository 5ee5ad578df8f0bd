"""Mounts the editor of rules in Streamlit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from ..messages import component
from . import HERE, LONGEST_TYPED, MODULES, editor_data


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

    data = editor_data(follows, strings, tree)
    component("rules_editor", HERE, MODULES)(data=data, key=key, on_typed_change=on_typed)
