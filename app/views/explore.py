"""Explore: one screen. Left, what trains; right, what that costs, what is wrong with it, a try, and the code."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from freezecore.errors import FreezeError, RuleError, WorkloadError

from .. import state
from ..parts import show_errors
from ..parts.address import update_address
from ..parts.export import code
from ..parts.findings import findings
from ..parts.fit import fit
from ..parts.import_selection import import_selection
from ..parts.job import is_live
from ..parts.model_box import first_models, not_opened
from ..parts.presets import preset_row, presets_room
from ..parts.probe import probe
from ..parts.rules_box import rules_text
from ..parts.saved import saved_selections
from ..parts.search import search
from ..parts.timeline import timeline
from ..parts.top_row import top_row
from ..parts.tree import tree
from ..parts.versus import adapter_line, versus
from ..service import turns
from ..service.pricing import stage_of
from ..service.selection import ModelSelection, is_known, select
from ..text import Words
from ..tick.answer import redraw_when_known, tick_answer, ticks_alone

PANES = {
    "probe": probe, "search": search, "findings": findings, "code": code, "import": import_selection, "fit": fit,
    "versus": versus, "timeline": timeline,
}  # fmt: skip
REST_S = 1.0


@show_errors.told
def draw_pane() -> None:
    """One of the panes; only the one that is looked at is drawn."""
    turns.let_ticks_by()
    words = state.words()
    state.keep_values(w_pane="probe")
    pane = st.segmented_control(
        words("pane.label"),
        list(PANES),
        required=True,
        key="w_pane",
        format_func=lambda name: words(f"pane.{name}"),
        label_visibility="collapsed",
    )
    PANES[pane or "probe"](words)


def _selected() -> ModelSelection:
    """What the link selects; a link's rules that cannot be used wait in the box to be mended, beside what is wrong,
    and a size that no step has gives way to the model's own."""
    try:
        selection = select(state.link())
        _ = selection.workload
        return selection
    except WorkloadError as error:
        state.change(size=None)
        state.notes(state.STEPS).popitem()  # nobody goes back to a size that no step has
        state.leave_message(error.problem, error.hint)
        st.rerun()
    except RuleError:
        state.keep_draft(state.link().rules)
        state.change(rules=None)
        state.forget_notes(state.STEPS)
        return select(state.link())


def draw() -> None:
    """The screen; to a browser that has just come, its tree before everything else."""
    words = state.words()
    if state.is_first_drawing() and is_known(state.link()):
        _draw_tree_alone(words)
        return
    state.send_kept_values()
    above = st.container()
    with above, turns.turn():
        turns.let_ticks_by()
        top_row(words)
        turns.let_ticks_by()
        first_models(words)
        show_errors.left_behind(words)
    with show_errors.telling():
        try:
            selection = _selected()
        except FreezeError as error:
            update_address()  # as the answer to a tick does where there is a tree
            not_opened(error, words)
            return
        stage = stage_of(selection)
        over, room, under, right = _places()
        with turns.turn():
            with over, show_errors.telling():
                adapter_line(words)
                preset_row()
            turns.let_ticks_by()
            with room, show_errors.telling():
                tree(selection, words)
            turns.let_ticks_by()
            with under, show_errors.telling():
                rules_text(selection, words)
                rules_place = st.container()
                saved_selections(words)
        turns.let_ticks_by()
        with right, show_errors.telling():
            tick_answer(selection, rules_place)
            st.fragment(draw_pane, key="pane", run_every=1.0 if is_live() else None)()
        redraw_when_known(stage)


def _places() -> tuple[DeltaGenerator, ...]:
    """What stands over the tree, the tree, what stands under it, and the other side: the same at every drawing, so
    that the browser keeps the tree that it has."""
    left, right = st.columns([5, 7], gap="medium")
    with left:
        return st.container(), st.container(), st.container(), right


def _draw_tree_alone(words: Words) -> None:
    """The tree with its ticks in its place. The browser takes longer to draw the boxes around it than all else, and
    asks for them once the tree is on the screen."""
    with st.container():
        st.html('<div class="room-above"></div>')
    with show_errors.telling():
        selection = _selected()
        over, room, under, _ = _places()
        with over:
            presets_room(selection.tree, words)
        with room:
            tree(selection, words)
        with under:
            ticks_alone(selection, words)
            st.fragment(_draw_rest, run_every=REST_S)([])


def _draw_rest(calls: list[None]) -> None:
    """Draw the whole page when this is called again: where the browser shows nothing, and so asks for nothing."""
    if calls:
        st.rerun()
    calls.append(None)
