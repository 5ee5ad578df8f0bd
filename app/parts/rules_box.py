"""The selection as text: typed rules tick boxes, and ticks write rules."""

from __future__ import annotations

import streamlit as st

from freezecore.spec import FreezeSpec

from .. import state
from ..components.rules_editor import editor_strings, text_part
from ..components.rules_editor.mount import rules_editor
from ..service.mended_rules import fault_in, offers, place_of, place_text
from ..service.rule_words import hits_text, rule_words
from ..service.selection import ModelSelection, select
from ..text import Words
from . import show_errors
from .tree import TREE


def rules_text(selection: ModelSelection, words: Words) -> None:
    """The box itself; call it outside fragments. Its text is `rules_part`."""
    follows, strings = rule_words(selection.tree), editor_strings(words.lang)
    rules_editor(follows, strings=strings, tree=TREE, key="w_rules", on_change=_write)


def rules_part() -> dict:
    """What the box shows, to be sent by `feed`: the selection as it was resolved, or what was typed and cannot be."""
    draft = state.draft()
    if draft is None:
        return text_part(select(state.link()).lines)
    error = fault_in(draft, select(state.link()).tree)
    place = place_of(error, draft) if error else None
    return text_part(draft, (place.start, place.end) if place else None)


@show_errors.told
def rules_box() -> None:
    """What belongs to the box: what is wrong with its text, what its rules hit, and the way back."""
    words = state.words()
    draft = state.draft()
    with st.container(key="rules_fault"):  # always there: what is drawn below it keeps its place
        if draft is not None:
            _show_fault(draft, words)
    st.caption(show_errors.plain(hits_text(select(state.link()), words)) if draft is None else words("rules.stays"))
    st.button(
        words("rules.undo"), key="undo_rules", icon=":material/undo:", type="tertiary", on_click=undo,
        disabled=not state.can_undo(), help=words("rules.undo_help"),
    )  # fmt: skip


@show_errors.acting
def undo() -> None:
    """Back to what was chosen before the last change."""
    state.undo()
    st.rerun()


def _show_fault(draft: str, words: Words) -> None:
    error = fault_in(draft, select(state.link()).tree)
    if error is None:  # it can be read by now
        return
    place = place_text(error, draft, words)
    problem = words.together(place, show_errors.said(error.problem))
    st.error(problem + "  \n" + show_errors.said(error.hint))
    if mended := offers(error, draft):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="mended"):
            st.markdown(f":small[{words('rules.instead')}]", width="content")
            for name, text in mended.items():
                st.button(show_errors.plain(name), key=f"mend_{name}", on_click=_write, args=(text,))


@show_errors.acting
def _write(text: str) -> None:
    if fault_in(text, select(state.link()).tree):
        state.keep_draft(text)
        return
    state.write_rules(str(FreezeSpec.parse(text)))
    st.rerun()
