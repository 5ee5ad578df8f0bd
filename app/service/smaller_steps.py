"""What makes a step that does not fit on a card smaller: the least change of each kind, with what it then takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from freezecore._estimate import estimate
from freezecore._estimate.budget import fits, fits_on, least_frozen
from freezecore._estimate.cards import Card, margin_bytes
from freezecore._estimate.peaks import under
from freezecore._trace import Trace
from freezecore.mask import Mask

from .pricing import cost_of, known_cost
from .selection import ModelSelection, select


@dataclass(frozen=True)
class SmallerStep:
    """One change.

    Attributes:
        kind: `freeze`, `batch`, `precision`, `checkpointing` or `optimizer`.
        fields: of the link that change.
        peak_bytes: of the step after it; None while it is being traced.
        fits: on the card; None while that is not known.
    """

    kind: str
    fields: dict
    peak_bytes: int | None
    fits: bool | None


def smaller_steps(selection: ModelSelection, card: Card) -> list[SmallerStep]:
    """One change of each kind that helps, those that suffice first. What must be traced anew stands below these, each
    in its place from the start: no line moves under a pointer once its figure is there.

    Raises:
        FreezeError: the step itself cannot be priced.
    """
    trace, _, epoch = cost_of(selection)
    mask = selection.phases[epoch]
    at_once = [*_frozen(selection, trace, card), *_batch(selection, trace, mask, card)]
    at_once += _optimizer(selection, trace, mask)
    known, later = (
        [replace(one, fits=fits_on(card, one.peak_bytes)) for one in found]
        for found in (at_once, _traced_anew(selection, card))
    )
    return sorted(known, key=lambda one: (one.fits is not True, one.peak_bytes or 0)) + later


def _frozen(selection: ModelSelection, trace: Trace, card: Card) -> Iterator[SmallerStep]:
    limit = under(card.usable_bytes, margin_bytes)
    least = least_frozen(trace, selection.tree, limit, batch_size=selection.link.batch)
    if least.rules is not None:
        yield SmallerStep("freeze", {"rules": least.rules}, least.peak_bytes, None)


def _batch(selection: ModelSelection, trace: Trace, mask: Mask, card: Card) -> Iterator[SmallerStep]:
    """The largest part of the batch that fits, summed up to the same number of samples a step."""
    batch, times = selection.link.batch, selection.link.accumulate
    summed = trace.under(replace(trace.workload, accumulate=2))  # gradients then stay alive between the parts
    largest = fits(summed, mask, batch_size=batch, cards=(card,))[0].largest_batch
    part = max((size for size in range(1, batch) if batch % size == 0 and size <= (largest or 0)), default=None)
    if part:
        peak = estimate(summed, mask, batch_size=part).required().peak_bytes
        yield SmallerStep("batch", {"batch": part, "accumulate": times * batch // part}, peak, None)


def _optimizer(selection: ModelSelection, trace: Trace, mask: Mask) -> Iterator[SmallerStep]:
    if selection.link.optimizer == "adamw":
        small = trace.under(replace(trace.workload, optimizer="adamw-8bit"))
        cost = estimate(small, mask, batch_size=selection.link.batch)
        if cost.known:
            yield SmallerStep("optimizer", {"optimizer": "adamw-8bit"}, cost.peak_bytes, None)


def _traced_anew(selection: ModelSelection, card: Card) -> Iterator[SmallerStep]:
    """Half precision, as the card computes it, and checkpointing; a model's file holds one traced step and no other."""
    link = selection.link
    if selection.source.scheme == "file":
        return
    if link.precision == "fp32":
        yield from _retraced(selection, "precision", "bf16-autocast" if card.native_bf16 else "fp16-autocast")
    if not link.checkpointing:
        yield from _retraced(selection, "checkpointing", True)


def _retraced(selection: ModelSelection, field: str, value: object) -> Iterator[SmallerStep]:
    """Nothing where such a step cannot be traced, as where a model has no checkpointing."""
    known = known_cost(select(replace(selection.link, **{field: value}), selection.tree))
    if known.fault is None and (known.has_peak or known.is_awaited):
        peak = known.cost.required().peak_bytes if known.cost else None
        yield SmallerStep(field, {field: value}, peak, None)
