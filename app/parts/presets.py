"""The presets of a model, each one click, the embeddings and first N blocks with a stepper."""

from __future__ import annotations

import html

import streamlit as st

from freezecore._presets import SEED_BLOCKS, Preset, first_blocks_rules
from freezecore.tree import LayerTree

from .. import state
from ..service import preset_row as presets
from ..service.preset_row import shown_preset
from ..service.selection import ModelSelection, select
from ..text import Words
from . import show_errors

DRAWN = "drawn_preset"


@st.fragment(key="presets")
@show_errors.told
def preset_row() -> None:
    """The presets that hit something in this model; the embeddings and first N blocks stand first, with a stepper."""
    words = state.words()
    selection = select(state.link())
    tree = selection.tree
    if tree.blocks:
        _first_blocks(selection, words)
    offered = presets.offered(tree)
    shown = shown_preset(selection)
    state.fill(DRAWN, shown)
    state.fill("w_preset", shown[0])
    st.pills(
        words("preset.label"),
        list(offered),
        key="w_preset",
        format_func=lambda key: _name(key, offered[key], words),
        on_change=_preset_chosen,
        args=({key: preset.rules for key, preset in offered.items()},),
        label_visibility="collapsed",
        wrap=True,
    )


def presets_room(tree: LayerTree, words: Words) -> None:
    """The room that they will take, by their names in it: nobody can press these yet."""
    names = [_name(key, preset, words) for key, preset in presets.offered(tree).items()]
    stepper = '<div class="stepper"></div>' if tree.blocks else ""
    pills = "".join(f"<span>{html.escape(name)}</span>" for name in names)
    st.html(f'<div class="presets-room" aria-hidden="true">{stepper}{pills}</div>')


def _name(key: str, preset: Preset, words: Words) -> str:
    return words.either(f"preset.{key}", words.said(preset.label))


def presets_are_outdated(selection: ModelSelection) -> bool:
    """Whether the presets on the page show another selection's."""
    return state.value(DRAWN) != shown_preset(selection)


def _first_blocks(selection: ModelSelection, words: Words) -> None:
    tree = selection.tree
    count = len(tree.blocks)
    state.fill("w_first_n", shown_preset(selection)[1] or None)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="first_n"):
        embeds = any(tower.embeddings for tower in tree.towers)
        st.markdown(words("preset.first_n") if embeds else words("preset.first_n_stem"), width="content")
        st.number_input(
            words("preset.first_n_label"),
            1,
            count,
            value=None,
            step=1,
            key="w_first_n",
            placeholder="–",
            on_change=_first_blocks_chosen,
            args=(tree,),
            width=136,
            label_visibility="collapsed",
        )
        st.markdown(words("preset.first_n_of", count=count), width="content", help=words("preset.first_n_help"))


@show_errors.acting
def _first_blocks_chosen(tree: LayerTree) -> None:
    state.write_rules(first_blocks_rules(tree, state.value("w_first_n") or SEED_BLOCKS))
    st.rerun()


@show_errors.acting
def _preset_chosen(rules: dict[str, str]) -> None:
    key = state.value("w_preset")
    if key:
        state.write_rules(rules[key])
    st.rerun()
