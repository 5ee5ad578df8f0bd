"""The first row: which model, under what workload, in which language."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from freezecore.source import MOST_LABELS
from freezecore.workload import CHOICES, LIMITS

from .. import state
from ..link import Link, cards_by_slug
from ..service.own_size import own_size_text
from ..text import Words
from . import show_errors
from .language import language_box
from .model_box import model_box

EMPTY = ("size", "labels")  # may stay empty: then the model has its own
FIXED = ("size", "labels", "precision", "checkpointing")  # of a model that came as a file with its step


def top_row(words: Words) -> None:
    """Draw the row; every change is a new run of the whole page."""
    link = state.link()
    with st.container(key="top"):
        model, batch, size, optimizer, precision, card, more, lang = st.columns(
            [2.5, 1.25, 1.22, 1.75, 1.4, 1.5, 0.95, 1.25], vertical_alignment="bottom"
        )
        with model:
            model_box(link, words)
        _number(batch, "batch", link.batch, words("top.batch"), LIMITS["batch_size"], words)
        _number(size, "size", link.size, words("top.size"), (1, LIMITS["sequence_length"][1]), words)
        _choice(optimizer, "optimizer", words, lambda name: words(f"optimizer.{name}"))
        _choice(precision, "precision", words, lambda name: words(f"precision.{name}"))
        _choice(card, "card", words, _card_name, tuple(cards_by_slug()), words("top.card_help"))
        with more:
            _more(link, words)
        with lang:
            language_box(words)


def _number(column, name: str, value: int | None, label: str, limits: tuple[int, int], words: Words) -> None:
    state.fill(f"w_{name}", value)
    column.number_input(
        label,
        *limits,
        value=None if name in EMPTY else "min",
        step=1,
        key=f"w_{name}",
        placeholder=own_size_text(state.link(), words) if name == "size" else words("top.own"),
        help=words("top.fixed") if _is_fixed(name) else words(f"top.{name}_help"),
        on_change=_changed,
        args=(name,),
        disabled=_is_fixed(name),
    )


def _is_fixed(name: str) -> bool:
    """Whether this was settled when the model's step was written to its file, which holds that one step."""
    return name in FIXED and state.link().model.startswith("file:")


def _card_name(slug: str) -> str:
    card = cards_by_slug().get(slug)
    return card.box_name if card else slug.upper()


def _choice(
    column, name: str, words: Words, shown: Callable[[str], str], choices: Sequence[str] = (), about: str | None = None
) -> None:
    state.fill(f"w_{name}", getattr(state.link(), name))
    column.selectbox(
        words(f"top.{name}"),
        choices or CHOICES[name],
        key=f"w_{name}",
        format_func=shown,
        on_change=_changed,
        args=(name,),
        help=words("top.fixed") if _is_fixed(name) else about,
        disabled=_is_fixed(name),
    )


@show_errors.acting
def _changed(name: str) -> None:
    state.change(**{name: state.value(f"w_{name}")})


def _more(link: Link, words: Words) -> None:
    with st.popover(words("top.more"), width="stretch"):
        _number(st, "labels", link.labels, words("top.labels"), (1, MOST_LABELS), words)
        _number(st, "accumulate", link.accumulate, words("top.accumulate"), LIMITS["accumulate"], words)
        _choice(st, "trainer", words, str, about=words("top.trainer_help"))
        state.fill("w_checkpointing", link.checkpointing)
        st.toggle(
            words("top.checkpointing"),
            key="w_checkpointing",
            on_change=_changed,
            args=("checkpointing",),
            help=words("top.fixed") if _is_fixed("checkpointing") else words("top.checkpointing_help"),
            disabled=_is_fixed("checkpointing"),
        )
