"""What people ask of many masks at once: the depth curve, and the price of each module."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from freezecore._estimate.cost import AnyEstimate, Estimate, estimate
from freezecore._presets import first_blocks, first_blocks_rules
from freezecore._trace import Trace
from freezecore.mask import Mask
from freezecore.rules.matching import selected
from freezecore.spec import Selector
from freezecore.tree import LayerTree

EVERY_DEPTH, MOST_DEPTHS = 48, 33  # up to so many blocks each depth is a point; of more, so many evenly spaced ones


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Cost when the first blocks are frozen as by `first_blocks`; None where it is unknown.

    Attributes:
        frozen_blocks: how many, counted through all towers.
        rules: the rules that freeze them; empty for none.
        peak_bytes: see `Estimate`.
        flops_backward: see `Estimate`.
    """

    frozen_blocks: int
    rules: str
    peak_bytes: int | None
    flops_backward: int | None


@dataclass(frozen=True, slots=True)
class Price:
    """What training one module adds to training the head alone; None where it is unknown.

    Attributes:
        peak_bytes: bytes added to the peak.
        flops_backward: operations added to the backward pass.
        share_parameters: its share of the model's parameters, 0 to 1.
        share_backward: what it adds, as a share of the backward pass of full fine-tuning.
    """

    peak_bytes: int | None
    flops_backward: int | None
    share_parameters: float
    share_backward: float | None


def depth_curve(
    trace: Trace, tree: LayerTree, *, batch_size: int | None = None, part: str | None = None
) -> tuple[CurvePoint, ...]:
    """Memory and backward work against frozen blocks, from none to all; empty for a model without blocks.

    Of a very deep model not every depth is evaluated: the points say how many blocks they freeze.

    Args:
        part: of a multimodal model, the part whose blocks are counted; all else is as its author left it.

    Raises:
        RuleError: the model has no such part.
    """
    if part is not None:
        selected(Selector("part", part), tree.names)  # tells the parts that there are
    blocks = sum(len(tower.blocks) for tower in tree.towers if part in (None, tower.part))
    if not blocks:
        return ()
    return tuple(_point(trace, tree, count, batch_size, part) for count in (0, *depths(blocks)))


def depths(blocks: int) -> tuple[int, ...]:
    """Numbers of frozen blocks to evaluate, the last of them all blocks."""
    steps = blocks if blocks <= EVERY_DEPTH else MOST_DEPTHS - 1
    return tuple(dict.fromkeys(round(blocks * step / steps) for step in range(1, steps + 1)))


def prices(trace: Trace, tree: LayerTree, paths: Iterable[str], *, batch_size: int | None = None) -> dict[str, Price]:
    """The price of each of these modules or parameters; an empty dictionary where the step is unknown."""
    return _prices(trace, tree, {path: tree.under(path) for path in paths}, batch_size)


def part_prices(trace: Trace, tree: LayerTree, *, batch_size: int | None = None) -> dict[str, Price]:
    """The same of each part of a multimodal model, by its name."""
    return _prices(trace, tree, tree.in_part, batch_size)


def _prices(
    trace: Trace, tree: LayerTree, wanted: Mapping[str, Sequence[int]], batch_size: int | None
) -> dict[str, Price]:
    head = set(tree.under_each(tree.head))
    base, full = _cost(trace, tree, head, batch_size), estimate(trace, Mask.as_author(tree), batch_size=batch_size)
    if not base.known or not full.known:
        return {}
    known: dict[frozenset[int], Price] = {}
    for below in map(frozenset, wanted.values()):
        if below not in known:
            known[below] = _price(tree, below, base, full, _cost(trace, tree, head | below, batch_size))
    return {name: known[frozenset(below)] for name, below in wanted.items()}


def _price(tree: LayerTree, below: frozenset[int], base: Estimate, full: Estimate, cost: AnyEstimate) -> Price:
    share = sum(tree.parameters[i].numel for i in below) / max(1, tree.total)
    if not cost.known:
        return Price(None, None, share, None)
    flops = cost.flops_backward - base.flops_backward
    return Price(cost.peak_bytes - base.peak_bytes, flops, share, flops / max(1, full.flops_backward))


def _cost(trace: Trace, tree: LayerTree, trains: set[int], batch_size: int | None) -> AnyEstimate:
    mask = Mask(tree, tuple(i in trains for i in range(len(tree.parameters))))
    return estimate(trace, mask, batch_size=batch_size)


def _point(trace: Trace, tree: LayerTree, count: int, batch_size: int | None, part: str | None) -> CurvePoint:
    cost = estimate(trace, first_blocks(tree, count, part), batch_size=batch_size)
    rules = first_blocks_rules(tree, count, part)
    if not cost.known:
        return CurvePoint(count, rules, None, None)
    return CurvePoint(count, rules, cost.peak_bytes, cost.flops_backward)
