"""Budgets: which cards a selection fits on, the largest batch there, and the least frozen selection that fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from freezecore._estimate.cards import Card, all_cards, margin_bytes
from freezecore._estimate.cost import AnyEstimate, estimate
from freezecore._estimate.peaks import LARGEST, Peaks, under
from freezecore._presets import first_blocks, first_blocks_rules
from freezecore._trace import Trace
from freezecore.mask import Mask
from freezecore.report import bytes_text
from freezecore.sentences import say
from freezecore.tree import LayerTree

HEAD_ONLY = "freeze all; train head"
SLOW_BF16 = say("this card has no native bf16 and emulates it slowly")


@dataclass(frozen=True, slots=True)
class CardFit:
    """Whether a step fits on a card; None where the peak is unknown.

    Attributes:
        card: its name.
        card_bytes: what torch can use of it.
        margin_bytes: what is kept free beside the estimate, in it.
        fits: estimate and margin fit.
        largest_batch: with which they still do; 0 when not even one sample does, 65,536 where that or more do.
        note: what else to know about this card, or an empty text.
    """

    card: str
    card_bytes: int
    margin_bytes: int | None
    fits: bool | None
    largest_batch: int | None
    note: str = ""

    def __str__(self) -> str:
        verdict = {True: "fits", False: "does not fit", None: "unknown whether it fits"}[self.fits]
        return (
            f"{self.card} ({bytes_text(self.card_bytes)}): {verdict}, largest batch {largest_text(self.largest_batch)}"
        )


def largest_text(batch: int | None) -> str:
    """A largest batch in words; of one at the end of what was looked at, that it may be larger still."""
    if batch is None:
        return "unknown"
    return f"at least {batch:,}" if batch >= LARGEST else f"{batch:,}"


@dataclass(frozen=True, slots=True)
class BudgetFit:
    """The least frozen selection within a budget.

    Attributes:
        bytes: the budget.
        rules: what to freeze; empty text is nothing, None when nothing fits.
        peak_bytes: estimated under these rules.
        problem: why nothing fits, a sentence.
    """

    bytes: int
    rules: str | None
    peak_bytes: int | None
    problem: str = ""


def fits(
    trace: Trace,
    mask: Mask,
    *,
    batch_size: int | None = None,
    cards: Sequence[Card] | None = None,
    cost: AnyEstimate | None = None,
) -> tuple[CardFit, ...]:
    """Each card (None is all that are known), with the largest batch that fits on it under this mask.

    `cost` is what `estimate` says of this mask and batch, where that is known already.
    """
    cost = cost or estimate(trace, mask, batch_size=batch_size)
    peaks = None
    if cost.known:
        peaks = Peaks(trace, mask, {batch_size or trace.workload.batch_size: cost.peak_bytes})
    return tuple(_fit(card, trace, cost, peaks) for card in (all_cards() if cards is None else cards))


def fits_on(card: Card, peak_bytes: int | None) -> bool | None:
    """Whether a peak and its margin fit on a card; None where the peak is unknown."""
    return None if peak_bytes is None else peak_bytes + margin_bytes(peak_bytes) <= card.usable_bytes


def least_frozen(trace: Trace, tree: LayerTree, budget_bytes: int, *, batch_size: int | None = None) -> BudgetFit:
    """The fewest first blocks to freeze so that the peak fits; training the head alone is the last resort."""
    count = len(tree.blocks)
    head = Mask.from_names(tree, _head(tree))
    low, high, best = 0, count + 1, None
    while low <= high:  # the deeper the frozen part, the lower the peak
        middle = (low + high) // 2
        mask = first_blocks(tree, middle) if middle <= count else head
        cost = estimate(trace, mask, batch_size=batch_size)
        if not cost.known:
            return BudgetFit(budget_bytes, None, None, trace.problem or say("The peak is not known yet."))
        if cost.peak_bytes <= budget_bytes:
            best, high = (middle, cost.peak_bytes), middle - 1
        else:
            low = middle + 1
    if best:
        depth, peak = best
        return BudgetFit(budget_bytes, first_blocks_rules(tree, depth) if depth <= count else HEAD_ONLY, peak)
    return BudgetFit(budget_bytes, None, None, _too_small(trace, tree, budget_bytes, batch_size))


def _too_small(trace: Trace, tree: LayerTree, budget_bytes: int, batch_size: int | None) -> str:
    cost = estimate(trace, Mask.from_names(tree, _head(tree)), batch_size=batch_size)
    if cost.weights > budget_bytes:
        return say(
            "The weights alone take {weights}. Choose a smaller model, or a larger budget.",
            weights=bytes_text(cost.weights),
        )
    need = bytes_text(cost.required().peak_bytes)
    return say("Training the head alone takes {need}. Choose a smaller batch or input, or a larger budget.", need=need)


def _head(tree: LayerTree) -> list[str]:
    return [tree.parameters[i].name for i in tree.under_each(tree.head)]


def _fit(card: Card, trace: Trace, cost: AnyEstimate, peaks: Peaks | None) -> CardFit:
    note = card.assumed
    if trace.workload.precision.startswith("bf16") and not card.native_bf16:
        note = SLOW_BF16
    if not cost.known or peaks is None:
        return CardFit(card.name, card.usable_bytes, None, None, None, note)
    margin, fit = margin_bytes(cost.peak_bytes), fits_on(card, cost.peak_bytes)
    largest = peaks.largest(under(card.usable_bytes, margin_bytes))
    return CardFit(card.name, card.usable_bytes, margin, fit, largest, note)
