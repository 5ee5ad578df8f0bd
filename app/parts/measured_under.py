"""What a result was measured under: told where something else is chosen by now, with the way back to it."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime
from zoneinfo import ZoneInfo

import streamlit as st

from freezecore.datasets import BUILT_IN, kind_for
from freezecore.errors import FreezeError
from freezecore.serving import jobs

from .. import state
from ..link import Link
from ..service import belongings, gallery
from ..service.circumstances import asked_of, differences, link_of
from ..service.rule_words import as_code
from ..service.run_table import model_of, name_of_data
from ..service.selection import ModelSelection, select
from ..text import Words
from . import show_errors

ASKED = "asked_by_token"
DATA = "data"  # notes of which data is chosen, by the kind that a model reads


def changed_since(token: str, selection: ModelSelection) -> tuple[str, ...]:
    """What of this run's circumstances is no longer chosen; see `differences`.

    Raises:
        ProbeError: there is no such run.
    """
    return differences(request_of(token), selection, state.notes(DATA).get(kind_for(selection.tree)))


def is_outdated(token: str | None, selection: ModelSelection) -> bool:
    """Whether something else is chosen than this run was measured under; also where there is no such run."""
    try:
        return token is not None and bool(changed_since(token, selection))
    except FreezeError:
        return True


def shared_link() -> Link:
    """The link to give away: without a run or search that belongs to another selection."""
    link = state.link()
    if link.run is None and link.search is None:
        return link
    try:
        selection = select(link)
    except FreezeError:
        return link
    gone = [name for name in ("run", "search") if is_outdated(getattr(link, name), selection)]
    return replace(link, **dict.fromkeys(gone))


def tell(token: str, request: dict, changed: tuple[str, ...], words: Words) -> None:
    """Say what the result below was measured under, and offer to go back to that."""
    asked = asked_of(request)
    size = asked.get("sequence_length") or asked.get("image_size")
    facts = {
        "model": show_errors.plain(gallery.name_of(model_of(request))),
        "rules": None if "base" in request else as_code(str(asked.get("spec"))),
        "data": show_errors.plain(words.either(f"data.{asked.get('data')}", name_of_data(asked.get("data") or ""))),
        "batch": words("measured.batch", batch=asked.get("batch_size")),
        "size": words("measured.size", size=size or words("top.own")),
        "optimizer": words(f"optimizer.{asked.get('optimizer')}"),
    }
    shown = [
        f"**{fact}**" if name in changed else fact
        for name, fact in facts.items()
        if fact and (name in changed or name in ("rules", "data"))
    ]
    with st.container(border=True, key=f"told_{token}"):
        said, back = st.columns([4, 1.4], vertical_alignment="center")
        said.markdown(f":material/history: {words('measured.told', what=' · '.join(shown))}")
        back.button(
            words("measured.back"), icon=":material/undo:", key=f"take_back_{token}", on_click=_back, args=(request,),
            width="stretch",
        )  # fmt: skip


def when(seconds: float | None, words: Words) -> str:
    """When something was measured, by the visitor's clock; empty where that is not known."""
    if not seconds:
        return ""
    return words("measured.when", time=clock_time(seconds))


def clock_time(seconds: float) -> str:
    """A time (seconds since 1970) by the visitor's clock."""
    zone = ZoneInfo(st.context.timezone) if st.context.timezone else None
    return f"{datetime.fromtimestamp(seconds, zone):%Y-%m-%d %H:%M}"


@show_errors.acting
def _back(request: dict) -> None:
    take_back(request)
    st.rerun()


def take_back(request: dict) -> None:
    """Choose again what this was asked under: model, rules, data, batch, input size and optimizer."""
    then = link_of(request, state.link())
    state.open_if_other(then.model)
    state.change(**asdict(then))  # with the run, which another model's opening has dropped
    state.forget_draft()
    notes, kind, data = state.notes(DATA), kind_for(select(state.link()).tree), asked_of(request).get("data")
    notes[kind] = (
        data if data in (*BUILT_IN, *belongings.of(state.owner(), kind)) else None
    )  # another's file stays theirs


def request_of(token: str) -> dict:
    """What was asked for in a run, which never changes.

    Raises:
        ProbeError: there is no such run.
    """
    notes = state.notes(ASKED)
    if token not in notes:
        notes[token] = jobs.shared().status(token).request
    return notes[token]
