"""What a tick is answered with, in one run of one fragment: numbers, charts, the address bar, and the rules.

The tree's ticks come in by the message that the numbers go out with, so that Streamlit runs nothing else. Only
where something else on the page shows the selection, and is outdated, does a second run draw both.
"""

from __future__ import annotations

from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from .. import state
from ..components.charts.mount import cost_charts
from ..components.tree.mount import TreeChange, tree_ticks
from ..figures.cost_charts import CHANNEL, largest_part, model_part, selection_part
from ..figures.style import palette_of
from ..parts import show_errors
from ..parts.address import link_part
from ..parts.job import shows_other_selection
from ..parts.presets import presets_are_outdated
from ..parts.rules_box import rules_box, rules_part
from ..parts.tree import TREE
from ..service import turns
from ..service.pricing import COMPLETE, KnownCost, known_cost, reference_of, stage_of
from ..service.selection import ModelSelection, select, ticked
from ..text import Words
from .quick_route import question

KEY = "answer"
POLL_S = 0.7
LAST_KNOWN = "last_known"
PANES_WITHOUT_TICKS = ("search",)  # nothing in them follows the ticks


def tick_answer(selection: ModelSelection, rules_place: DeltaGenerator) -> None:
    """Mount numbers and charts, and draw the rules at their place; a tick paints them anew."""
    st.fragment(_answer, key=KEY)(rules_place)
    words, full = state.words(), _known_or_last(selection).full
    reference, palette = reference_of(selection), palette_of(state.theme())
    mounted = model_part(selection.tree, full, reference.points, words, palette, selection.card, reference.part_points)
    cost_charts(mounted, tree=TREE, key=CHANNEL, on_way=_show_what_fits)


def ticks_alone(selection: ModelSelection, words: Words) -> None:
    """The tree's ticks before the rest of the page is there, which the browser asks for when it shows them."""
    about = question(selection.link, words.lang)
    tree_ticks(selection.tree, selection.mask, key=TREE, on_change=_ticked_alone, question=about, goes_on=True)


@show_errors.acting
def _show_what_fits() -> None:
    """Turn to the pane with the changes that would make it fit."""
    state.fill("w_pane", "fit")


def redraw_when_known(stage: int) -> None:
    """Draw the page again when more is known than at this stage; alone, since rules that are being typed would go."""
    if stage < COMPLETE:
        st.fragment(_poll, key="poll", run_every=POLL_S)(stage)


@show_errors.told
def _poll(stage: int) -> None:
    if stage_of(select(state.link())) > stage:
        st.rerun()  # the figures, the tree's prices or the depth curve have come


def _answer(rules_place: DeltaGenerator) -> None:
    with show_errors.telling():
        words = state.words()
        selection = select(state.link())
        known = _known_or_last(selection)
        if known.fault:
            show_errors.show(known.fault.problem, known.fault.hint)
        turns.let_ticks_by()
        costs = selection_part(selection, known, words), largest_part(selection, known, words)
        tree_ticks(
            selection.tree, selection.mask, *costs, link_part(), rules_part(), key=TREE, on_change=_ticked,
            question=question(selection.link, words.lang),
        )  # fmt: skip
        with rules_place:
            rules_box()


def _known_or_last(selection: ModelSelection) -> KnownCost:
    """What the selection costs; where that went wrong, with what was last known of this model."""
    known, last, model = known_cost(selection), state.notes(LAST_KNOWN), selection.tree.fingerprint
    if known.has_peak:
        last.clear()
        last[model] = replace(known, trace=None)
    elif known.fault and model in last:
        return replace(last[model], fault=known.fault)
    return known


@show_errors.acting
def _ticked(change: TreeChange) -> None:
    turns.let_ticks_by()
    selection = _taken(change)
    if selection and (outdated := _outdated(selection)):
        st.rerun([KEY, *outdated])


@show_errors.acting
def _ticked_alone(change: TreeChange) -> None:
    _taken(change)  # the whole page is drawn next


def _taken(change: TreeChange) -> ModelSelection | None:
    """The selection that the ticks make, which the link now holds; None where another model was chosen meanwhile."""
    selection = select(state.link())
    if selection.tree.fingerprint != change.tree:
        return None
    selection = ticked(selection, change.trains)
    state.write_rules(selection.link.rules)
    return selection


def _outdated(selection: ModelSelection) -> list[str]:
    """Fragments that show another selection: the lower pane only where it shows something that follows the ticks."""
    pane, nothing = state.value("w_pane", "probe"), not any(selection.mask.trains)
    same = pane in PANES_WITHOUT_TICKS or (
        pane == "probe" and nothing == state.value("nothing_trained", False) and not shows_other_selection(selection)
    )
    presets = ["presets"] if presets_are_outdated(selection) else []
    return presets if same else [*presets, "pane"]
