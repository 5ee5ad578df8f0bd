"""Selections kept by name: saved, listed, taken again and deleted; the same browser finds them on its next visit."""

from __future__ import annotations

import json

import streamlit as st

from .. import state
from ..service import belongings, gallery
from ..service.selection import select
from ..text import Words
from . import show_errors

SORT = "selection"
LONGEST_NAME = 60


def saved_selections(words: Words) -> None:
    """A button that opens the list, with a field above it that saves what is ticked now."""
    with st.popover(words("saved.title"), icon=":material/bookmark:", type="tertiary", key="saved"):
        field, save = st.columns([3, 1.4], vertical_alignment="bottom")
        field.text_input(words("saved.name"), key="w_saved_name", max_chars=LONGEST_NAME)
        save.button(words("saved.save"), key="saved_save", on_click=_save, width="stretch")
        kept = belongings.of(state.owner(), SORT)
        if not kept:
            st.caption(words("saved.none"))
        for place, (name, about) in enumerate(reversed(kept.items())):
            _row(place, name, json.loads(about), words)


def names_of_rules() -> dict[tuple[str, str], str]:
    """The names under which this browser keeps selections, by model and rules."""
    kept = {name: json.loads(about) for name, about in belongings.of(state.owner(), SORT).items()}
    return {(one["model"], one["rules"]): name for name, one in kept.items()}


def _row(place: int, name: str, one: dict, words: Words) -> None:
    line = st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"line_saved_{place}")
    model = "" if one["model"] == state.link().model else f" · {gallery.name_of(one['model'])}"
    line.button(
        show_errors.plain(f"{name}{model}"), key=f"saved_take_{place}", on_click=_take, args=(one,), width="stretch",
        help=show_errors.plain(one["rules"]),
    )  # fmt: skip
    line.button(
        "", icon=":material/delete:", key=f"saved_drop_{place}", on_click=_drop, args=(name,), type="tertiary",
        help=words("saved.drop", name=show_errors.plain(name)),
    )  # fmt: skip


@show_errors.acting
def _save() -> None:
    selection = select(state.link())
    name = (state.value("w_saved_name") or "").strip() or selection.rules[:LONGEST_NAME]
    link = selection.link
    about = {"model": link.model, "task": link.task, "labels": link.labels, "rules": selection.rules}
    belongings.add(state.owner(), SORT, name, json.dumps(about))
    state.fill("w_saved_name", "")


@show_errors.acting
def _take(one: dict) -> None:
    if one["model"] != state.link().model:
        state.open_model(one["model"], one["task"], one["labels"])
    state.write_rules(one["rules"])


@show_errors.acting
def _drop(name: str) -> None:
    belongings.remove(state.owner(), SORT, name)
