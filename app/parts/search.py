"""Try many: a sweep, a search within a budget or quick suggestions, run as a probe is, and what they came to."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from functools import lru_cache, partial

import streamlit as st

from freezecore.metrics import METRICS
from freezecore.report import accuracy_text, bytes_text, metric_text, number_text
from freezecore.search.find import FindRequest
from freezecore.search.suggest import WAYS, SuggestRequest
from freezecore.search.sweep import OVER, USUAL, SweepRequest, candidates
from freezecore.serving import jobs
from freezecore.serving.jobs import JobStatus
from freezecore.spec import FreezeSpec
from freezecore.tree import LayerTree

from .. import state
from ..figures import search as figures
from ..service import search_table
from ..service.rule_words import as_code
from ..service.run_table import model_of
from ..service.search_table import SearchRow
from ..service.selection import ModelSelection, select, source_of
from ..text import UNKNOWN, Words
from . import job, show_errors
from .data import WEIGHTLESS, data_below, data_picker, probe_request
from .glossary import with_terms
from .plot import plot
from .table import formatted, pick_rows

KINDS = ("sweep", "find", "suggest")
WIDTHS = {"sweep": [1.8, 1.8, 1.1, 1.2], "find": [1.6, 2.0, 0.9, 1.1, 0.9], "suggest": [2.1, 1.8, 2.0]}
STEPS = {"sweep": 40, "find": 60, "suggest": 60}
OPENINGS = {
    "w_search_over": list(USUAL),
    "w_search_seeds": 1,
    "w_sweep_steps": STEPS["sweep"],
    "w_find_steps": STEPS["find"],
    "w_search_minutes": 3.0,
    "w_search_by": list(WAYS[:1]),
    "w_search_budget": None,
}
CHART_HEIGHT = 280
BY_BLOCK_HEIGHT = 120


def search(words: Words) -> None:
    """The settings, or the search that the link names."""
    job.job_pane("search", words, _settings, _watch, _ended, KINDS)


def _settings(selection: ModelSelection, words: Words) -> None:
    state.keep_values(w_search_kind="sweep", **OPENINGS)
    kind = st.segmented_control(
        words("search.kind"), KINDS, required=True, key="w_search_kind",
        format_func=lambda name: words(f"search.{name}"), label_visibility="collapsed",
    )  # fmt: skip
    with_terms(words(f"search.{kind}_about"), words, "search")
    data, *others = st.columns(WIDTHS[kind], vertical_alignment="bottom")
    with data:
        picked = data_picker(selection, words)
    OPTIONS[kind](*others, words)
    if selection.source.scheme in WEIGHTLESS:
        st.caption(words("search.random"))
    if not data_below(selection, picked, words):
        return
    request = _request(kind, selection)
    count = _runs(selection.tree, request.over) * request.seeds if kind == "sweep" else None
    st.button(
        words("search.start_runs", count=count) if count else words("search.start"),
        type="primary",
        icon=":material/play_arrow:",
        key="search_start",
        width="stretch",
        on_click=_start,
        args=(kind,),
    )
    if kind == "find":
        st.caption(words("search.within", time=words.seconds(60 * request.minutes)))
    elif count:
        st.caption(job.time_text(job.foretold(selection, request, count), words, "search"))
    elif expected := job.expected_s(request):
        st.caption(words("search.expected", time=words.seconds(job.rounded(expected))))


@lru_cache(maxsize=64)
def _runs(tree: LayerTree, over: tuple[str, ...]) -> int:
    """How many selections a sweep tries."""
    return len(candidates(tree, over))


def _over(column, words: Words) -> None:
    column.multiselect(
        words("search.over"), OVER, key="w_search_over", format_func=lambda name: words(f"search.over_{name}")
    )


def _sweep_options(first, second, third, words: Words) -> None:
    _over(first, words)
    second.number_input(words("search.seeds"), 1, 5, None, key="w_search_seeds", help=words("search.seeds_help"))
    third.number_input(words("probe.steps"), 5, 2_000, None, step=10, key="w_sweep_steps")


def _find_options(first, second, third, fourth, words: Words) -> None:
    _over(first, words)
    second.number_input(words("search.minutes"), 0.5, 60.0, None, step=0.5, format="%.1f", key="w_search_minutes")
    _budget(third, words)
    fourth.number_input(words("probe.steps"), 5, 2_000, None, step=10, key="w_find_steps")


def _suggest_options(first, second, words: Words) -> None:
    first.multiselect(words("search.by"), WAYS, key="w_search_by", format_func=lambda name: words(f"search.by_{name}"))
    _budget(second, words)


OPTIONS = {"sweep": _sweep_options, "find": _find_options, "suggest": _suggest_options}


def _budget(column, words: Words) -> None:
    column.number_input(
        words("search.budget"), 0.1, 1_000.0, None, step=1.0, format="%.1f", key="w_search_budget",
        placeholder=words("search.no_budget"),
    )  # fmt: skip


def _request(kind: str, selection: ModelSelection) -> SweepRequest | FindRequest | SuggestRequest:
    """What the widgets ask for; a value that is not on the page takes its default."""
    base = probe_request(selection, FreezeSpec(), steps=state.value(f"w_{kind}_steps") or STEPS[kind])
    gigabytes = state.value("w_search_budget")
    budget = round(gigabytes * 10**9) if gigabytes else None
    over = tuple(state.value("w_search_over") or USUAL)
    if kind == "sweep":
        return SweepRequest(base, over, seeds=state.value("w_search_seeds") or 1)
    if kind == "find":
        return FindRequest(base, state.value("w_search_minutes") or 3.0, budget, over)
    return SuggestRequest(base, tuple(state.value("w_search_by") or WAYS[:1]), budget)


@show_errors.acting
def _start(kind: str) -> None:
    state.change(search=job.start(_request(kind, select(state.link()))))
    st.rerun()


def _watch(token: str, status: JobStatus, words: Words) -> None:
    events = jobs.shared().events(token)
    running_s = time.time() - status.started if status.started else 0.0
    share = search_table.share(status.kind, status.request, events, running_s)
    text = job.queue_text(status, words) or _status(status, events, running_s, words)
    job.progress("search", token, share, text, words)
    _results(status, None, events, words)


def _status(status: JobStatus, events: list[dict], running_s: float, words: Words) -> str:
    """How many runs have ended, how long the rest takes, and what is being measured."""
    done, total = search_table.done_and_total(status.kind, status.request, events)
    text = words("search.done", done=done) if total is None else words("search.done_of", done=done, total=total)
    left = search_table.left_s(status.kind, status.request, events, running_s)
    text += words("probe.left", left=words.seconds(round(left))) if left is not None else ""
    rules = search_table.current_rules(events)
    return f"{text} · {show_errors.plain(rules)}" if rules is not None else text


def _ended(token: str, status: JobStatus, words: Words) -> None:
    """How it ended, and what it came to."""
    result = jobs.shared().result(token)
    if result is not None and result["state"] not in ("done", "stopped"):
        show_errors.show(result.get("message") or words(f"outcome.{result['state']}"), result.get("hint", ""))
    elif result is not None and result["state"] == "stopped":
        st.info(words("search.stopped"))
    elif result is not None:
        st.caption(words("search.took", time=words.seconds(result.get("seconds"))))
    _results(status, result, jobs.shared().events(token), words)


def _results(status: JobStatus, result: dict | None, events: Sequence[dict], words: Words) -> None:
    """What is known: all of it after the end, what has ended so far before."""
    model, source = model_of(status.request), source_of(state.link())
    same_model = model == f"{source.scheme}:{source.name}"
    if not same_model:
        st.info(words("search.other_model", model=show_errors.plain(model)))
    {"sweep": _sweep, "find": _find, "suggest": _suggest}[status.kind](result, events, same_model, words)


def _sweep(result: dict | None, events: Sequence[dict], same_model: bool, words: Words) -> None:
    rows = search_table.rows_of(result, events)
    if not any(row.accuracy is not None for row in rows):
        return
    best = search_table.recommended(rows)
    if best is not None:
        _recommendation(
            best, max(rows, key=lambda r: -math.inf if r.accuracy is None else r.accuracy), same_model, words
        )
    left, right = st.columns(2)
    with left:
        st.markdown(f"**{words('search.by_depth')}**", help=words("search.by_depth_help"))
        plot(figures.by_depth, rows, best, key="by_depth", alt=words("search.by_depth"), height=CHART_HEIGHT)
    with right:
        st.markdown(f"**{words('search.pareto')}**", help=words("search.pareto_help"))
        cost = st.segmented_control(
            words("search.cost"), ["peak_bytes", "step_s"], default="peak_bytes", required=True, key="w_search_cost",
            format_func=lambda name: words(f"search.cost_{name}"), label_visibility="collapsed",
        )  # fmt: skip
        plot(
            figures.against_cost, rows, best, cost or "peak_bytes", key="against_cost", alt=words("search.pareto"),
            height=CHART_HEIGHT - 45,
        )  # fmt: skip
    _rows(rows, same_model, words)


def _recommendation(row: SearchRow, best: SearchRow, same_model: bool, words: Words) -> None:
    accuracy = _of_row(row, words)
    key = "search.recommended" if row is best else "search.recommended_cheap"
    text = words(
        key, rules=as_code(row.told), accuracy=accuracy, peak=bytes_text(row.peak_bytes),
        step=words.seconds(row.step_s), best=_of_row(best, words),
    )  # fmt: skip
    _offer(text, row.rules, "recommended", same_model, words, row.adapter)


def _offer(text: str, rules: str, key: str, same_model: bool, words: Words, adapter: str | None = None) -> None:
    """A sentence with a button beside it that ticks what it speaks of."""
    with st.container(horizontal=True, vertical_alignment="center", border=True, gap="small"):
        st.markdown(text)
        st.button(
            words("search.use"), key=f"use_{key}", icon=":material/check_box:", on_click=_use, args=(rules, adapter),
            disabled=not same_model, type="primary" if key == "recommended" else "secondary",
        )  # fmt: skip


@show_errors.acting
def _use(rules: str, adapter: str | None) -> None:
    state.write_rules(rules, adapter)
    st.rerun()


def _accuracy(accuracy: float | None, spread: float | None, words: Words) -> str:
    if accuracy is None:
        return words("unknown")
    return f"{accuracy:.3f}" if spread is None else f"{accuracy:.3f} ± {spread:.3f}"


def _of_row(row: SearchRow, words: Words) -> str:
    if row.metric is None:
        return _accuracy(row.accuracy, row.spread, words)
    return _score({"metric": row.metric, "metric_after": row.metric_after}, words)


def _metric_of_values(trials: Sequence[dict]) -> str | None:
    """The metric of trials on data with values; None where the data has classes."""
    known = (trial.get("metric") for trial in trials if trial.get("accuracy_after") is None)
    return next((name for name in known if name in METRICS), None)


def _score(one: dict, words: Words) -> str:
    """How good a choice is: its accuracy, or by its metric's name where the data has values."""
    if one.get("accuracy_after") is not None or one.get("metric_after") is None:
        return _accuracy(one.get("accuracy_after"), one.get("noise"), words)
    return f"{words('metric.' + one['metric'])} {metric_text(one['metric'], one['metric_after'])}"


