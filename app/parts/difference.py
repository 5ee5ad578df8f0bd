"""Two selections of one model side by side: what one trains and the other freezes, and what that changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from freezecore.errors import FreezeError
from freezecore.report import bytes_text, change_text, count_text, flops_text
from freezecore.tree import LayerTree

from .. import state
from ..service.pricing import cost_of
from ..service.selection import ModelSelection, select
from ..text import Words
from . import show_errors

LONGEST = 4_000
MOST_NAMES = 12


def difference(words: Words) -> None:
    """Two texts, and a table of what they share and what they do not."""
    link = state.link()
    first = select(link)
    for key, opening in (("w_diff_first", first.rules), ("w_diff_second", "train all")):
        if state.value(key) is None:
            state.fill(key, opening)
    left, right = st.columns(2)
    with left:
        one = st.text_area(words("diff.first"), key="w_diff_first", height=90, max_chars=LONGEST)
    with right:
        other = st.text_area(words("diff.second"), key="w_diff_second", height=90, max_chars=LONGEST)
    pair = [select(replace(link, rules=text), first.tree) for text in (one, other)]
    _counts(pair, words)
    _only(pair, words)


def _counts(pair: list[ModelSelection], words: Words) -> None:
    try:
        costs = [cost_of(one)[1] for one in pair]
    except FreezeError as error:
        show_errors.show(error.problem, error.hint)
        costs = [None, None]
    rows = [[words("diff.trainable"), *(count_text(one.mask.trainable) for one in pair)]]
    rows[0].append(change_text(pair[0].mask.trainable, pair[1].mask.trainable))
    if all(costs):
        peaks, works = ([getattr(cost, name, None) for cost in costs] for name in ("peak_bytes", "flops_backward"))
        rows.append([words("cost.peak"), *map(bytes_text, peaks), change_text(peaks[0], peaks[1])])
        rows.append([words("cost.backward"), *map(flops_text, works), change_text(works[0], works[1])])
    names = [words("diff.what"), words("diff.first"), words("diff.second"), words("diff.change")]
    st.table([dict(zip(names, row, strict=True)) for row in rows])


def _only(pair: list[ModelSelection], words: Words) -> None:
    tree = pair[0].tree
    for mine, theirs, key in ((pair[0], pair[1], "first"), (pair[1], pair[0], "second")):
        pairs = zip(mine.mask.trains, theirs.mask.trains, strict=True)
        only = tuple(a and not b for a, b in pairs)
        title = words(f"diff.only_{key}")
        if not any(only):
            st.caption(f"{title}: {words('diff.nothing')}")
            continue
        names = cover(tree, only)
        shown = ", ".join(show_errors.plain(name) for name in names[:MOST_NAMES]) + (
            " …" if len(names) > MOST_NAMES else ""
        )
        st.markdown(f"**{title}** ({sum(only)}): {shown}")


def cover(tree: LayerTree, wanted: Sequence[bool]) -> tuple[str, ...]:
    """The fewest paths that hold exactly these parameters: whole modules where all of one is wanted, else names."""
    found, left = [], {i for i, is_wanted in enumerate(wanted) if is_wanted}
    for layer in tree.layers:
        below = tree.under(layer.path)
        if layer.path and below and left.issuperset(below):
            found.append(layer.path)
            left.difference_update(below)
    return (*found, *(tree.parameters[i].name for i in sorted(left)))
