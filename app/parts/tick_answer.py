"""What a tick is answered with, in one run of one fragment: numbers, charts, the address bar, and the rules.

The tree's ticks come in by the message that the numbers go out with, so that Streamlit runs nothing else. Only
where something else on the page shows the selection, and is behind, does a second run draw both.
"""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import state
from app.components.tree import TreeChange, tree_ticks
from app.parts import show_errors
from app.parts.address import link_part
from app.parts.costs import complete, known_by_now, told
from app.parts.layers import TREE, presets_are_behind, rules_box
from app.server import tick
from app.service import selection as chosen
from app.service.selection import Selection

KEY = "answer"
POLL_S = 0.7
STILL_PANES = ("search",)


def answer(selection: Selection, rules_place: DeltaGenerator) -> None:
    """Paint numbers and charts and draw the rules at their place; again with every tick."""
    st.fragment(_answer, key=KEY)(rules_place)


def awaited(stage: int) -> None:
    """Draw the page again when more is known than at this stage; alone, since rules that are being typed would go."""
    if stage < chosen.COMPLETE:
        st.fragment(_look, key="look", run_every=POLL_S)(stage)


@show_errors.told
def _look(stage: int) -> None:
    if chosen.stage_of(chosen.select(state.link())) > stage:
        st.rerun()  # the figures, the tree's prices or the depth curve have come


def _answer(rules_place: DeltaGenerator) -> None:
    with show_errors.telling():
        words = state.words()
        selection = chosen.select(state.link())
        known = known_by_now(selection)
        charts = told(selection, known, words)
        asked = tick.question(selection.link, words.lang)
        tree_ticks(selection.tree, selection.mask, charts, link_part(), key=TREE, on_change=_ticked, ask=asked)
        with rules_place:
            rules_box()
        complete(selection, known, words)


@show_errors.acting
def _ticked(change: TreeChange) -> None:
    selection = tick.ticked(chosen.select(state.link()), change.trains)
    state.write_rules(selection.link.rules)
    if behind := _behind(selection):
        st.rerun([KEY, *behind])


def _behind(selection: Selection) -> list[str]:
    """Fragments that show another selection: the lower pane only where it shows something that follows the ticks."""
    pane, nothing = state.value("w_pane", "probe"), not any(selection.mask.trains)
    still = pane in STILL_PANES or (pane == "probe" and nothing == state.value("nothing_trained", False))
    presets = ["presets"] if presets_are_behind(selection) else []
    return presets if still else [*presets, "pane"]