def _rows(rows: Sequence[SearchRow], same_model: bool, words: Words) -> None:
    """All selections as a table; the row that is chosen can be ticked."""
    metric = next((row.metric for row in rows if row.metric), None)
    scored = words(f"metric.{metric}") if metric else words("runs.accuracy")
    table = [
        {
            words("runs.rules"): row.told,
            scored: row.metric_after if metric else row.accuracy,
            words("search.spread"): row.spread,
            words("runs.peak"): row.peak_bytes,
            words("runs.step"): row.step_s,
            words("search.front"): words("search.on_front") if row.front else "",
            words("search.remark"): words.said(row.message),
        }
        for row in rows
    ]
    texts = {
        scored: partial(metric_text, metric),
        words("search.spread"): accuracy_text,
        words("runs.peak"): bytes_text,
        words("runs.step"): words.seconds,
    }
    for row in pick_rows(rows, table, key="w_search_rows", highest=220, texts=texts):
        _offer(words("search.chosen", rules=as_code(row.told)), row.rules, "row", same_model, words, row.adapter)


def _find(result: dict | None, events: Sequence[dict], same_model: bool, words: Words) -> None:
    trials = result.get("trials") if result else None
    if result and result.get("rules") is not None:
        accuracy = _score(result, words)
        text = words(
            "search.found_once" if result["seeds"] == 1 else "search.found",
            rules=_told(result),
            accuracy=accuracy,
            rate=_rate(result["learning_rate"], words),
            peak=bytes_text(result["peak_bytes"]),
            seeds=result["seeds"],
            steps=result["steps"],
        )
        _offer(text, result["rules"], "recommended", same_model, words, result.get("adapter"))
        if second := result.get("runner_up"):
            higher = (second.get("accuracy_after") or 0) > (result.get("accuracy_after") or 0)
            close = "search.runner_up_higher" if higher else "search.runner_up_close"
            text = words(
                close if result["within_noise"] else "search.runner_up", rules=_told(second),
                accuracy=_score(second, words), peak=bytes_text(second["peak_bytes"]), seeds=second["seeds"],
                steps=second["steps"],
            )  # fmt: skip
            _offer(text, second["rules"], "second", same_model, words, second.get("adapter"))
        for sentence in result["left_out"]:
            st.caption(show_errors.said(sentence))
    elif result is None and (best := search_table.best_so_far(events)):
        accuracy = _score(best, words)
        text = words("search.so_far", rules=_told(best), accuracy=accuracy)
        _offer(text, best["rules"], "recommended", same_model, words, best.get("adapter"))
    _trials(trials or [event for event in events if event.get("event") == "trial"], words)


