"""Segments: a trace cut where one block ends and the next begins, so that what repeats is run once.

Two segments have the same shape when their steps read alike after renumbering: the same operations in the same order,
over values and storages of the same sizes that come and go at the same steps. What running a segment does then depends
on its shape and on what crosses its border, and on nothing else.
"""

from __future__ import annotations

from typing import NamedTuple

from freezecore._estimate.trace_at_batch import kept
from freezecore._trace import Amount, EvalAlias, Trace, TracedCall

SHARED = -1  # belongs to more than one segment


class TraceSegment(NamedTuple):
    """A range of steps, with what crosses its border; segments of one shape list it in the same order.

    Attributes:
        begin, end: a range of `Trace.steps`.
        shape: number of its shape; None where what it does may depend on more than what crosses.
        reads: values made elsewhere, parameters among them.
        shared: values that other segments read or make too.
        storages: storages that others touch too; without those that take nothing.
        layers: those whose mode decides what runs.
    """

    begin: int
    end: int
    shape: int | None = None
    reads: tuple[int, ...] = ()
    shared: tuple[int, ...] = ()
    storages: tuple[int, ...] = ()
    layers: tuple[int, ...] = ()


def segments(trace: Trace) -> tuple[TraceSegment, ...]:
    """The segments of a trace, in order; a single one where checkpointing ties steps together over a distance."""
    return kept(trace, "_segments", lambda: _cut(trace))


def _cut(trace: Trace) -> tuple[TraceSegment, ...]:
    if trace.regions or trace.asking:
        return (TraceSegment(0, len(trace.steps)),)
    return tuple(_Cutter(trace).cut())


class _Cutter:
    """Cuts one trace."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.ranges = _ranges(trace)
        self.value_home: dict[int, int] = {trace.loss: SHARED}  # the only segment that a value appears in, or SHARED
        self.storage_home: dict[int, int] = dict.fromkeys(trace.ends[0], SHARED)
        self.storage_home.update((number, SHARED) for _, number in trace.lasting)
        for home, (begin, end) in enumerate(self.ranges):
            for index in range(begin, end):
                for value in _values(trace.steps[index]):
                    _settle(self.value_home, value, home)
                    _settle(self.storage_home, trace.storage[value], home)
                for number in trace.ends[index + 1]:
                    _settle(self.storage_home, number, home)
        self.parameters = {p.value: (p.numel, p.itemsize) for p in trace.parameters}
        self.free = {number for number, amount in enumerate(trace.sizes) if trace.amounts[amount] == Amount(0)}

    def cut(self) -> list[TraceSegment]:
        shapes: dict[tuple, int] = {}
        far = self._far()
        return [self._segment(begin, end, shapes, far) for begin, end in self.ranges]

    def _far(self) -> set[int]:
        """Storages whose part in a segment depends on more than how many hold them: those that an alias puts in
        another's place for other segments, and autocast copies that several segments read."""
        storage, far = self.trace.storage, set[int]()
        for step in self.trace.steps:
            if isinstance(step, EvalAlias) and not self._local(step):
                far.update(storage[value] for pair in step.pairs for value in pair)
            elif isinstance(step, TracedCall) and step.cast:
                far.update(n for n in [storage[step.outputs[0]]] if self.storage_home[n] == SHARED)
        return far

    def _local(self, alias: EvalAlias) -> bool:
        values = [value for pair in alias.pairs for value in pair]
        return all(
            self.value_home[value] != SHARED and self.storage_home[self.trace.storage[value]] != SHARED
            for value in values
        )

    def _segment(self, begin: int, end: int, shapes: dict[tuple, int], far: set[int]) -> TraceSegment:
        trace = self.trace
        values, storages, layers = _Numbering(), _Numbering(), _Numbering()
        made: set[int] = set()
        reads: dict[int, None] = {}
        steps: list[tuple] = []
        for index in range(begin, end):
            step = trace.steps[index]
            if isinstance(step, TracedCall):
                reads.update(dict.fromkeys(value for value in step.inputs if value not in made))
                made.update(step.outputs)
                layer = -1 if step.mode is None else layers[step.layer]
                inputs, outputs = [values[v] for v in step.inputs], [values[v] for v in step.outputs]
                told = (step.operation, *inputs, None, *outputs, layer, step.mode, step.used, step.cast)
            else:
                told = (layers[step.layer], *[values[value] for pair in step.pairs for value in pair])
            steps += told, tuple([storages[number] for number in trace.ends[index + 1]])
        stored = [(storages[trace.storage[v]], trace.nbytes[v], self.parameters.get(v)) for v in values]
        shared = tuple(value for value in values if self.value_home[value] == SHARED)
        crossing = tuple(n for n in storages if self.storage_home[n] == SHARED and n not in self.free)
        if not far.isdisjoint(storages) or any(self.value_home[v] == SHARED for v in values if v in self.parameters):
            return TraceSegment(begin, end)
        looks = (
            tuple(steps),
            tuple(stored),
            tuple(trace.sizes[number] for number in storages),
            tuple(values[value] for value in reads),
            tuple(values[value] for value in shared),
            tuple(storages[number] for number in crossing),
        )
        shape = shapes.setdefault(looks, len(shapes))
        return TraceSegment(begin, end, shape, tuple(reads), shared, crossing, tuple(layers))


class _Numbering(dict[int, int]):
    """Numbers things in the order of their appearance."""

    def __missing__(self, thing: int) -> int:
        self[thing] = number = len(self)
        return number


def _ranges(trace: Trace) -> list[tuple[int, int]]:
    """Runs of steps within one block, or outside all blocks."""
    blocks = [_block(path) for path in trace.layers]
    begins = [
        i for i, step in enumerate(trace.steps) if not i or blocks[step.layer] != blocks[trace.steps[i - 1].layer]
    ]
    return list(zip(begins, [*begins[1:], len(trace.steps)], strict=True))


def _block(path: str) -> str:
    """A module's path up to its first number: `encoder.layer.3` of `encoder.layer.3.output.dense`."""
    parts = path.split(".")
    for position, part in enumerate(parts):
        if part.isdigit():
            return ".".join(parts[: position + 1])
    return ""


def _values(step: TracedCall | EvalAlias) -> tuple[int, ...]:
    if isinstance(step, TracedCall):
        return step.inputs + step.outputs
    return tuple(value for pair in step.pairs for value in pair)


def _settle(homes: dict[int, int], thing: int, home: int) -> None:
    if homes.setdefault(thing, home) != home:
        homes[thing] = SHARED
