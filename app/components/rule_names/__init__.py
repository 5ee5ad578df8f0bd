"""Completion in the rules' text: what a word may go on to, of the rule language and of the model that is open.

Everything is looked up in the browser: the names are those that the layer tree there holds already. Nothing is sent
while somebody types, and nothing by a tick.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

import streamlit as st

from app.components.messages import script

HERE = Path(__file__).parent
MODULES = ("words", "completion")


def rule_names(field: str, tree: str, words: Mapping[str, Sequence[str]], sentences: Mapping[str, str]) -> None:
    """Complete what is typed in a text area.

    Args:
        field: key of the text area.
        tree: key of the layer tree whose names are offered.
        words: what may follow, by the word before it or the beginning of the word, as `rule_words` lists it.
        sentences: the `name` of the list, and what is said of how many were `found`.
    """
    data = {"field": f".st-key-{field} textarea", "channel": tree, "follows": dict(words), **sentences}
    _component()(data=data, key="rule_names", isolate_styles=False, height="content")


@cache
def _component() -> Callable:
    style = (HERE / "rule_names.css").read_text(encoding="utf-8")
    return st.components.v2.component("rule_names", css=style, js=script(HERE / "js", MODULES))
