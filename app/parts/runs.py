"""Runs side by side: a table to filter, sort and choose from, what can be done with a choice, and its charts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from freezecore._export.comparison import export_comparison, read_runs
from freezecore.cache import uploads
from freezecore.comparison import duel_of
from freezecore.datasets import default_for, kind_for
from freezecore.errors import FreezeError, ProbeError
from freezecore.probe import ProbeResult
from freezecore.report import accuracy_text, bytes_text, count_text, metric_text, number_text
from freezecore.serving import jobs

from .. import state
from ..figures import runs as figures
from ..link import DEFAULT_MODEL
from ..service import belongings, gallery, run_table
from ..service.rule_words import as_code, one_line
from ..service.run_table import RunRow
from ..service.selection import select
from ..service.uploads import TYPES
from ..text import Words
from . import measured_under, show_errors
from .glossary import with_terms
from .plot import plot
from .saved import names_of_rules
from .table import pick_rows

MOST_RUNS = 200
MOST_CURVES = 8
MOST_LINES = 40
MOST_IN_NOTEBOOK = 12
CHART_HEIGHT = 300
FROM_FILE = "runs_from_file"
EVERY = ""  # of all data


def runs() -> None:
    """The table, its tools, and the charts of the rows that are chosen."""
    words = state.words()
    stored = _stored()
    with_terms(words("runs.about"), words, "runs")
    *tools, file, gone = st.columns([*([1.6, 1.8, 1.5] if stored else [4.9]), 1.8, 2.1], vertical_alignment="bottom")
    with file.popover(words("runs.file"), icon=":material/upload_file:", width="stretch"):
        _file_uploader(words)
    gone.button(
        words("runs.forget"), icon=":material/delete_forever:", key="forget_all", help=words("runs.forget_help"),
        on_click=_forget, width="stretch",
    )  # fmt: skip
    if not stored:
        tools[0].info(words("runs.none"), icon=":material/science:")
        return
    of, search, order = tools
    text = search.text_input(
        words("runs.filter"), key="w_filter", placeholder=words("runs.filter_example"), max_chars=200
    )
    by = order.selectbox(
        words("runs.sort"), list(run_table.SORTS), key="w_sort", format_func=lambda name: words(f"runs.by_{name}")
    )
    stored = _of_data(stored, of, words)
    shown = run_table.ordered(run_table.filtered(stored, text or ""), by or "newest")
    if not shown:
        st.info(words("runs.no_match", text=show_errors.plain(text)))
        return
    picked = _table(shown, words)
    _tools(shown, picked, words)
    if len(picked) == 2:
        _duel(picked, words)
    _charts(picked or shown[:MOST_CURVES], words)


def _of_data(stored: Sequence[RunRow], column, words: Words) -> list[RunRow]:
    """Those of the data that is picked: at first of what Explore trains on now, where there are any."""
    counts = Counter(_data_of(one, words) for one in stored)
    if state.value("w_runs_data") not in (EVERY, *counts):
        here = _this_data(words)
        state.fill("w_runs_data", here if here in counts else EVERY)
    picked = column.selectbox(
        words("runs.data"), [EVERY, *counts], key="w_runs_data",
        format_func=lambda name: words("runs.every_data", count=len(stored)) if name == EVERY
        else f"{name} ({counts[name]})",
    )  # fmt: skip
    return [one for one in stored if picked == EVERY or _data_of(one, words) == picked]


def _data_of(one: RunRow, words: Words) -> str:
    return one.data or words("runs.from_file")


def _this_data(words: Words) -> str | None:
    """The data of the run in the link, else what a try of the open model would train on; None where none opens."""
    link = state.link()
    try:
        if link.run:
            return run_table.name_of_data(measured_under.request_of(link.run).get("data") or "")
        kind = kind_for(select(link).tree)
    except FreezeError:
        return None
    return run_table.name_of_data(state.notes(measured_under.DATA).get(kind) or default_for(kind))


def _stored() -> list[RunRow]:
    """Those of the file that was dropped in this visit, and the newest runs of this browser and of its open link."""
    from_file = [run_table.of_result(result) for result in state.notes(FROM_FILE).get("results", ())]
    store = jobs.shared().runs
    own = store.listed(state.owner(), "probe", MOST_RUNS)
    held = [store.find(token) for token in state.held() if token not in {run.token for run in own}]
    found = [*(run for run in held if run and run.kind == "probe"), *own]
    rows = from_file + [run_table.of_run(run) for run in found if run.result and run.result.get("steps")]
    names = names_of_rules()
    return [replace(one, saved_as=names.get((one.model, one_line(one.rules)))) for one in rows]


def _file_uploader(words: Words) -> None:
    st.file_uploader(
        words("runs.file_label"), type=["json"], key="w_runs_file", on_change=_file_dropped,
        help=words("runs.file_help"), max_upload_size=10,
    )  # fmt: skip


@show_errors.acting
def _file_dropped() -> None:
    file = state.dropped_file("w_runs_file")
    if file is None:
        state.forget_notes(FROM_FILE)
        return
    state.fill("w_runs_data", EVERY)
    state.notes(FROM_FILE)["results"] = read_runs(file.getvalue().decode("utf-8", "replace"))


def _table(shown: Sequence[RunRow], words: Words) -> list[RunRow]:
    scored = any(one.scored_by != "accuracy" for one in shown)
    rows = [
        {
            words("runs.model"): gallery.name_of(one.model),
            words("runs.rules"): " · ".join(filter(None, (one.saved_as, one.adapter, one_line(one.rules)))),
            words("runs.data"): _data_of(one, words),
            words("runs.weights"): words(f"weights.{one.weights}") if one.weights in ("pretrained", "random") else None,
            words("runs.accuracy"): one.result.get("accuracy_after"),
            words("runs.on_training"): one.result.get("train_accuracy_after"),
            **({words("runs.score"): _score(one, words)} if scored else {}),
            words("runs.trainable"): one.result.get("trainable"),
            words("runs.peak"): one.result.get("peak_bytes"),
            words("runs.step"): one.result.get("step_s"),
            words("runs.rate"): one.result.get("learning_rate"),
            words("runs.seed"): one.request.get("seed"),
        }
        for one in shown
    ]
    texts = {
        words("runs.accuracy"): accuracy_text,
        words("runs.on_training"): accuracy_text,
        words("runs.trainable"): count_text,
        words("runs.peak"): bytes_text,
        words("runs.step"): words.seconds,
        words("runs.rate"): lambda rate: number_text(rate, 2),
        words("runs.seed"): "{:.0f}",
    }
    return pick_rows(shown, rows, key="w_runs", highest=260, several=True, texts=texts)


def _score(one: RunRow, words: Words) -> str | None:
    """How good a run without an accuracy is, by its metric's name."""
    metric, value = one.scored_by, one.result.get("metric_after")
    if metric == "accuracy" or value is None:
        return None
    return f"{words.either('metric.' + metric, metric)} {metric_text(metric, value)}"


