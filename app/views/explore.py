"""Explore: one screen. Left, what trains; right, what that costs, what is wrong with it, a try, and the code."""

from __future__ import annotations

import streamlit as st

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
from ..parts.presets import preset_row
from ..parts.probe import probe
from ..parts.rules_box import rules_text
from ..parts.saved import saved_selections
from ..parts.search import search
from ..parts.timeline import timeline
from ..parts.top_row import top_row
from ..parts.tree import tree
from ..parts.versus import adapter_line, versus
from ..service.pricing import stage_of
from ..service.selection import ModelSelection, select
from ..tick.answer import redraw_when_known, tick_answer

PANES = {
    "probe": probe, "search": search, "findings": findings, "code": code, "import": import_selection, "fit": fit,
    "versus": versus, "timeline": timeline,
}  # fmt: skip


@show_errors.told
def draw_pane() -> None:
    """One of the panes; only the one that is looked at is drawn."""
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
    """The screen."""
    words = state.words()
    state.send_kept_values()
    top_row(words)
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
        left, right = st.columns([5, 7], gap="medium")
        with left, show_errors.telling():
            adapter_line(words)
            preset_row()
            tree(selection, words)
            rules_text(selection, words)
            rules_place = st.container()
            saved_selections(words)
        with right, show_errors.telling():
            tick_answer(selection, rules_place)
            st.fragment(draw_pane, key="pane", run_every=1.0 if is_live() else None)()
        redraw_when_known(stage)
