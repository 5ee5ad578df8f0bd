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
        self.met: list[list[int]] = []  # per segment, its values as often as a step reads or makes them
        self.aliases: list[EvalAlias] = []
        self.casts: list[int] = []  # values that autocast made of parameters
        for home, (begin, end) in enumerate(self.ranges):
            met = self._met(begin, end)
            self.met.append(met)
            values = set(met)
            storages = {trace.storage[value] for value in values}
            _settle(self.value_home, values, home)
            _settle(self.storage_home, storages.union(*trace.ends[begin + 1 : end + 1]), home)
        self.parameters = {p.value: (p.numel, p.itemsize) for p in trace.parameters}
        nothing = {number for number, amount in enumerate(trace.amounts) if amount == Amount(0)}
        self.free = {number for number, amount in enumerate(trace.sizes) if amount in nothing}

    def _met(self, begin: int, end: int) -> list[int]:
        """The values of these steps; aliases and copies that autocast makes are noted by the way."""
        met: list[int] = []
        for step in self.trace.steps[begin:end]:
            if isinstance(step, TracedCall):
                met += step.inputs
                met += step.outputs
                if step.cast:
                    self.casts.append(step.outputs[0])
            else:
                met += [value for pair in step.pairs for value in pair]
                self.aliases.append(step)
        return met

    def cut(self) -> list[TraceSegment]:
        shapes: dict[tuple, int] = {}
        far = self._far()
        return [
            self._segment(begin, end, met, shapes, far) for (begin, end), met in zip(self.ranges, self.met, strict=True)
        ]

    def _far(self) -> set[int]:
        """Storages whose part in a segment depends on more than how many hold them: those that an alias puts in
        another's place for other segments, and autocast copies that several segments read."""
        storage = self.trace.storage
        far = {storage[value] for value in self.casts if self.storage_home[storage[value]] == SHARED}
        for alias in self.aliases:
            if not self._local(alias):
                far.update(storage[value] for pair in alias.pairs for value in pair)
        return far

    def _local(self, alias: EvalAlias) -> bool:
        values = [value for pair in alias.pairs for value in pair]
        return all(
            self.value_home[value] != SHARED and self.storage_home[self.trace.storage[value]] != SHARED
            for value in values
        )

    def _segment(self, begin: int, end: int, met: list[int], shapes: dict[tuple, int], far: set[int]) -> TraceSegment:
        trace, layers = self.trace, _Numbering()
        steps: list[tuple] = []
        inputs: list[int] = []
        made: set[int] = set()
        ended: list[int] = []
        for index in range(begin, end):
            step, ends = trace.steps[index], trace.ends[index + 1]
            if isinstance(step, TracedCall):
                operation, read, new, layer, mode, used, cast = step
                inputs += read
                made.update(new)
                number = -1 if mode is None else layers[layer]
                steps.append((operation, len(read), len(new), number, mode, used, cast, len(ends)))
            else:
                steps.append((layers[step.layer], len(step.pairs), len(ends)))
            ended += ends
        values = _numbered(met)
        held = [trace.storage[value] for value in values]
        storages = _numbered(ended + held)
        own = self.parameters.keys() & values.keys()
        if not far.isdisjoint(storages) or any(self.value_home[value] == SHARED for value in own):
            return TraceSegment(begin, end)
        reads = tuple(value for value in dict.fromkeys(inputs) if value not in made)
        shared = tuple(value for value in values if self.value_home[value] == SHARED)
        crossing = tuple(n for n in storages if self.storage_home[n] == SHARED and n not in self.free)
        looks = (
            tuple(steps),
            tuple(map(values.__getitem__, met)),
            tuple(map(storages.__getitem__, ended)),
            tuple(map(storages.__getitem__, held)),
            tuple(map(trace.nbytes.__getitem__, values)),
            tuple(map(trace.sizes.__getitem__, storages)),
            tuple(sorted((values[value], self.parameters[value]) for value in own)),
            tuple(map(values.__getitem__, reads)),
            tuple(map(values.__getitem__, shared)),
            tuple(map(storages.__getitem__, crossing)),
        )
        shape = shapes.setdefault(looks, len(shapes))
        return TraceSegment(begin, end, shape, reads, shared, crossing, tuple(layers))


class _Numbering(dict[int, int]):
    """Numbers things in the order of their appearance."""

    def __missing__(self, thing: int) -> int:
        self[thing] = number = len(self)
        return number


def _numbered(things: list[int]) -> dict[int, int]:
    """Things by the order of their first appearance."""
    return {thing: number for number, thing in enumerate(dict.fromkeys(things))}


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


def _settle(homes: dict[int, int], things: set[int], home: int) -> None:
    for thing in things:
        if homes.setdefault(thing, home) != home:
            homes[thing] = SHARED
