"""Freeze, or LoRA? This selection beside full fine-tuning, the head alone, LoRA and QLoRA; each one click away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from freezecore.adapter import Adapter, parse_adapters
from freezecore.errors import FreezeError
from freezecore.rules.grammar import print_selector
from freezecore.serving import jobs

from .. import state
from ..figures.versus import ways_chart
from ..link import Link
from ..service import run_table
from ..service.selection import ModelSelection, select
from ..service.versus import Way, ways
from ..service.versus_table import RANKS, adapter_text, row_texts, same_memory, way_rows
from ..text import UNKNOWN, Words
from . import show_errors
from .glossary import with_terms
from .plot import plot
from .table import formatted

ROW, AXES = 34, 64  # pixels


def versus(words: Words) -> None:
    """The controls of the adapter, the ways as bars and as a table, and what takes the same memory."""
    selection = select(state.link())
    with_terms(words("versus.about"), words, "versus")
    adapter = _adapter(selection, words)
    runs = jobs.shared().runs.listed(state.owner(), "probe")
    tried = [run_table.of_run(run) for run in runs if run.result]
    found = ways(selection, adapter, tried)
    card = selection.card
    height = AXES + ROW * len(found)
    plot(ways_chart, found, card.usable_bytes if card else None, key="ways", alt=words("versus.drawn"), height=height)
    _table(found, words)
    for way in found:
        if fault := way.known.fault:
            show_errors.show(fault.problem, fault.hint)
    _choices(found, words)
    _same_memory(found, selection, words)
    if waiting := sum(way.is_awaited for way in found):
        st.fragment(_look_again, key="ways_awaited", run_every=1.0)(waiting, adapter)


def adapter_line(words: Words) -> None:
    """What was put into the model, and the way back to the model as it is."""
    link = state.link()
    if not (link.adapter or link.quantize):
        return
    key = "versus.inside_quantized" if link.quantize else "versus.inside"
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="line_adapter"):
        st.markdown(words(key, adapter=link.adapter or "–", quantize=link.quantize or ""), width="content")
        plain = replace(link, adapter=None, quantize=None, rules=None)
        st.button(words("versus.remove"), key="no_adapter", on_click=_use_link, args=(plain,))


def _adapter(selection: ModelSelection, words: Words) -> str:
    """The LoRA to set beside the selection, by rank and targets; a selection with adapters changes with them."""
    own = parse_adapters(selection.link.adapter) if selection.link.adapter else ()
    state.keep_values(w_rank=Adapter.r, w_targets="")
    if own:
        state.fill("w_rank", min(RANKS, key=lambda one: abs(one - own[0].r)))
        state.fill("w_targets", " ".join(map(print_selector, own[0].targets)))
    rank, targets = st.columns([3, 4], vertical_alignment="bottom")
    several = len(own) > 1  # each with layers of its own
    rank.select_slider(words("versus.rank"), RANKS, key="w_rank", on_change=_changed, disabled=several)
    targets.text_input(
        words("versus.targets"), key="w_targets", placeholder=words("versus.targets_all"), on_change=_changed,
        help=words("versus.targets_help"), disabled=several,
    )  # fmt: skip
    try:
        return selection.link.adapter or _typed()
    except FreezeError as error:
        show_errors.show(error.problem, error.hint)
        return str(Adapter(r=state.value("w_rank")))


def _typed() -> str:
    return adapter_text(state.value("w_rank"), state.value("w_targets", ""))


@show_errors.acting
def _changed() -> None:
    """A selection that has an adapter takes the new rank and targets itself, and keeps its other options."""
    if adapter := state.link().adapter:
        said = parse_adapters(_typed())[0]
        own = parse_adapters(adapter)[0]
        state.change(adapter=str(replace(own, r=said.r, targets=said.targets)))
        st.rerun()


def _table(found: Sequence[Way], words: Words) -> None:
    rows = formatted(way_rows(found, words), row_texts(words))
    st.dataframe(rows, hide_index=True, key="ways_table", placeholder=UNKNOWN)


def _choices(found: Sequence[Way], words: Words) -> None:
    """Each alternative as a button."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="ways_row"):
        st.markdown(words("versus.choose"), width="content")
        for way in found:
            if way.key != "this" and way.mask:
                st.button(words(f"versus.{way.key}"), key=f"way_{way.key}", on_click=_use, args=(way,))


def _same_memory(found: Sequence[Way], selection: ModelSelection, words: Words) -> None:
    """What takes the same memory; a file takes no adapter."""
    if not any(way.key == "lora" for way in found):
        st.caption(words("versus.file"))
    for key, text, link in same_memory(found, selection, words):
        if link:
            _line(key, text, link, words)
        else:
            st.markdown(text)


def _line(key: str, text: str, link: Link, words: Words) -> None:
    """A sentence, and the button that makes it so."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"line_{key}"):
        st.button(words("fit.use"), key=key, on_click=_use_link, args=(link,))
        st.markdown(text, width="stretch")


def _look_again(waiting: int, adapter: str) -> None:
    """Draw the page again once one more of them is known."""
    if sum(way.is_awaited for way in ways(select(state.link()), adapter)) < waiting:
        st.rerun()


@show_errors.acting
def _use(way: Way) -> None:
    _use_link(way.link)


@show_errors.acting
def _use_link(chosen: Link) -> None:
    state.change(adapter=chosen.adapter, quantize=chosen.quantize, rules=chosen.rules)
    state.forget_draft()
    st.rerun()
