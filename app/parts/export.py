"""Take it away: the selection as code for the trainer in use, with a copy and a download button."""

from __future__ import annotations

import streamlit as st

from app import selection as chosen
from app import state
from app.parts import telling
from app.text import Words
from freezecore.errors import ExportError
from freezecore.export import TARGETS, export

LANGUAGE = {"axolotl": "yaml", "llama-factory": "yaml", "spec": "yaml", "notebook": "json"}
ENDING = {"yaml": ".yaml", "json": ".ipynb", "python": ".py"}
CODE_HEIGHT = 290


def code(words: Words) -> None:
    """The target picker and the code."""
    selection = chosen.select(state.link())
    pick, download = st.columns([3, 2], vertical_alignment="bottom")
    target = pick.selectbox(
        words("export.target"),
        list(TARGETS),
        key="w_target",
        format_func=lambda name: words.either(f"target.{name}", name),
    )
    try:
        base = state.base_address()
        link = f"{base}/?{state.link().query()}" if base else None
        text = export(selection.source, selection.spec, to=target, tree=selection.tree, link=link)
    except ExportError as error:
        telling.show(error.problem, error.hint)
        return
    language = LANGUAGE.get(target, "python")
    download.download_button(
        words("export.download"),
        text,
        file_name=f"freeze_{selection.source.label}{ENDING[language]}",
        key="download",
        icon=":material/download:",
        on_click="ignore",
        width="stretch",
    )
    st.code(text, language=language, height=CODE_HEIGHT)
