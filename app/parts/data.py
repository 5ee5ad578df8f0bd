"""Which data to try a selection on: built in, or a person's own; the choice is shared by everything that trains."""

from __future__ import annotations

import streamlit as st

from app import state
from app.parts import show_errors
from app.parts.data_look import look_at
from app.service import uploads
from app.service.run_table import name_of_data
from app.service.selection import Selection
from app.text import Words
from freezecore.datasets import BUILT_IN, default_for, kind_for
from freezecore.errors import DataError

NOTES = "data"
OWN = "own"
COLUMNS = ("target", "text", "text_pair", "group", "fold")


def kind_of(selection: Selection) -> str:
    """`text` or `image`: what the model reads."""
    return kind_for(selection.tree)


def data_picker(selection: Selection, words: Words) -> str | None:
    """Draw the list; the name of the data that is picked, None while a file is awaited."""
    kind = kind_of(selection)
    built_in = sorted((data.name for data in BUILT_IN.values() if data.kind == kind), key=default_for(kind).__ne__)
    uploaded = state.notes(NOTES).get(f"{kind}_files", [])
    offered = [*built_in, *uploaded, OWN]
    picked = state.notes(NOTES).get(kind)
    name = picked if picked in offered else offered[0]
    state.fill("w_data", name)
    st.selectbox(
        words("probe.data"),
        offered,
        key="w_data",
        format_func=lambda one: words.either(f"data.{one}", name_of_data(one)),
        on_change=_picked,
        args=(kind,),
    )
    return None if name == OWN else name


@show_errors.acting
def _picked(kind: str) -> None:
    state.notes(NOTES)[kind] = state.value("w_data")


def data_below(selection: Selection, name: str | None, words: Words) -> bool:
    """Below the row of settings: the drop zone, or a look at the data; whether a run may start on it."""
    kind = kind_of(selection)
    if name is None:
        st.file_uploader(
            words(f"own.drop_{kind}"),
            type=[ending[1:] for ending in uploads.TYPES[kind]],
            key="w_own_data",
            on_change=_dropped,
            args=(kind,),
            help=words("own.help", most=uploads.LARGEST_MIB),
            max_upload_size=uploads.LARGEST_MIB,
        )
        return False
    own = name not in BUILT_IN
    if own and kind == "text":
        _columns(words)
    state.fill("w_look", state.notes(NOTES).get(f"look_{own}", own))
    st.toggle(words("own.look"), key="w_look", on_change=_looked, args=(own,))
    if not state.value("w_look"):
        return True
    if kind == "text":
        return look_at(name, fields(selection) | size(selection), selection.source, own, words)
    return look_at(name, fields(selection), None, own, words)


@show_errors.acting
def _looked(own: bool) -> None:
    state.notes(NOTES)[f"look_{own}"] = state.value("w_look")


@show_errors.acting
def _dropped(kind: str) -> None:
    file = state.value("w_own_data")
    if file is None:
        return
    path = uploads.keep(file.getvalue(), file.name, kind)
    notes = state.notes(NOTES)
    notes[f"{kind}_files"] = list(dict.fromkeys([*notes.get(f"{kind}_files", []), path]))
    notes[kind] = path


def _columns(words: Words) -> None:
    """Names of a table's columns, where the usual ones are not used."""
    with st.popover(words("own.columns"), help=words("own.columns_help")):
        for column in COLUMNS:
            state.fill(f"w_column_{column}", state.notes("columns").get(column))
            st.text_input(
                words(f"own.column_{column}"),
                key=f"w_column_{column}",
                placeholder=words("own.column_auto"),
                max_chars=200,
                on_change=_column_named,
                args=(column,),
            )


@show_errors.acting
def _column_named(column: str) -> None:
    state.notes("columns")[column] = (state.value(f"w_column_{column}") or "").strip() or None


def fields(selection: Selection) -> dict:
    """What a probe's request takes from here.

    Raises:
        DataError: a file was to be dropped first.
    """
    kind = kind_of(selection)
    name = state.notes(NOTES).get(kind) or default_for(kind)
    if name == OWN:
        raise DataError("There is no file yet.", "Drop one, or choose built-in data.")
    if name in BUILT_IN:
        return {"data": name}
    named = {column: state.notes("columns").get(column) for column in COLUMNS} if kind == "text" else {}
    return {"data": name, "metric": state.notes("metric").get(name), **{k: v for k, v in named.items() if v}}


def size(selection: Selection) -> dict:
    """The input size that the link asks for, as a probe's request takes it."""
    return {"sequence_length" if kind_of(selection) == "text" else "image_size": selection.link.size}


def about(name: str | None, words: Words) -> str:
    """A sentence on the data."""
    return words(f"data_about.{name}") if name in BUILT_IN else ""
