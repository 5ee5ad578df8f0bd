"""Joining train and eval mode into one list of steps.

Where both modes run the same calls there is one step for both. Where they differ (a dropout, a batch norm) the calls
of either mode stand side by side, and a `Bind` tells what later calls read when the layer was held in eval mode.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from freezecore._trace import EVAL, TRAIN, Bind, Call, Region
from freezecore.runtime.trace.batch_pair import Pair, Twin, same
from freezecore.runtime.trace.checkpoints import Region as RecordedRegion
from freezecore.runtime.trace.names import Names
from freezecore.runtime.trace.record import Call as RecordedCall


class Segment(NamedTuple):
    """Consecutive calls of one module: a range of calls in train mode, and one in eval mode where the two differ."""

    layer: str
    train: range
    held: range
    alike: bool


class Joined:
    """The steps of every mixture of modes, and the tables they point into.

    Attributes:
        steps: see `Trace.steps`.
        pairs: signatures of each operation, at each batch size.
        flops: amount of each operation's forward.
        layers, storage, nbytes, sizes, ends, lasting: see `Trace`.
    """

    def __init__(self, train: Twin, held: Twin | None) -> None:
        self.steps: list[Call | Bind] = []
        self.pairs: list[Pair] = []
        self.flops: list[int] = []
        self.layers: list[str] = []
        self.storage = list(train.recording.storage)
        self.nbytes = list(train.nbytes)
        self.sizes = list(train.sizes)
        self.ends: list[tuple[int, ...]] = []
        self._pair_index: dict[Pair, int] = {}
        self._layer_index: dict[str, int] = {}
        self._step_of: list[int] = []  # per call in train mode
        self._ending: dict[int, list[int]] = {}  # step -> storages that end before it
        segments = list(_segments(train, held))
        names = Names(self, train, held)
        for segment in segments:
            names.learn(segment)
        for segment in segments:
            self._append(segment, train, held, names)
        self.lasting = tuple((self._layer(layer), number) for layer, number in names.lasting())
        for number, call in train.recording.died.items():
            self._ending.setdefault(self._at(call), []).append(number)
        self.ends = [tuple(self._ending.get(step, ())) for step in range(len(self.steps) + 1)]

    def regions(self, recorded: list[RecordedRegion]) -> Iterator[Region]:
        """Ranges of calls in train mode as ranges of steps; must be asked for before `layers` is read."""
        for region in recorded:
            layer = None if region.layer is None else self._layer(region.layer)
            yield Region(self._at(region.begin), self._at(region.end), layer, region.inputs)

    def _at(self, call: int) -> int:
        return self._step_of[call] if call < len(self._step_of) else len(self.steps)

    def _append(self, segment: Segment, train: Twin, held: Twin | None, names: Names) -> None:
        mode = None if segment.alike else TRAIN
        for index in segment.train:
            call = train.calls[index]
            self._step_of.append(len(self.steps))
            self._step(train, index, call.inputs, call.outputs, segment.layer, mode)
        if segment.alike:
            return
        first = len(self.steps)
        for index in segment.held:
            self._step(held, index, names.reads[index], names.made[index], segment.layer, EVAL)
        self.steps.append(Bind(self._layer(segment.layer), tuple(names.binds.get(segment, {}).items())))
        for storage, born, died in names.storages_of(segment):
            before = first + died - segment.held.start if died <= segment.held.stop - 1 else len(self.steps)
            self._ending.setdefault(max(before, first + born + 1 - segment.held.start), []).append(storage)
        for storage, died in names.ends_in(segment):
            before = max(first + 1, first + died - segment.held.start) if died < segment.held.stop else len(self.steps)
            self._ending.setdefault(before, []).append(storage)

    def _step(self, twin: Twin, index: int, inputs: tuple, outputs: tuple, layer: str, mode: int | None) -> None:
        pair = twin.pairs[index]
        if pair not in self._pair_index:
            self._pair_index[pair] = len(self.pairs)
            self.pairs.append(pair)
            self.flops.append(twin.flops[index])
        self.steps.append(Call(self._pair_index[pair], inputs, outputs, self._layer(layer), mode))

    def _layer(self, path: str) -> int:
        if path not in self._layer_index:
            self._layer_index[path] = len(self.layers)
            self.layers.append(path)
        return self._layer_index[path]


def _segments(train: Twin, held: Twin | None) -> Iterator[Segment]:
    if held is None:
        for index, call in enumerate(train.calls):
            yield Segment(call.layer, range(index, index + 1), range(0), True)
        return
    same(train.recording.segments, held.recording.segments)
    i = j = 0
    for number, layer in enumerate(train.recording.segments):
        begin, other = i, j
        i, j = _run(train.calls, i, number), _run(held.calls, j, number)
        if i > begin or j > other:
            alike = train.pairs[begin:i] == held.pairs[other:j]
            yield Segment(layer, range(begin, i), range(other, j), alike)


def _run(calls: list[RecordedCall], begin: int, segment: int) -> int:
    end = begin
    while end < len(calls) and calls[end].segment == segment:
        end += 1
    return end
