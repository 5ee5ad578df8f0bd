"""Adapters at any rank without a further trace: from what is known at two ranks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from freezecore._estimate.at_rank import RANKS, rank_sources
from freezecore.adapter import parse_adapters
from freezecore.errors import TraceError
from freezecore.source import ModelSource

T = TypeVar("T")


def at_any_rank(source: ModelSource, ask: Callable[[ModelSource], T], derive: Callable[[Mapping[int, T], int], T]) -> T:
    """What `ask` says of a source; of one with an adapter what follows from its answers at two ranks, where it does."""
    rank = parse_adapters(source.adapter)[0].r if source.adapter else RANKS[0]
    if rank in RANKS:
        return ask(source)
    try:
        return derive({known: ask(one) for known, one in rank_sources(source).items()}, rank)
    except TraceError:
        return ask(source)
