"""Sweeps and searches of this browser, the newest first: one is opened in Explore, or a new one begun."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from freezecore.serving import jobs
from freezecore.serving.runs import Run

from .. import state
from ..service import gallery
from ..service.run_table import model_of, name_of_data
from ..text import Words
from . import measured_under, show_errors
from .search import KINDS
from .table import pick_rows

MOST = 50


def search_list(words: Words) -> None:
    """The list, and what can be done with it."""
    store = jobs.shared().runs
    found = {run.token: run for kind in KINDS for run in store.listed(state.owner(), kind, MOST)}
    held = [run for token in state.held() if token not in found and (run := store.find(token))]
    found = [*found.values(), *(run for run in held if run.kind in KINDS)]
    found = sorted(found, key=lambda run: run.created, reverse=True)[:MOST]
    chosen = _table(found, words) if found else None
    if not found:
        st.caption(words("searches.none"))
    with st.container(horizontal=True, gap="small"):
        st.button(
            words("searches.new", model=gallery.name_of(state.link().model)),
            icon=":material/add:",
            key="new_search",
            on_click=_new,
            help=words("searches.new_help"),
        )
        if found:
            st.button(
                words("runs.open"),
                icon=":material/open_in_new:",
                key="open_search",
                disabled=chosen is None,
                on_click=_open,
                args=(chosen,),
                help=words("searches.open_help"),
            )


def _table(found: Sequence[Run], words: Words) -> Run | None:
    """Draw the list; the run whose row is chosen."""
    rows = [
        {
            words("searches.kind"): words(f"search.{run.kind}"),
            words("runs.model"): gallery.name_of(model_of(run.request)),
            words("runs.data"): name_of_data(run.request.get("data") or ""),
            words("searches.state"): words(f"searches.{run.state.replace('-', '_')}"),
            words("searches.took"): (run.result or {}).get("seconds"),
        }
        for run in found
    ]
    return next(
        iter(pick_rows(found, rows, key="w_searches", highest=180, texts={words("searches.took"): words.seconds})), None
    )


@show_errors.acting
def _new() -> None:
    state.change(search=None)
    state.go_to_explore("search")


@show_errors.acting
def _open(run: Run) -> None:
    measured_under.take_back(run.request)
    state.change(search=run.token)
    state.go_to_explore("search")
