"""Try many: a sweep, a search within a budget or quick suggestions, run as a probe is and found by its link."""

from __future__ import annotations

import time
from functools import lru_cache

import streamlit as st

from app import state
from app.parts import refresh, show_errors
from app.parts.data import data_below, data_picker, fields, size
from app.parts.search_results import found
from app.service import search_table
from app.service import selection as chosen
from app.service.selection import Selection
from app.text import Words
from freezecore.errors import FreezeError
from freezecore.probe import ProbeRequest
from freezecore.search.find import FindRequest
from freezecore.search.suggest import WAYS, SuggestRequest
from freezecore.search.sweep import OVER, SweepRequest, candidates
from freezecore.serving import jobs
from freezecore.spec import FreezeSpec
from freezecore.tree import LayerTree

KINDS = ("sweep", "find", "suggest")
OPTIMIZERS = ("sgd", "sgd-momentum", "adamw")
STEPS = {"sweep": 40, "find": 60, "suggest": 60}
OPENINGS = {
    "w_search_over": list(OVER),
    "w_search_seeds": 1,
    "w_sweep_steps": STEPS["sweep"],
    "w_find_steps": STEPS["find"],
    "w_search_minutes": 3.0,
    "w_search_by": list(WAYS[:1]),
    "w_search_budget": None,
}
WEIGHTLESS = ("config", "file", "py")


def search(words: Words) -> None:
    """The settings, or the search that the link names."""
    token = state.link().search
    if token is None:
        _settings(chosen.select(state.link()), words)
        return
    try:
        standing = jobs.shared().look(token)
        if standing.kind not in KINDS:
            raise FreezeError(words("search.other"))
    except FreezeError as error:
        show_errors.show(error.problem, error.hint)
        _again(words)
        return
    if standing.live:
        _watch(token, standing, words)
        return
    refresh.settle(token)
    found(standing, jobs.shared().result(token), jobs.shared().events(token), words)
    _again(words)


def _settings(selection: Selection, words: Words) -> None:
    state.lasting(w_search_kind="sweep", **OPENINGS)
    kind = st.segmented_control(
        words("search.kind"), KINDS, required=True, key="w_search_kind",
        format_func=lambda name: words(f"search.{name}"), label_visibility="collapsed",
    )  # fmt: skip
    st.caption(words(f"search.{kind}_about"))
    data, first, second, third = st.columns([1.8, 1.8, 1.1, 1.2], vertical_alignment="bottom")
    with data:
        picked = data_picker(selection, words)
    OPTIONS[kind](first, second, third, words)
    if selection.source.scheme in WEIGHTLESS:
        st.caption(words("search.random"))
    if not data_below(selection, picked, words):
        return
    request = _request(kind, selection)
    expected = refresh.expected_s(request)
    count = _runs(selection.tree, request.over) * request.seeds if kind == "sweep" else None
    st.button(
        words("search.start_runs", count=count) if count else words("search.start"),
        type="primary",
        icon=":material/play_arrow:",
        key="search_start",
        width="stretch",
        on_click=_start,
        args=(kind,),
        help=words("search.expected", time=words.seconds(expected)) if expected else None,
    )


@lru_cache(maxsize=64)
def _runs(tree: LayerTree, over: tuple[str, ...]) -> int:
    """How many selections a sweep tries."""
    return len(candidates(tree, over))


def _sweep_options(first, second, third, words: Words) -> None:
    first.multiselect(
        words("search.over"), OVER, key="w_search_over", format_func=lambda name: words(f"search.over_{name}")
    )
    second.number_input(words("search.seeds"), 1, 5, None, key="w_search_seeds", help=words("search.seeds_help"))
    third.number_input(words("probe.steps"), 5, 2_000, None, step=10, key="w_sweep_steps")


def _find_options(first, second, third, words: Words) -> None:
    first.number_input(words("search.minutes"), 0.5, 60.0, None, step=0.5, format="%.1f", key="w_search_minutes")
    _budget(second, words)
    third.number_input(words("probe.steps"), 5, 2_000, None, step=10, key="w_find_steps")


def _suggest_options(first, second, third, words: Words) -> None:
    first.multiselect(words("search.by"), WAYS, key="w_search_by", format_func=lambda name: words(f"search.by_{name}"))
    _budget(second, words)


OPTIONS = {"sweep": _sweep_options, "find": _find_options, "suggest": _suggest_options}


def _budget(column, words: Words) -> None:
    column.number_input(
        words("search.budget"), 0.1, 1_000.0, None, step=1.0, format="%.1f", key="w_search_budget",
        placeholder=words("search.no_budget"),
    )  # fmt: skip


def _request(kind: str, selection: Selection) -> SweepRequest | FindRequest | SuggestRequest:
    """What the widgets ask for; a value that is not on the page takes its default."""
    link = selection.link
    base = ProbeRequest(
        selection.source.with_(weights="random" if selection.source.scheme in WEIGHTLESS else "pretrained"),
        FreezeSpec(),
        **fields(selection),
        **size(selection),
        steps=state.value(f"w_{kind}_steps") or STEPS[kind],
        batch_size=link.batch,
        optimizer=link.optimizer if link.optimizer in OPTIMIZERS else "adamw",
    )
    gigabytes = state.value("w_search_budget")
    budget = round(gigabytes * 10**9) if gigabytes else None
    if kind == "sweep":
        return SweepRequest(base, tuple(state.value("w_search_over") or OVER), seeds=state.value("w_search_seeds") or 1)
    if kind == "find":
        return FindRequest(base, state.value("w_search_minutes") or 3.0, budget)
    return SuggestRequest(base, tuple(state.value("w_search_by") or WAYS[:1]), budget)


@show_errors.acting
def _start(kind: str) -> None:
    selection = chosen.select(state.link())
    job = jobs.shared().start(_request(kind, selection), state.owner())
    if job.control:
        state.keep_control(job.token, job.control)
    state.change(search=job.token)
    st.rerun()


def _watch(token: str, standing, words: Words) -> None:
    refresh.watching(token)
    seen = jobs.shared().events(token)
    running_s = time.time() - standing.started if standing.started else 0.0
    line, stop = st.columns([5, 1.3], vertical_alignment="bottom")
    with line:
        part = search_table.share(standing.kind, standing.request, seen, running_s)
        st.progress(part, text=_status(standing, seen, running_s, words))
    mine = state.control(token)
    stop.button(
        words("probe.stop"), icon=":material/stop:", key="search_stop", width="stretch", on_click=refresh.stop,
        args=(token,), disabled=mine is None, help=None if mine else words("probe.not_yours"),
    )  # fmt: skip
    found(standing, None, seen, words)


def _status(standing, seen: list[dict], running_s: float, words: Words) -> str:
    if standing.position is not None:
        wait = words("probe.wait", wait=words.seconds(standing.waits_s)) if standing.waits_s else ""
        return words("probe.queued", ahead=standing.position - 1) + wait
    done, total = search_table.done_and_total(standing.kind, standing.request, seen)
    said = words("search.tried", done=done) if total is None else words("search.tried_of", done=done, total=total)
    left = search_table.left_s(standing.kind, standing.request, seen, running_s)
    said += words("probe.left", left=words.seconds(round(left))) if left is not None else ""
    rules = search_table.now_trying(seen)
    return f"{said} · {show_errors.plain(rules)}" if rules is not None else said


def _again(words: Words) -> None:
    st.button(words("search.again"), icon=":material/replay:", key="search_again", on_click=_forget)


@show_errors.acting
def _forget() -> None:
    state.change(search=None)
    st.rerun()