def _tools(shown: Sequence[RunRow], picked: Sequence[RunRow], words: Words) -> None:
    """What can be done with the rows that are picked, or with all of them."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.download_button(
            words("runs.csv"), run_table.as_csv(picked or shown), file_name="freeze_runs.csv", mime="text/csv",
            icon=":material/download:", on_click="ignore", key="runs_csv",
        )  # fmt: skip
        _notebook(picked or shown, words)
        mine = [one for one in picked if one.token and one.owner == state.owner()]
        st.button(
            words("runs.delete", count=len(mine)) if mine else words("runs.delete_none"), icon=":material/delete:",
            key="delete_runs", disabled=not mine, help=words("runs.delete_help"), on_click=_delete,
            args=([one.token for one in mine],),
        )  # fmt: skip
        st.button(
            words("runs.diff"), icon=":material/difference:", key="diff_runs", disabled=len(picked) != 2,
            help=words("runs.diff_help"), on_click=_diff, args=([one.rules for one in picked],),
        )  # fmt: skip
        if len(picked) == 1:
            st.button(
                words("runs.open"), icon=":material/open_in_new:", key="open_run", on_click=_open, args=(picked[0],),
                help=words("runs.open_help"),
            )  # fmt: skip
    st.caption(words("runs.chosen", count=len(picked)) if picked else words("runs.choose"))


@show_errors.acting
def _delete(tokens: list[str]) -> None:
    gone = [token for token in tokens if jobs.shared().runs.delete(token, state.owner())]
    if state.link().run in gone:
        state.change(run=None)


@show_errors.acting
def _forget() -> None:
    """Delete all that this browser has started and dropped; what others use too stays theirs."""
    dropped = [name for kind in TYPES for name in belongings.of(state.owner(), kind)]
    belongings.forget(state.owner())
    for name in jobs.shared().runs.forget(state.owner(), dropped):
        uploads.remove(name)
    for name in ("data", FROM_FILE, "held"):
        state.forget_notes(name)
    state.change(run=None, search=None)
    if uploads.NAME.search(state.link().model):
        state.open_model(DEFAULT_MODEL)


@show_errors.acting
def _diff(rules: list[str]) -> None:
    state.fill("w_diff_first", rules[0])
    state.fill("w_diff_second", rules[1])


@show_errors.acting
def _open(one: RunRow) -> None:
    """Bring a run's model and rules, and its result, into Explore."""
    if one.token is None:
        state.open_if_other(one.model)
        state.write_rules(one.rules, one.adapter)
    else:
        measured_under.take_back(one.request)
    state.change(run=one.token)
    state.go_to_explore("probe")