def _rate(rate: float | None, words: Words) -> str:
    return words("unknown") if rate is None else number_text(rate, 2)


def _told(found: dict) -> str:
    """A selection that a search came to, in a line."""
    return as_code(search_table.selection_of(found.get("adapter"), found["rules"]))


def _trials(trials: Sequence[dict], words: Words) -> None:
    if not trials:
        return
    metric = _metric_of_values(trials)
    scored = words(f"metric.{metric}") if metric else words("runs.accuracy")
    rows = [
        {
            words("runs.rules"): search_table.selection_of(trial.get("adapter"), trial["rules"]),
            words("search.factor"): f"×{trial['factor']:g}",
            words("probe.steps"): trial["steps"],
            words("runs.seed"): trial["seed"],
            scored: METRICS[metric].of_mean(trial["score"])
            if metric and trial.get("score") is not None
            else trial.get("accuracy_after"),
        }
        for trial in reversed(trials)
    ]
    st.markdown(f"**{words('search.trials', count=len(rows))}**", help=words("search.trials_help"))
    cells = formatted(rows, {scored: partial(metric_text, metric)})
    st.dataframe(cells, hide_index=True, height=220, key="trials", placeholder=UNKNOWN)


def _suggest(result: dict | None, events: Sequence[dict], same_model: bool, words: Words) -> None:
    if result is None or "suggestions" not in result:
        for i, event in enumerate(e for e in events if e.get("event") == "suggestion"):
            _offer(
                f"{as_code(event['rules'])} {show_errors.said(event['why'])}",
                event["rules"],
                f"early_{i}",
                same_model,
                words,
            )
        return
    for i, one in enumerate(result["suggestions"]):
        why = show_errors.said(one["why"])
        text = f"**{words('search.by_' + one['by'])}** · {as_code(one['rules'])}  \n{why} "
        text += words("search.price", peak=bytes_text(one["peak_bytes"]))
        if one["fits"] is False:
            text += " " + words("search.too_large")
        _offer(text, one["rules"], "recommended" if i == 0 else f"suggestion_{i}", same_model, words)
        if any(score is not None for score in one["scores"]):
            title = words(f"search.score_{one['by']}")
            st.caption(title)
            plot(figures.by_block, one["scores"], key=f"by_block_{i}", alt=title, height=BY_BLOCK_HEIGHT)
    for note in result["notes"]:
        st.caption(show_errors.said(note))
