"""The layer tree on the page: boxes that train or freeze, painted by the browser, read by Python.

A mount is three messages. The tree itself is large and never changes, so that Streamlit sends it once and refers
to it afterwards; prices and marks, and the ticks, are small messages to the same tree in the browser. The ticks go
both ways: what a person ticks comes back through the message of `tree_ticks` and redraws the fragment it stands in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import streamlit as st

from freezecore.mask import Mask
from freezecore.tree import LayerTree

from ..messages import component, feed, strings
from .bits import decode, encode
from .packed import Rows, pack

HERE = Path(__file__).parent
MODULES = (
    "bits",
    "send",
    "format",
    "model",
    "search",
    "history",
    "rows",
    "list",
    "pointer",
    "keys",
    "toolbar",
    "ticks",
    "navigation",
    "tree",
)
LARGEST_SEQUENCE = 2**53 - 1


@dataclass(frozen=True)
class TreeChange:
    """What a person ticked: one truth value per entry of `tree.parameters`, the number of the change, and in which
    tree, by its fingerprint."""

    trains: tuple[bool, ...]
    sequence: int
    tree: str


@dataclass(frozen=True)
class RowPrice:
    """What training a row costs, in words: a short text for its column, a sentence, and its share of the dearest."""

    text: str
    title: str = ""
    share: float | None = None


@dataclass(frozen=True)
class RowMark:
    """A mark at a row: `good` and `bad` for a proof, `note` for anything else; the text says what it means."""

    kind: Literal["good", "bad", "note"]
    text: str


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
    rows = _packed(tree)
    with st.container(gap=None, key=f"{key}-room"):
        data = {"channel": key, "tree": tree.fingerprint, "words": dict(strings), "height": height, **rows.data}
        component("layer_tree", HERE, MODULES)(data=data, key=key)
        part = {"channel": key, "part": "annotations", "tree": tree.fingerprint, **_annotations(rows, prices, marks)}
        if proved is not None:
            part["proved"] = encode(proved)
        feed(part, key=f"{key}-annotations-feed")


def tree_ticks(
    tree: LayerTree,
    mask: Mask,
    *beside: dict,
    key: str,
    on_change: Callable[[TreeChange], None] | None = None,
    question: Mapping[str, object] | None = None,
) -> TreeChange | None:
    """Give the tree of this key the mask's ticks, and take a person's; call it in the fragment that a tick redraws.

    Args:
        beside: parts of other components that travel with the ticks, as `feed` takes them.
        on_change: called with every change before the fragment runs.
        question: see `feed`.

    Returns:
        A change that no callback has taken yet, as where the state was set by hand; else None.
    """

    def on_ticks() -> None:
        change = _new_change(key, tree)
        if change is not None and on_change is not None:
            on_change(change)

    change = _new_change(key, tree)
    about = {"tree": tree.fingerprint, "bits": encode(mask.trains), "sequence": _last_sequence(key, tree)}
    part = {"channel": key, "part": "ticks", **about}
    feed(part, *beside, key=f"{key}-feed", on_ticks=on_ticks, question=question)
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


def _annotations(rows: Rows, prices: Mapping[str, RowPrice] | None, marks: Mapping[str, RowMark] | None) -> dict:
    """Prices and marks by row number; marks that say the same stand together."""
    at = rows.at()
    grouped: dict[tuple[str, str], list[int]] = {}
    for path, mark in (marks or {}).items():
        if path in at:
            grouped.setdefault((mark.kind, mark.text), []).append(at[path])
    priced = {at[path]: [p.text, p.title, p.share] for path, p in (prices or {}).items() if path in at}
    return {"prices": priced, "marks": [[kind, text, places] for (kind, text), places in grouped.items()]}


@lru_cache(maxsize=64)
def _packed(tree: LayerTree) -> Rows:
    return pack(tree)


def tree_strings(lang: str) -> dict[str, str]:
    """Its own sentences in a language."""
    return strings("tree", lang)
