"""Sweeps and searches that were made on this server, the newest first; one is chosen and opened in Explore."""

from __future__ import annotations

import streamlit as st

from app import gallery, state
from app.parts import telling
from app.parts.search import KINDS
from app.text import Words
from app.tried import name_of_data
from freezecore.serving import jobs
from freezecore.serving.runs import Run

MOST = 50


def searched(words: Words) -> None:
    """The list; nothing at all where there was none."""
    found = [run for kind in KINDS for run in jobs.shared().runs.listed(None, kind, MOST)]
    found = sorted(found, key=lambda run: run.created, reverse=True)[:MOST]
    if not found:
        st.caption(words("searched.none"))
        return
    rows = [
        {
            words("searched.kind"): words(f"search.{run.kind}"),
            words("runs.model"): gallery.name_of(_model(run)),
            words("runs.data"): name_of_data(run.request.get("data") or ""),
            words("searched.state"): words(f"searched.{run.state.replace('-', '_')}"),
            words("searched.took"): words.seconds((run.result or {}).get("seconds")),
        }
        for run in found
    ]
    picked = st.dataframe(
        rows,
        hide_index=True,
        height=min(180, 38 + 35 * len(rows)),
        key="w_searched",
        on_select="rerun",
        selection_mode="single-row",
    )["selection"]["rows"]
    chosen = found[picked[0]] if picked and picked[0] < len(found) else None
    st.button(
        words("runs.open"),
        icon=":material/open_in_new:",
        key="open_search",
        disabled=chosen is None,
        on_click=_open,
        args=(chosen,),
        help=words("searched.open_help"),
    )


def _model(run: Run) -> str:
    return f"{run.request['source']['scheme']}:{run.request['source']['name']}"


@telling.acting
def _open(run: Run) -> None:
    if _model(run) != state.link().model:
        gallery.open_source(_model(run))
    state.change(search=run.token)
    state.go_to_explore("search")
