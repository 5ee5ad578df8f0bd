"""Runs that were tried, side by side: a table to filter, sort and choose from, and what can be done with a choice."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app import state
from app.parts import show_errors
from app.parts.kaggle import kaggle
from app.parts.run_charts import charts
from app.service import gallery, run_table
from app.service.run_table import Tried
from app.text import Words
from freezecore._export.comparison import read_runs
from freezecore.comparison import duel_of
from freezecore.errors import ProbeError
from freezecore.probe import ProbeResult
from freezecore.serving import jobs

MOST_RUNS = 200
MOST_CURVES = 8
BROUGHT = "brought_runs"


def runs() -> None:
    """The table, its tools, and the charts of the rows that are chosen."""
    words = state.words()
    whose, search, order, bring = st.columns([2.2, 2.4, 1.6, 1.6], vertical_alignment="bottom")
    with whose:
        mine = _whose(words)
    text = search.text_input(
        words("runs.filter"), key="w_filter", placeholder=words("runs.filter_example"), max_chars=200
    )
    by = order.selectbox(
        words("runs.sort"), list(run_table.SORTS), key="w_sort", format_func=lambda name: words(f"runs.by_{name}")
    )
    with bring.popover(words("runs.bring"), icon=":material/upload_file:", width="stretch"):
        _bring(words)
    stored = _stored(state.owner() if mine == "mine" else None)
    if not stored:
        st.info(words("runs.none"), icon=":material/science:")
        return
    shown = run_table.ordered(run_table.filtered(stored, text or "", gallery.name_of), by or "newest")
    if not shown:
        st.info(words("runs.no_match", text=show_errors.plain(text)))
        return
    chosen = _table(shown, words)
    _tools(shown, chosen, words)
    if len(chosen) == 2:
        _duel(chosen, words)
    charts(chosen or shown[:MOST_CURVES], words)


def _whose(words: Words) -> str | None:
    return st.segmented_control(
        words("runs.whose"), ["all", "mine"], default="all", required=True, key="w_whose",
        format_func=lambda name: words(f"runs.{name}"),
    )  # fmt: skip


def _stored(owner: str | None) -> list[Tried]:
    """What was brought in this visit, and the newest runs of the server."""
    brought = [run_table.of_result(result) for result in state.notes(BROUGHT).get("results", ())]
    listed = jobs.shared().runs.listed(owner, "probe", MOST_RUNS)
    return brought + [run_table.of_run(run) for run in listed if run.result]


def _bring(words: Words) -> None:
    st.file_uploader(
        words("runs.bring_label"), type=["json"], key="w_runs_file", on_change=_brought, help=words("runs.bring_help"),
        max_upload_size=10,
    )  # fmt: skip


@show_errors.acting
def _brought() -> None:
    file = state.value("w_runs_file")
    if file is None:
        state.forget_notes(BROUGHT)
        return
    state.notes(BROUGHT)["results"] = read_runs(file.getvalue().decode("utf-8", "replace"))


def _table(shown: Sequence[Tried], words: Words) -> list[Tried]:
    rows = [
        {
            words("runs.model"): gallery.name_of(one.model),
            words("runs.rules"): one.rules.replace("\n", "; "),
            words("runs.data"): one.data or words("runs.from_file"),
            words("runs.weights"): words(f"weights.{one.weights}") if one.weights in ("pretrained", "random") else "",
            words("runs.accuracy"): one.result.get("accuracy_after"),
            words("runs.on_training"): one.result.get("train_accuracy_after"),
            words("runs.trainable"): one.result.get("trainable"),
            words("runs.peak"): _mega(one.result.get("peak_bytes")),
            words("runs.step"): _milli(one.result.get("step_s")),
            words("runs.rate"): one.result.get("learning_rate"),
            words("runs.seed"): one.request.get("seed"),
        }
        for one in shown
    ]
    number, share = st.column_config.NumberColumn, st.column_config.NumberColumn(format="%.3f")
    formats = {
        words("runs.accuracy"): share,
        words("runs.on_training"): share,
        words("runs.trainable"): number(format="compact"),
        words("runs.peak"): number(format="%.0f MB"),
        words("runs.step"): number(format="%.0f ms"),
        words("runs.rate"): number(format="%.2g"),
    }
    picked = st.dataframe(
        rows, hide_index=True, height=min(260, 38 + 35 * len(rows)), key="w_runs", on_select="rerun",
        selection_mode="multi-row", column_config=formats,
    )  # fmt: skip
    return [shown[i] for i in picked["selection"]["rows"] if i < len(shown)]


def _mega(value: int | None) -> float | None:
    return None if value is None else value / 1e6


def _milli(value: float | None) -> float | None:
    return None if value is None else value * 1e3


def _tools(shown: Sequence[Tried], chosen: Sequence[Tried], words: Words) -> None:
    """What can be done with the rows that are chosen, or with all of them."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.download_button(
            words("runs.csv"), run_table.as_csv(chosen or shown), file_name="freeze_runs.csv", mime="text/csv",
            icon=":material/download:", on_click="ignore", key="runs_csv",
        )  # fmt: skip
        kaggle(chosen or shown, words)
        mine = [one for one in chosen if one.token and one.owner == state.owner()]
        st.button(
            words("runs.delete", count=len(mine)) if mine else words("runs.delete_none"), icon=":material/delete:",
            key="delete_runs", disabled=not mine, help=words("runs.delete_help"), on_click=_delete,
            args=([one.token for one in mine],),
        )  # fmt: skip
        st.button(
            words("runs.diff"), icon=":material/difference:", key="diff_runs", disabled=len(chosen) != 2,
            help=words("runs.diff_help"), on_click=_diff, args=([one.rules for one in chosen],),
        )  # fmt: skip
        if len(chosen) == 1:
            st.button(
                words("runs.open"), icon=":material/open_in_new:", key="open_run", on_click=_open, args=(chosen[0],),
                help=words("runs.open_help"),
            )  # fmt: skip
    st.caption(words("runs.chosen", count=len(chosen)) if chosen else words("runs.choose"))


@show_errors.acting
def _delete(tokens: list[str]) -> None:
    gone = [token for token in tokens if jobs.shared().runs.delete(token, state.owner())]
    if state.link().run in gone:
        state.change(run=None)


@show_errors.acting
def _diff(rules: list[str]) -> None:
    state.fill("w_diff_first", rules[0])
    state.fill("w_diff_second", rules[1])


@show_errors.acting
def _open(one: Tried) -> None:
    """Bring a run's model and rules, and its result, into Explore."""
    if one.model != state.link().model:
        gallery.open_source(one.model)
    state.write_rules(one.rules)
    state.change(run=one.token)
    state.go_to_explore("probe")


def _duel(pair: Sequence[Tried], words: Words) -> None:
    """Whether the first of two runs is better than the second by more than noise."""
    results = [_result(one) for one in pair]
    try:
        found = duel_of(*results)
    except ProbeError as error:
        st.caption(show_errors.said(f"{error.problem} {error.hint}"))
        return
    names = [f"`{one.rules.replace('`', '')}`".replace("\n", "; ") for one in pair]
    first, second = reversed(names) if found.better == "b" else names
    wins = round(100 * max(found.wins, 1 - found.wins))
    key = "runs.duel_none" if found.better is None else "runs.duel"
    st.markdown(words(key, first=first, second=second, wins=wins, share=round(100 * found.wins)))


def _result(one: Tried) -> ProbeResult:
    scores = tuple(one.result.get("per_sample") or ())
    return ProbeResult(one.result["state"], one.result["device"], per_sample=scores, request=one.request)
