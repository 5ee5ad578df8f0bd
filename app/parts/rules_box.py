"""The selection as text: typed rules tick boxes, and ticks write rules."""

from __future__ import annotations

import streamlit as st

from app import state
from app.components.rule_names import rule_names
from app.parts import show_errors
from app.parts.tree import TREE
from app.service.mended_rules import line_and_column, offers, place_of
from app.service.rule_words import rule_words
from app.service.selection import ModelSelection, select
from app.text import Words
from freezecore._resolve import resolve
from freezecore.errors import RuleError
from freezecore.spec import FreezeSpec
from freezecore.tree import LayerTree

LONGEST_TYPED = 4_000
BOX = "w_rules"


@show_errors.told
def rules_box() -> None:
    """The selection as text, either as it was resolved or as it was typed with what is wrong at its place."""
    words = state.words()
    draft = state.draft()
    selection = None
    if draft is None:
        selection = select(state.link())
    with st.container(key="rules_fault"):  # always there: what is drawn below it keeps its place
        if draft is not None:
            _show_fault(draft, words)
    state.fill(BOX, selection.rules.replace("; ", "\n") if selection else draft)
    st.text_area(
        words("rules.label"),
        key=BOX,
        height=122,
        max_chars=LONGEST_TYPED,
        on_change=_typed,
        help=words("rules.help"),
    )
    st.caption(_hits(selection, words) if selection else words("rules.stays"))
    st.button(
        words("rules.undo"), key="undo_rules", icon=":material/undo:", type="tertiary", on_click=_undo,
        disabled=not state.can_undo(), help=words("rules.undo_help"),
    )  # fmt: skip


def completion(tree: LayerTree, words: Words) -> None:
    """Complete what is typed in the box; called outside the fragment that a tick redraws."""
    rule_names(BOX, TREE, rule_words(tree), {"name": words("rules.names"), "found": words("rules.found")})


def _hits(selection: ModelSelection, words: Words) -> str:
    hits = " · ".join(f"{show_errors.plain(hit.rule)}: {len(hit.positions)}" for hit in selection.mask.hits[:6])
    return words("rules.hits", hits=hits) if hits else words("rules.none")


@show_errors.acting
def _undo() -> None:
    state.undo()
    st.rerun()


def _show_fault(draft: str, words: Words) -> None:
    try:
        tree = select(state.link()).tree
        resolve(FreezeSpec.parse(draft), tree)
    except RuleError as error:
        place, found = "", place_of(error, draft)
        if found:
            line, column = line_and_column(draft, found.start)
            place = words("rules.place", line=line, column=column) + " "
        st.error(place + show_errors.said(error.problem) + "  \n" + show_errors.said(error.hint))
        if mended := offers(error, draft):
            with st.container(horizontal=True, vertical_alignment="center", gap="small", key="mended"):
                st.markdown(words("rules.instead"), width="content")
                for name, text in mended.items():
                    st.button(show_errors.plain(name), key=f"mend_{name}", on_click=_write, args=(text,))


def _typed() -> None:
    _write(state.value(BOX) or "")


@show_errors.acting
def _write(text: str) -> None:
    link = state.link()
    try:
        spec = FreezeSpec.parse(text)
        tree = select(link).tree
        resolve(spec, tree)
    except RuleError:
        state.keep_draft(text)
        return
    state.write_rules(str(spec))
    st.rerun()
