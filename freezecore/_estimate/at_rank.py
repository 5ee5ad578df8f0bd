"""A training step, and a tree, with adapters of any rank, from the same at two ranks: without a model or a trace.

A rank changes sizes alone: of an adapter's matrices, of what passes between them, of what the optimizer keeps.
Sizes and operations are affine in it as they are in the batch, so two steps that run the same operations give every
other, to the byte. What they cannot give is refused, and then the step is followed at that rank itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, TypeVar

from freezecore._estimate.segments import TraceSegment, segments
from freezecore._estimate.trace_at_batch import kept
from freezecore._trace import Amount, BackwardResult, Operation, SavedTensors, Scratch, Trace, TracedCall
from freezecore.adapter import MOST_RANK, at_rank
from freezecore.errors import TraceError
from freezecore.source import ModelSource
from freezecore.tree import LayerTree

RANKS = (8, 24)
T = TypeVar("T")


def rank_sources(source: ModelSource) -> dict[int, ModelSource]:
    """By rank, the two sources whose steps and trees give those of this source with its first adapter at any rank."""
    return {rank: with_rank(source, rank) for rank in RANKS}


def with_rank(source: ModelSource, rank: int) -> ModelSource:
    """The source with its first adapter at another rank.

    Raises:
        SourceError: it is no rank.
    """
    return ModelSource.parse(
        str(source),
        weights=source.weights,
        **source.options | {"adapter": at_rank(source.adapter or "", rank)},
    )


def trace_at_rank(steps: Mapping[int, Trace], rank: int) -> Trace:
    """The step at this rank from the same step at two others; combinations that both were measured with are known.

    Raises:
        TraceError: the two do not run the same operations, so that nothing follows for another rank.
    """
    low, high = (steps[rank] for rank in sorted(steps))
    known = vars(low).get("_lines")
    if known is None or known.two is not high:
        known = vars(low)["_lines"] = _Lines(steps)
    return known.at(rank)


def tree_at_rank(trees: Mapping[int, LayerTree], rank: int) -> LayerTree:
    """The tree at this rank from the same tree at two others.

    Raises:
        TraceError: they are not of one model.
    """
    line = _Line(trees, rank)
    one, two = line.both
    _same([p.names for p in one.parameters], [p.names for p in two.parameters])
    _same([layer.path for layer in one.layers], [layer.path for layer in two.layers])
    parameters = (
        replace(p, shape=line.each(p.shape, q.shape)) if p.shape != q.shape else p
        for p, q in zip(one.parameters, two.parameters, strict=True)
    )
    layers = (
        replace(
            a,
            parameters=line(a.parameters, b.parameters),
            own_parameters=line(a.own_parameters, b.own_parameters),
        )
        if a.parameters != b.parameters
        else a
        for a, b in zip(one.layers, two.layers, strict=True)
    )
    return replace(one, parameters=tuple(parameters), layers=tuple(layers))


class _Line:
    """What a number is at a rank, from what it is at two others."""

    def __init__(self, known: Mapping[int, T], rank: int) -> None:
        (self.low, one), (self.high, two) = sorted(known.items())
        self.both: tuple[Any, Any] = one, two
        self.rank = rank

    def __call__(self, one: int, two: int) -> int:
        more, rest = divmod((two - one) * (self.rank - self.low), self.high - self.low)
        if rest or one + more < 0:
            raise _unlike()
        return one + more

    def each(self, one: Iterable[int], two: Iterable[int]) -> tuple[int, ...]:
        one, two = tuple(one), tuple(two)
        _same(len(one), len(two))
        return tuple(map(self, one, two))


class _Lines:
    """What a step is at every rank: its amounts at two ranks, side by side, and all else once."""

    def __init__(self, steps: Mapping[int, Trace]) -> None:
        (self.low, one), (self.high, two) = sorted(steps.items())
        self.one, self.two = one, two
        self.rows: dict[tuple[int, int], int] = {}
        self.table: list[tuple[Amount, Amount]] = []
        self.operations: dict[tuple[int, int], int] = {}
        for name in ("layers", "storage", "loss", "regions", "asking", "lasting", "batch_sizes", "problem"):
            _same(getattr(one, name), getattr(two, name))
        _same([sorted(each) for each in one.ends], [sorted(each) for each in two.ends])
        _same([p.name for p in one.parameters], [p.name for p in two.parameters])
        _same(len(one.steps), len(two.steps))
        taken = tuple(map(self._step, one.steps, two.steps))
        columns: dict[str, Any] = {
            name: self._amounts(getattr(one, name), getattr(two, name)) for name in ("nbytes", "sizes", "batch")
        }
        operations = tuple(self._operation(one.operations[a], two.operations[b]) for a, b in self.operations)
        self.step = replace(one, steps=taken, operations=operations, **columns)
        self.segments = _alike(segments(one), segments(two))

    def at(self, rank: int) -> Trace:
        """The step at a rank."""
        one, two, line = self.one, self.two, _Line({self.low: self.one, self.high: self.two}, rank)
        parameters = tuple(
            p._replace(numel=line(p.numel, q.numel), shape=line.each(p.shape, q.shape)) if p != q else p
            for p, q in zip(one.parameters, two.parameters, strict=True)
        )
        amounts = tuple(a if a == b else Amount(*line.each(a, b)) for a, b in self.table)
        buffers = line.each(one.buffers, two.buffers)
        found = replace(self.step, parameters=parameters, buffers=buffers, amounts=amounts)
        if self.segments:
            kept(found, "_segments", lambda: self.segments)
        return found

    def _amount(self, a: int, b: int) -> int:
        if (a, b) not in self.rows:
            self.rows[a, b] = len(self.table)
            self.table.append((self.one.amounts[a], self.two.amounts[b]))
        return self.rows[a, b]

    def _amounts(self, a: Iterable[int], b: Iterable[int]) -> tuple[int, ...]:
        a, b = tuple(a), tuple(b)
        _same(len(a), len(b))
        return tuple(map(self._amount, a, b))

    def _step(self, a: Any, b: Any) -> Any:
        if not isinstance(a, TracedCall) or not isinstance(b, TracedCall):
            _same(a, b)
            return a
        _same(a[1:], b[1:])
        number = self.operations.setdefault((a.operation, b.operation), len(self.operations))
        return TracedCall(number, *a[1:])

    def _operation(self, a: Operation, b: Operation) -> Operation:
        _same(a.name, b.name)
        return Operation(
            a.name,
            self._amount(a.flops, b.flops),
            {needs: self._saved(a.saved[needs], b.saved[needs]) for needs in a.saved.keys() & b.saved},
            {key: self._backward(a.backward[key], b.backward[key]) for key in a.backward.keys() & b.backward},
            self._scratch(a.scratch, b.scratch),
            self._amounts(a.copies, b.copies) if a.copies and b.copies else None,  # type: ignore[arg-type]
        )

    def _saved(self, a: SavedTensors, b: SavedTensors) -> SavedTensors:
        _same((a.needing, a.inputs, a.outputs), (b.needing, b.inputs, b.outputs))
        inside = None if a.inside is None or b.inside is None else self._amount(a.inside, b.inside)
        return a._replace(new=self._amounts(a.new, b.new), inside=inside)

    def _backward(self, a: BackwardResult, b: BackwardResult) -> BackwardResult:
        _same((a.gradients, a.views), (b.gradients, b.views))
        extra, flops = self._amount(a.extra, b.extra), self._amount(a.flops, b.flops)
        scratch = self._scratch(a.scratch, b.scratch)
        return a._replace(extra=extra, new=self._amounts(a.new, b.new), flops=flops, scratch=scratch)

    def _scratch(self, a: Scratch, b: Scratch) -> Scratch:
        """What a kernel takes for itself follows no line where it is laid out anew: then that of the lower rank."""
        if list(map(len, a)) == list(map(len, b)) and all(map(self._follows, chain(*a), chain(*b))):
            return tuple(map(self._amounts, a, b))
        return tuple(tuple(self._alone(index) for index in group) for group in a)

    def _follows(self, a: int, b: int) -> bool:
        """Whether amounts lie on a line with whole bytes at every rank."""
        one, two = self.one.amounts[a], self.two.amounts[b]
        try:
            for rank in (self.low + 1, 1, MOST_RANK):
                _Line({self.low: one, self.high: two}, rank).each(one, two)
        except TraceError:
            return False
        return True

    def _alone(self, index: int) -> int:
        """The amount of the lower rank's step as it is."""
        self.table.append((self.one.amounts[index],) * 2)
        return len(self.table) - 1


def _alike(one: Sequence[TraceSegment], two: Sequence[TraceSegment]) -> tuple[TraceSegment, ...]:
    """The segments of every rank: of one shape where they are at both; none where these are cut otherwise."""
    if [a._replace(shape=None) for a in one] != [b._replace(shape=None) for b in two]:
        return ()
    shapes: dict[tuple, int] = {}
    pairs = ((a, b.shape) for a, b in zip(one, two, strict=True))
    return tuple(
        a if None in (a.shape, shape) else a._replace(shape=shapes.setdefault((a.shape, shape), len(shapes)))
        for a, shape in pairs
    )


def _same(one: object, two: object) -> None:
    if one != two:
        raise _unlike()


def _unlike() -> TraceError:
    return TraceError("The step runs other operations at another rank.", "Follow it at that rank.")
