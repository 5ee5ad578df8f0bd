"""Take it away: the selection as code for the trainer in use, two targets side by side where asked, or a notebook."""

from __future__ import annotations

import streamlit as st

from freezecore._export import TARGETS
from freezecore._export.notebook import as_script
from freezecore.errors import ExportError

from .. import state
from ..service.code import MIME, NOTEBOOK, code_of, file_name
from ..service.selection import ModelSelection, select
from ..text import Words
from . import show_errors
from .data import own_data
from .glossary import with_terms
from .rules_box import undo

CODE_HEIGHT = 290


def code(words: Words) -> None:
    """The target pickers, the code of one or two of them, and the notebook."""
    selection = select(state.link())
    with_terms(words("export.about"), words, "export")
    first, second, notebook = st.columns([2, 2, 1.6], vertical_alignment="bottom")
    state.keep_values(w_target=selection.link.trainer)
    if TARGETS[state.value("w_target")].trainer not in (None, selection.link.trainer):
        state.fill("w_target", selection.link.trainer)  # changed in the top row, or taken back
    target = first.selectbox(
        words("export.target"), list(TARGETS), key="w_target", format_func=_named(words), on_change=_target_chosen
    )
    beside = second.selectbox(
        words("export.beside"),
        [name for name in TARGETS if name != target],
        index=None,
        key="w_beside",
        format_func=_named(words),
        placeholder=words("export.nothing_beside"),
    )
    with notebook:
        _notebook(selection, words)
    _trainer(selection, words)
    shown = [target] if beside in (None, target) else [target, beside]
    for column, name in zip(st.columns(len(shown)), shown, strict=True):
        with column, show_errors.telling():
            _one(name, selection, words)


@show_errors.acting
def _target_chosen() -> None:
    """Every number on the page is of the loop that the code will run in."""
    trainer = TARGETS[state.value("w_target")].trainer
    if trainer not in (None, state.link().trainer):
        state.change(trainer=trainer)
        st.rerun()


def _trainer(selection: ModelSelection, words: Words) -> None:
    """Whose loop the numbers are of where it is not a plain one, or was just changed, with the way back."""
    changed = state.has_changed("trainer")
    if selection.link.trainer == "pytorch" and not changed:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="priced_for"):
        st.caption(words("export.priced_for", trainer=selection.link.trainer), width="content")
        if changed:
            st.button(words("rules.undo"), key="undo_trainer", icon=":material/undo:", type="tertiary", on_click=undo)


def _named(words: Words):
    return lambda name: words.either(f"target.{name}", name)


def _text(target: str, selection: ModelSelection) -> str:
    """The selection as text for a target, with a link back to this page."""
    return code_of(selection, target, state.base_address(), own_data(selection))


def _one(target: str, selection: ModelSelection, words: Words) -> None:
    """One target's code, with the button that downloads it; the code itself has one that copies it."""
    try:
        text = _text(target, selection)
    except ExportError as error:
        show_errors.show(error.problem, error.hint)
        return
    language = TARGETS[target].language
    st.download_button(
        words("export.download", target=words.either(f"target.{target}", target)),
        text,
        file_name=file_name(selection, target),
        mime=MIME[language],
        key=f"download_{target}",
        icon=":material/download:",
        on_click="ignore",
    )
    if target == NOTEBOOK:
        text, language = as_script(text), "python"
    st.code(text, language=language, height=CODE_HEIGHT)


def _notebook(selection: ModelSelection, words: Words) -> None:
    """A button for the notebook, whatever else is looked at; where there can be none, its help says why."""
    try:
        text, why = _text(NOTEBOOK, selection), words("export.notebook_help")
    except ExportError as error:
        text, why = "", words.said(error.problem)
    st.download_button(
        words("export.notebook"),
        text,
        file_name=file_name(selection, NOTEBOOK),
        mime=MIME["json"],
        key="as_notebook",
        icon=":material/menu_book:",
        on_click="ignore",
        disabled=not text,
        help=why,
        width="stretch",
    )
