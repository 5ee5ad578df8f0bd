"""The layer tree alone on a page, with what Python received beside it: `?tree=bert&lang=ja&annotations=1`."""

import gc
import sys
from pathlib import Path

import streamlit as st

sys.path.insert(0, str(Path(__file__).parent))
import trees

from app.components.tree import RowMark, RowPrice, tree_strings
from app.components.tree.mount import TreeChange, layer_tree, tree_ticks
from freezecore.mask import Mask

st.set_page_config(page_title="Tree", layout="wide")
which = st.query_params.get("tree", "resnet")
lang = st.session_state.get("lang", st.query_params.get("lang", "en"))


@st.cache_resource
def made(name):
    return trees.TREES[name]()


@st.cache_resource
def settled() -> None:
    """Once everything is imported and drawn: leave it out of the collection that follows every run."""
    gc.collect()
    gc.freeze()


tree = made(which)
session = st.session_state
if session.get("of") != which:
    session.of, session.trains, session.changes = which, tuple("fc" in p.name for p in tree.parameters), 0


def take(change: TreeChange) -> None:
    session.trains = change.trains
    session.changes += 1


def write(trains) -> None:
    session.trains = tuple(trains)


def annotations():
    if not st.query_params.get("annotations"):
        return None, None
    first = tree.blocks[0]
    prices = {layer.path: RowPrice("+1.2 GB", "1.2 GB more than the head alone") for layer in tree.layers[1:]}
    marks = {
        first: RowMark("good", "unchanged to the bit"),
        tree.parameters[-1].name: RowMark("bad", "moved while frozen"),
        tree.parameters[0].name: RowMark("note", "slow to train"),
    }
    return prices, marks


left, right = st.columns([3, 2])
with left:
    prices, marks = annotations()
    layer_tree(tree, strings=tree_strings(lang), prices=prices, marks=marks, key="tree")
with right:

    @st.fragment(key="numbers")
    def numbers() -> None:
        if unheard := tree_ticks(tree, Mask(tree, session.trains), key="tree", on_change=take):
            take(unheard)
        names = [p.name for p, trains in zip(tree.parameters, session.trains, strict=True) if trains]
        st.metric("Changes", session.changes)
        st.metric("Trainable tensors", len(names))
        st.code("\n".join(names[:80]), language=None)

    numbers()
    st.button("All", on_click=write, args=([True] * len(tree.parameters),))
    st.button("None", on_click=write, args=([False] * len(tree.parameters),))
    st.button("日本語", on_click=session.__setitem__, args=("lang", "ja"))
settled()
