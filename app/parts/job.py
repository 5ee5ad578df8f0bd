"""A job that the page has started, a probe or a search: begun, watched, stopped, and found again by its link."""

from __future__ import annotations

import json
from collections.abc import Callable

import streamlit as st

from freezecore.errors import FreezeError
from freezecore.report import flops_text
from freezecore.serving import jobs
from freezecore.serving.jobs import JobStatus

from .. import state
from ..service import expected
from ..service.pricing import forward_work
from ..service.selection import ModelSelection, select
from ..text import Words
from . import measured_under, show_errors
from .data import own_data

WATCHED = "watched"
STOPPING = "stopping"  # notes of the jobs that were told here to end
PREFIX = {"run": "", "search": "search_"}  # of the keys of each pane's buttons


def job_pane(
    field: str,
    words: Words,
    settings: Callable[[ModelSelection, Words], None],
    watch: Callable[[str, JobStatus, Words], None],
    outcome: Callable[[str, JobStatus, Words], None],
    kinds: tuple[str, ...] = (),
) -> None:
    """The settings of a new job, or the job that the link names, while it goes on or after its end.

    Args:
        field: of the link: `run` or `search`.
        kinds: of jobs that may stand there; empty for any.
    """
    token = getattr(state.link(), field)
    if token is None:
        selection = select(state.link())
        if selection.source.scheme == "file":
            st.info(words("probe.file"), icon=":material/draft:")
        else:
            settings(selection, words)
        return
    try:
        status = jobs.shared().status(token)
        state.hold(token)
        if kinds and status.kind not in kinds:
            raise FreezeError(words("search.other"))
    except FreezeError as error:
        show_errors.show(error.problem, error.hint)
    else:
        if status.live:
            state.fill(WATCHED, token)
        elif state.value(WATCHED) == token:  # its end was waited for: looking every second ends with it
            state.fill(WATCHED, None)
            st.rerun()
        changed = measured_under.changed_since(token, select(state.link()))
        state.fill(f"{field}_outdated", bool(changed))
        if changed:
            measured_under.tell(token, status.request, changed, words)
        with st.container(key=f"{field}_{'outdated' if changed else 'current'}"):
            (watch if status.live else outcome)(token, status, words)
        if status.live:
            return
    again = words("search.again" if field == "search" else "probe.again")
    st.button(again, icon=":material/replay:", key=f"{PREFIX[field]}again", on_click=_leave, args=(field,))


@show_errors.acting
def _leave(field: str) -> None:
    state.change(**{field: None})
    st.rerun()


def start(request: object, again: bool = False) -> str:
    """Start this, or join or find an equal one unless it is to be measured again; its token."""
    job = jobs.shared().start(request, state.owner(), again=again)
    state.hold(job.token)
    return job.token


def control(token: str) -> str | None:
    """What stops this run, if this browser has started it: also after a reload, or in another window."""
    return jobs.shared().control_of(token, state.owner())


def stop(token: str) -> bool:
    """Leave this run; whether that ends it."""
    mine = control(token)
    return mine is not None and jobs.shared().stop(mine)


def progress(field: str, token: str, share: float, text: str, words: Words) -> None:
    """How far it is, from 0 to 1, and a button that stops it."""
    line, beside = st.columns([5, 1.3], vertical_alignment="bottom")
    stopping = token in state.notes(STOPPING)
    line.progress(share, text=words("probe.stopping") if stopping else text)
    mine = control(token)
    beside.button(
        words("probe.stop"), icon=":material/stop:", key=f"{PREFIX[field]}stop", width="stretch", on_click=_stop,
        args=(token,), disabled=stopping or mine is None, help=None if mine else words("probe.not_yours"),
    )  # fmt: skip


@show_errors.acting
def _stop(token: str) -> None:
    if stop(token):
        state.notes(STOPPING)[token] = True


def queue_text(status: JobStatus, words: Words) -> str | None:
    """Its place in the queue; None when it does not wait."""
    if status.position is None:
        return None
    wait = words("probe.wait", wait=words.seconds(rounded(status.waits_s))) if status.waits_s else ""
    ahead = status.position - 1  # of those that wait: one is measured meanwhile
    return (words("probe.queued", ahead=ahead) if ahead else words("probe.queued_next")) + wait


def is_live() -> bool:
    """Whether the run or the search in the link goes on, so that the page looks again every second."""
    link = state.link()
    return any(_goes_on(token) for token in (link.run, link.search) if token)


def shows_other_selection(selection: ModelSelection) -> bool:
    """Whether the result on the page is drawn as belonging to this selection although it does not, or the reverse."""
    token = state.link().run
    return token is not None and measured_under.is_outdated(token, selection) != state.value("run_outdated", False)


def _goes_on(token: str) -> bool:
    try:
        return jobs.shared().status(token).live
    except FreezeError:
        return False


def foretold(selection: ModelSelection, request: object, selections: int = 0) -> float | expected.TimeRange | None:
    """Seconds that this will take by what was measured here, else between which they lie; None where nothing is known.

    Args:
        selections: how many a sweep tries, with each seed; 0 for one probe.
    """
    if seconds := expected_s(request):
        return seconds
    work, probe = forward_work(selection), getattr(request, "base", request)
    if not work:
        return None
    seen = own_data(selection)
    own = (seen.train_size, seen.test_size) if seen else None
    return expected.time_range(work, probe, None if selections else selection.mask, selections or 1, own)


def time_text(found: float | expected.TimeRange | None, words: Words, of: str = "probe") -> str:
    """How long what was foretold takes, and what that rests on; empty where nothing is known.

    Args:
        of: a `probe`, or a `search`, which tries many.
    """
    if not found:
        return ""
    if not isinstance(found, expected.TimeRange):
        return words(f"{of}.expected", time=words.seconds(rounded(found)))
    ends = {"low": words.seconds(rounded(found.low_s)), "high": words.seconds(rounded(found.high_s))}
    return words("probe.between", work=flops_text(found.step_flops), pace=flops_text(round(found.pace)), **ends)


def rounded(seconds: float) -> float:
    """As exact as a guess may look."""
    exact = 60 if seconds >= 300 else 10 if seconds >= 30 else 1 if seconds >= 10 else 0.1
    return exact * round(seconds / exact)


def expected_s(request: object) -> float | None:
    """Seconds that this will take, by what was measured here; None where nothing like it was."""
    return _expected_s(json.dumps(request.to_json(), sort_keys=True), request)


@st.cache_data(ttl=30, max_entries=200, show_spinner=False)
def _expected_s(asked: str, _request: object) -> float | None:
    """Remembered for a moment: it reads every run that was measured."""
    return jobs.shared().expected_s(_request)
