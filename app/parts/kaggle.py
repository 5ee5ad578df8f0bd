"""The selections of some runs as one notebook that compares them on a person's own GPU, and writes runs.json."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app import state
from app.service import selection as chosen
from app.service.run_table import Tried
from app.text import Words
from freezecore._export.comparison import export_comparison
from freezecore.errors import FreezeError

MOST = 12


def kaggle(shown: Sequence[Tried], words: Words) -> None:
    """A button that downloads the notebook; without runs of the open model, or where one cannot be told, it says so."""
    link = state.link()
    rules = list(dict.fromkeys(one.rules for one in shown if one.model == link.model))[:MOST]
    text, why = None, words("kaggle.none")
    if rules:
        try:
            selection = chosen.select(link)
            text = export_comparison(selection.source, rules, selection.tree)
        except FreezeError as error:
            why = words.said(error.problem)
    st.download_button(
        words("kaggle.button", count=len(rules)),
        text or "",
        file_name="freeze_comparison.ipynb",
        mime="application/x-ipynb+json",
        icon=":material/menu_book:",
        on_click="ignore",
        key="kaggle",
        disabled=text is None,
        help=words("kaggle.help") if text else why,
    )
