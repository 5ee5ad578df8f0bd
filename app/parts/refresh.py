"""Whether something that the link names is waiting or running, so that the page looks again every second."""

from __future__ import annotations

import json

import streamlit as st

from app import state
from app.parts import show_errors
from freezecore.errors import FreezeError
from freezecore.serving import jobs

WATCHED = "watched"


def is_live() -> bool:
    """Whether the run or the search in the link goes on."""
    link = state.link()
    return any(_goes_on(token) for token in (link.run, link.search) if token)


def _goes_on(token: str) -> bool:
    try:
        return jobs.shared().look(token).live
    except FreezeError:
        return False


def watching(token: str) -> None:
    """Remember that this was seen going on."""
    state.fill(WATCHED, token)


def settle(token: str) -> None:
    """Draw the whole page once when what was seen going on has ended: looking every second ends with it."""
    if state.value(WATCHED) == token:
        state.fill(WATCHED, None)
        st.rerun()


@show_errors.acting
def stop(token: str) -> None:
    """Stop this, if it was started in this visit."""
    jobs.shared().stop(state.control(token))


def expected_s(request: object) -> float | None:
    """Seconds that this will take, by what was measured here; None where nothing like it was."""
    return _expected_s(json.dumps(request.to_json(), sort_keys=True), request)


@st.cache_data(ttl=30, max_entries=200, show_spinner=False)
def _expected_s(asked: str, _request: object) -> float | None:
    """Remembered for a moment: it reads every run that was measured."""
    return jobs.shared().expected_s(_request)
