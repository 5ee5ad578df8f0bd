"""Mounts the layer tree in Streamlit, and takes what a person ticks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from freezecore.mask import Mask
from freezecore.tree import LayerTree

from ..messages import component, feed
from . import HERE, MODULES, RowMark, RowPrice, annotations_part, ticks_part, tree_data
from .bits import decode

LARGEST_SEQUENCE = 2**53 - 1


@dataclass(frozen=True)
class TreeChange:
    """What a person ticked: one truth value per entry of `tree.parameters`, the number of the change, and in which
    tree, by its fingerprint."""

    trains: tuple[bool, ...]
    sequence: int
    tree: str


def layer_tree(
    tree: LayerTree,
    *,
    strings: Mapping[str, str],
    prices: Mapping[str, RowPrice] | None = None,
    marks: Mapping[str, RowMark] | None = None,
    proved: Sequence[bool] | None = None,
    key: str,
    height: str = "560px",
) -> None:
    """Draw the tree; call it outside fragments, so that a tick moves nothing but itself.

    Args:
        strings: the sentences of `tree_strings`.
        prices, marks: by path of a module or name of a parameter.
        proved: the ticks that the marks hold for, which the browser hides under any others; None for any.
        key: also the channel that `tree_ticks` sends on.
        height: of the rows' window, as CSS writes a length.
    """
    with st.container(gap=None, key=f"{key}-room"):
        component("layer_tree", HERE, MODULES)(data=tree_data(tree, strings, key, height), key=key)
        feed(annotations_part(tree, prices, marks, proved, key=key), key=f"{key}-annotations-feed")


def tree_ticks(
    tree: LayerTree,
    mask: Mask,
    *beside: dict,
    key: str,
    on_change: Callable[[TreeChange], None] | None = None,
    question: Mapping[str, object] | None = None,
    goes_on: bool = False,
) -> TreeChange | None:
    """Give the tree of this key the mask's ticks, and take a person's; call it in the fragment that a tick redraws.

    Args:
        beside: parts of other components that travel with the ticks, as `feed` takes them.
        on_change: called with every change before the fragment runs.
        question, goes_on: see `feed`.

    Returns:
        A change that no callback has taken yet, as where the state was set by hand; else None.
    """

    def on_ticks() -> None:
        change = _new_change(key, tree)
        if change is not None and on_change is not None:
            on_change(change)

    change = _new_change(key, tree)
    part = ticks_part(tree, mask, _last_sequence(key, tree), key=key)
    feed(part, *beside, key=f"{key}-feed", on_ticks=on_ticks, question=question, goes_on=goes_on)
    return change


def _new_change(key: str, tree: LayerTree) -> TreeChange | None:
    """The browser's newest ticks, once; anything that is not one of this tree's states is passed over."""
    state = (st.session_state.get(f"{key}-feed") or {}).get("ticks")
    if not isinstance(state, Mapping) or state.get("tree") != tree.fingerprint:
        return None
    sequence, trains = state.get("sequence"), decode(state.get("bits"), len(tree.parameters))
    if trains is None or type(sequence) is not int or not _last_sequence(key, tree) < sequence <= LARGEST_SEQUENCE:
        return None
    st.session_state[f"{key}-last-change"] = (tree.fingerprint, sequence)
    return TreeChange(trains, sequence, tree.fingerprint)


def _last_sequence(key: str, tree: LayerTree) -> int:
    """Number of the last change taken for this tree; 0 before the first."""
    fingerprint, sequence = st.session_state.get(f"{key}-last-change", ("", 0))
    return sequence if fingerprint == tree.fingerprint else 0