def _duel(pair: Sequence[RunRow], words: Words) -> None:
    """Whether the first of two runs is better than the second by more than noise; nothing where neither was scored."""
    if not any(one.result.get("per_sample") for one in pair):
        return
    results = [_result(one) for one in pair]
    try:
        found = duel_of(*results)
    except ProbeError as error:
        st.caption(words.together(show_errors.said(error.problem), show_errors.said(error.hint)))
        return
    names = [as_code(one.told) for one in pair]
    first, second = reversed(names) if found.better == "b" else names
    wins = round(100 * max(found.wins, 1 - found.wins))
    if found.better is None:
        st.markdown(words("runs.duel_none", first=first, second=second, share=round(100 * found.wins)))
    else:
        st.markdown(words("runs.duel", first=first, second=second, wins=wins))


def _result(one: RunRow) -> ProbeResult:
    scores = tuple(one.result.get("per_sample") or ())
    return ProbeResult(one.result["state"], one.result["device"], per_sample=scores, request=one.request)


def _notebook(shown: Sequence[RunRow], words: Words) -> None:
    """A button that downloads a notebook comparing the runs' selections of the open model; or it says why not."""
    link = state.link()
    rules = list(dict.fromkeys(one.rules for one in shown if one.model == link.model))[:MOST_IN_NOTEBOOK]
    text, why = None, words("kaggle.none")
    if rules:
        try:
            selection = select(link)
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


def _charts(shown: Sequence[RunRow], words: Words) -> None:
    """Losses and accuracy against memory side by side, what trained below."""
    left, right = st.columns(2)
    few = shown[:MOST_CURVES]
    with left:
        title = words("runs.curves")
        st.markdown(f"**{title}**")
        lines = [(one, jobs.shared().events(one.token) if one.token else ()) for one in few]
        plot(figures.loss_curves, lines, key="overlaid", alt=title, height=CHART_HEIGHT)
    with right:
        title = words("runs.pareto")
        st.markdown(f"**{title}**", help=words("runs.pareto_help"))
        plot(figures.accuracy_against_memory, few, key="pareto", alt=title, height=CHART_HEIGHT)
    link, title = state.link(), words("runs.parallel")
    of_link = [i for i, one in enumerate(shown) if (one.model, one.adapter) == (link.model, link.adapter)]
    same_model = [i for i in of_link if shown[i].result.get("accuracy_after") is not None]
    st.markdown(f"**{title}**", help=words("runs.parallel_help"))
    if same_model:
        tree = select(link).tree
        plot(figures.what_trained, shown, same_model[:MOST_LINES], tree, key="parallel", alt=title, height=CHART_HEIGHT)
    else:
        st.caption(words("runs.parallel_none", model=gallery.name_of(link.model)))
