"""Try it: a short real training run under the selection, watched live, stopped, and found again by its link."""

from __future__ import annotations

import streamlit as st

from app import state
from app.figures import colours, curves, layout
from app.parts import refresh, show_errors
from app.parts.data import about, data_below, data_picker, fields, size
from app.parts.probe_result import outcome
from app.service import run_events
from app.service import selection as chosen
from app.service.selection import Selection
from app.text import Words
from freezecore.errors import FreezeError
from freezecore.probe import ProbeRequest
from freezecore.serving import jobs

CURVE_HEIGHT = 210
MOST_STEPS = 2_000
WEIGHTLESS = ("config", "file", "py")


def probe(words: Words) -> None:
    """The settings, or the run that the link names."""
    token = state.link().run
    if token is None:
        _settings(chosen.select(state.link()), words)
        return
    try:
        standing = jobs.shared().look(token)
    except FreezeError as error:
        show_errors.show(error.problem, error.hint)
        _again(words)
        return
    if standing.live:
        _watch(token, standing, words)
        return
    refresh.settle(token)
    outcome(token, words)
    _again(words)


def _settings(selection: Selection, words: Words) -> None:
    state.lasting(w_steps=60, w_rate=None, w_head_rate=None, w_seed=0)
    data, steps, rate, head_rate = st.columns([1.9, 1.4, 1.2, 1.2], vertical_alignment="bottom")
    with data:
        picked = data_picker(selection, words)
    steps.number_input(words("probe.steps"), 1, MOST_STEPS, value=None, step=10, key="w_steps")
    _rate(rate, "rate", words)
    _rate(head_rate, "head_rate", words)
    weights, seed, start = st.columns([1.6, 1.3, 2.8], vertical_alignment="bottom")
    weights.selectbox(
        words("probe.weights"),
        ["random"] if selection.source.scheme in WEIGHTLESS else ["pretrained", "random"],
        key="w_weights",
        format_func=lambda name: words(f"weights.{name}"),
    )
    seed.number_input(words("probe.seed"), 0, 9_999, value=None, key="w_seed")
    below = st.container()
    with below:
        readable = data_below(selection, picked, words)
    nothing = not any(selection.mask.trains)
    state.fill("nothing_trained", nothing)
    start.button(
        words("probe.start"),
        type="primary",
        icon=":material/play_arrow:",
        key="start",
        width="stretch",
        on_click=_start,
        disabled=nothing or not readable,
    )
    if nothing:
        st.warning(words("probe.nothing_trains"))
    elif readable:
        expected = refresh.expected_s(_request(selection))
        took = words("probe.expected", time=words.seconds(round(expected, 1))) if expected else ""
        st.caption(" ".join(filter(None, (about(picked, words), words("probe.promise"), took))))


def _rate(column, name: str, words: Words) -> None:
    column.number_input(
        words(f"probe.{name}"),
        1e-6,
        10.0,
        value=None,
        step=1e-4,
        format="%.5f",
        key=f"w_{name}",
        placeholder=words("probe.auto"),
        help=words("probe.rate_help"),
    )


def _request(selection: Selection) -> ProbeRequest:
    """What the widgets ask for."""
    link = selection.link
    return ProbeRequest(
        selection.source.with_(weights=state.value("w_weights") or "pretrained"),
        selection.spec,
        **fields(selection),
        **size(selection),
        steps=state.value("w_steps") or 60,
        batch_size=link.batch,
        seed=state.value("w_seed") or 0,
        learning_rate=state.value("w_rate"),
        head_learning_rate=state.value("w_head_rate"),
        optimizer=link.optimizer if link.optimizer in ("sgd", "sgd-momentum", "adamw") else "adamw",
    )


@show_errors.acting
def _start() -> None:
    watch(_request(chosen.select(state.link())))
    st.rerun()


def watch(request: ProbeRequest) -> None:
    """Start a run, or join or find an equal one, and put it into the link."""
    job = jobs.shared().start(request, state.owner())
    if job.control:
        state.keep_control(job.token, job.control)
    state.change(run=job.token)


def _watch(token: str, standing, words: Words) -> None:
    refresh.watching(token)
    seen = jobs.shared().events(token)
    losses = run_events.losses(seen)
    total = standing.request.get("steps")
    done = losses[-1]["step"] if losses else 0
    line, stop = st.columns([5, 1.3], vertical_alignment="bottom")
    with line:
        st.progress(_progress(seen, done, total), text=_status(standing, seen, done, total, words))
    mine = state.control(token)
    stop.button(
        words("probe.stop"),
        icon=":material/stop:",
        key="stop",
        width="stretch",
        on_click=refresh.stop,
        args=(token,),
        disabled=mine is None,
        help=None if mine else words("probe.not_yours"),
    )
    figure = curves.learning(losses, run_events.accuracies(seen), total, words, colours.of(state.theme()))
    st.plotly_chart(
        figure, key="learning", height=CURVE_HEIGHT, theme=None, config=layout.CONFIG, alt=words("chart.learning")
    )


def _progress(seen: list[dict], done: int, total: int | None) -> float:
    share = run_events.share(seen)
    return share if share is not None else min(1.0, done / total) if total else 0.0


def _status(standing, seen: list[dict], done: int, total: int | None, words: Words) -> str:
    if standing.position is not None:
        wait = words("probe.wait", wait=words.seconds(standing.waits_s)) if standing.waits_s else ""
        return words("probe.queued", ahead=standing.position - 1) + wait
    phase = run_events.phase(seen)
    if phase == "step":
        return words("probe.running", step=done, steps=total, device=_device(seen)) + _left(seen, done, total, words)
    return words.either(f"phase.{phase}", phase)


def _device(seen: list[dict]) -> str:
    return next((str(event["device"]).partition(",")[0].upper() for event in seen if event.get("device")), "")


def _left(seen: list[dict], done: int, total: int | None, words: Words) -> str:
    durations = [event["step_s"] for event in run_events.losses(seen)[-10:] if event.get("step_s")]
    if not durations or not total:
        return ""
    return words("probe.left", left=words.seconds(round((total - done) * sum(durations) / len(durations), 1)))


def _again(words: Words) -> None:
    st.button(words("probe.again"), icon=":material/replay:", key="again", on_click=_forget)


@show_errors.acting
def _forget() -> None:
    state.change(run=None)
    st.rerun()
