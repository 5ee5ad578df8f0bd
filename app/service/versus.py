"""Freeze, or LoRA? What each way of training this model costs under this workload, and what it came to where it was
tried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from freezecore import _versus
from freezecore._estimate.at_rank import rank_sources
from freezecore._estimate.budget import fits_on, least_frozen
from freezecore.errors import FreezeError
from freezecore.mask import Mask
from freezecore.spec import FreezeSpec

from ..link import Link
from .pricing import KnownCost, cost_of, known_cost
from .selection import MOST_SELECTIONS, ModelSelection, select, source_of

if TYPE_CHECKING:  # a page without a server has no runs
    from .run_table import RunRow

LEAST, MOST = 1, 256  # ranks that the page offers


@dataclass(frozen=True)
class Way:
    """One way of training.

    Attributes:
        key: of `freezecore._versus.Alternative`.
        link: that makes it the selection.
        mask: None where the model cannot be built so.
        known: what is known of its cost by now.
        fits: on the chosen card; None while that is unknown, or where there is no card.
        tried: the newest run of it in this browser; None where there is none.
    """

    key: str
    link: Link
    mask: Mask | None
    known: KnownCost
    fits: bool | None = None
    tried: RunRow | None = None

    @property
    def peak_bytes(self) -> int | None:
        return getattr(self.known.cost, "peak_bytes", None)

    @property
    def checkpoint_bytes(self) -> int | None:
        return _versus.checkpoint_bytes(self.mask, self.link.precision) if self.mask else None

    @property
    def is_awaited(self) -> bool:
        return self.mask is not None and self.known.is_awaited


def ways(selection: ModelSelection, adapter: str, tried: Sequence[RunRow] = ()) -> list[Way]:
    """This selection and its alternatives; what is not known of their cost is being made from now on.

    Args:
        adapter: set beside a selection that has none.
        tried: runs of this browser that have ended, the newest first.
    """
    found = _versus.alternatives(selection.source, selection.rules, selection.tree, adapter)
    return [_way(one, selection, tried) for one in found]


def _way(one: _versus.Alternative, selection: ModelSelection, tried: Sequence[RunRow]) -> Way:
    link = replace(selection.link, adapter=one.source.adapter, quantize=one.source.quantize, rules=one.rules)
    try:
        chosen = selection if one.key == "this" else select(link)
        known = known_cost(chosen, beside_full=False)
    except FreezeError as error:
        return Way(one.key, link, None, KnownCost(fault=error))
    fits = fits_on(selection.card, known.cost.peak_bytes) if selection.card and known.has_peak else None
    return Way(one.key, link, known.mask or chosen.mask, known, fits, _newest(one, tried))


def _newest(one: _versus.Alternative, tried: Sequence[RunRow]) -> RunRow | None:
    """The newest run of this model, adapter and rules."""
    rules = str(FreezeSpec.parse(one.rules))
    wanted = (str(one.source), one.source.adapter, one.source.quantize, rules)
    for row in tried:
        source = row.request.get("source")
        source = source if isinstance(source, dict) else {}
        if (row.model, source.get("adapter"), source.get("quantize"), row.rules) == wanted:
            return row
    return None


def as_deep_as(limit: int, selection: ModelSelection) -> str | None:
    """The least frozen selection of the model as it is that peaks at so many bytes at most; None where none does.

    Raises:
        FreezeError: its step cannot be priced.
    """
    plain = select(replace(selection.link, adapter=None, quantize=None, rules=None))
    trace, *_ = cost_of(plain)
    return least_frozen(trace, plain.tree, limit, batch_size=plain.link.batch).rules


@lru_cache(maxsize=MOST_SELECTIONS)  # some estimates, which each drawing of the pane would ask for again
def rank_as_large_as(limit: int, lora: Link) -> int:
    """The highest rank of the LoRA of this link whose step peaks at so many bytes at most; 0 where there is none.

    Raises:
        FreezeError: its step cannot be priced, or follows no line in the rank.
    """
    links = {rank: replace(lora, adapter=one.adapter) for rank, one in rank_sources(source_of(lora)).items()}
    chosen = {rank: select(link) for rank, link in links.items()}
    costs = {rank: cost_of(one) for rank, one in chosen.items()}
    traces = {rank: trace for rank, (trace, _, _) in costs.items()}
    peaks = {rank: cost.required().peak_bytes for rank, (_, cost, _) in costs.items()}
    tree = next(iter(chosen.values())).tree
    return _versus.rank_within(limit, lora.rules or "", traces, tree, lora.batch, peaks)
