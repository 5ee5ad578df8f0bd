"""The left side: presets, the tree of layers, and the same selection as text; each edits the other two."""

from __future__ import annotations

from functools import lru_cache

import streamlit as st

from app import state
from app.components.tree import RowPrice, layer_tree, tree_strings
from app.parts import show_errors
from app.parts.proof_marks import proof_marks
from app.service import selection as chosen
from app.service.selection import Selection
from app.text import Words
from freezecore._presets import Preset, preset_first_blocks, presets
from freezecore._resolve import resolve
from freezecore.errors import RuleError
from freezecore.report import share_text
from freezecore.spec import FreezeSpec
from freezecore.tree import LayerTree

LONGEST_TYPED = 4_000
TREE = "layers"
TREE_HEIGHT = "max(280px, 100vh - 620px)"  # the rest of the screen, where there is more than the page needs


@lru_cache(maxsize=32)
def _offered(tree: LayerTree) -> dict[str, Preset]:
    """All presets but the stepper's, which stands before them."""
    return {preset.key: preset for preset in presets(tree) if preset.key != "first-blocks"}


@lru_cache(maxsize=32)
def _preset_of(tree: LayerTree) -> dict[str, str]:
    """Keys of the presets by their rules as they are printed."""
    return {str(FreezeSpec.parse(preset.rules)): key for key, preset in reversed(_offered(tree).items())}


def _shown_preset(selection: Selection) -> tuple[str | None, int | None]:
    """The preset that this selection is, and the stepper's number that it is; None where it is none."""
    return _preset_of(selection.tree).get(selection.rules), _depths(selection.tree).get(selection.rules)


@lru_cache(maxsize=32)
def _depths(tree: LayerTree) -> dict[str, int]:
    """How many first blocks each of the stepper's selections freezes, by its rules."""
    longest = max((len(tower.blocks) for tower in tree.towers), default=0)
    return {str(FreezeSpec.parse(preset_first_blocks(tree, n))): n for n in range(longest + 1)}


@st.fragment(key="presets")
@show_errors.told
def preset_row() -> None:
    """The presets that hit something in this model; the embeddings and first N blocks stand first, with a stepper."""
    words = state.words()
    selection = chosen.select(state.link())
    tree = selection.tree
    if tree.blocks:
        _first_blocks(selection, words)
    offered = _offered(tree)
    shown = _shown_preset(selection)
    state.fill("drawn_preset", shown)
    state.fill("w_preset", shown[0])
    st.pills(
        words("preset.label"),
        list(offered),
        key="w_preset",
        format_func=lambda key: words.either(f"preset.{key}", offered[key].label),
        on_change=_preset_chosen,
        args=({key: preset.rules for key, preset in offered.items()},),
        label_visibility="collapsed",
        wrap=True,
    )


def presets_are_behind(selection: Selection) -> bool:
    """Whether the presets on the page show another selection's."""
    return state.value("drawn_preset") != _shown_preset(selection)


def _first_blocks(selection: Selection, words: Words) -> None:
    tree = selection.tree
    longest = max(len(tower.blocks) for tower in tree.towers)
    shown = _shown_preset(selection)[1]
    shown = state.value("w_first_n") if shown is None else shown
    state.fill("w_first_n", min(3 if shown is None else shown, longest))
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="first_n"):
        embeds = any(tower.embeddings for tower in tree.towers)
        st.markdown(words("preset.first_n") if embeds else words("preset.first_n_stem"), width="content")
        st.number_input(
            words("preset.first_n_label"),
            0,
            longest,
            step=1,
            key="w_first_n",
            on_change=_first_blocks_chosen,
            args=(tree,),
            width=150,
            label_visibility="collapsed",
        )
        st.markdown(words("preset.first_n_of", count=longest), width="content", help=words("preset.first_n_help"))


@show_errors.acting
def _first_blocks_chosen(tree: LayerTree) -> None:
    state.write_rules(preset_first_blocks(tree, state.value("w_first_n") or 0))
    st.rerun()


@show_errors.acting
def _preset_chosen(rules: dict[str, str]) -> None:
    key = state.value("w_preset")
    if key:
        state.write_rules(rules[key])
    st.rerun()


def layers(selection: Selection, words: Words) -> None:
    """The tree; a tick redraws what answers it (`answer.py`) and leaves the tree to itself."""
    layer_tree(
        selection.tree,
        strings=tree_strings(words.lang),
        prices=_prices(selection, words),
        marks=proof_marks(selection, words),
        key=TREE,
        height=TREE_HEIGHT,
    )


def _prices(selection: Selection, words: Words) -> dict[str, RowPrice]:
    """What training a block adds to the backward pass, beside its row; nothing until the step has been followed."""
    shown = {}
    for path, price in chosen.reference_of(selection).prices.items():
        if price.share_backward is not None:
            backward, weights = share_text(price.share_backward, 1), share_text(price.share_parameters, 1)
            title = words("price.why", path=path, weights=weights, backward=backward)
            shown[path] = RowPrice(words("price.short", backward=backward), title, min(1.0, price.share_backward))
    return shown


@show_errors.told
def rules_box() -> None:
    """The selection as text, either as it was resolved or as it was typed with what is wrong at its place."""
    words = state.words()
    draft = state.draft()
    selection = None
    if draft is None:
        selection = chosen.select(state.link())
    state.fill("w_rules", selection.rules.replace("; ", "\n") if selection else draft)
    st.text_area(
        words("rules.label"),
        key="w_rules",
        height=122,
        max_chars=LONGEST_TYPED,
        on_change=_typed,
        help=words("rules.help"),
    )
    if draft is not None:
        _show_fault(draft, words)
    else:
        hits = " · ".join(f"{show_errors.plain(hit.rule)}: {len(hit.positions)}" for hit in selection.mask.hits[:6])
        st.caption(words("rules.hits", hits=hits) if hits else words("rules.none"))


def _show_fault(draft: str, words: Words) -> None:
    try:
        tree = chosen.select(state.link()).tree
        resolve(FreezeSpec.parse(draft), tree)
    except RuleError as error:
        place = ""
        if error.position is not None:
            before = draft[: error.position]
            line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
            place = words("rules.place", line=line, column=column) + " "
        st.error(place + show_errors.said(error.problem) + "  \n" + show_errors.said(error.hint))


@show_errors.acting
def _typed() -> None:
    text = state.value("w_rules") or ""
    link = state.link()
    try:
        spec = FreezeSpec.parse(text)
        tree = chosen.select(link).tree
        resolve(spec, tree)
    except RuleError:
        state.keep_draft(text)
        return
    state.write_rules(str(spec))
    st.rerun()
