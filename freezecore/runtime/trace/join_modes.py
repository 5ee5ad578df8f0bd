"""Joining train and eval mode into one list of steps.

Where both modes run the same calls there is one step for both. Where they differ (a dropout, a batch norm) the calls
of either mode stand side by side, and an `EvalAlias` tells what later calls read when the layer was held in eval mode.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from freezecore._trace import EVAL, TRAIN, CheckpointedRegion, EvalAlias, TracedCall
from freezecore.runtime.trace.batch_pair import BatchPair, SignaturePair, Unlike, same
from freezecore.runtime.trace.record import RecordedCall, RecordedRegion


class ModuleCalls(NamedTuple):
    """Consecutive calls of one module: a range of calls in train mode, and one in eval mode where the two differ."""

    layer: str
    train: range
    held: range
    alike: bool


class JoinedModes:
    """The steps of every mixture of modes, and the tables they point into.

    Attributes:
        steps: see `Trace.steps`.
        pairs: signatures of each operation, at each batch size.
        flops: amount of each operation's forward.
        layers, storage, nbytes, sizes, ends, lasting: see `Trace`.
    """

    def __init__(self, train: BatchPair, held: BatchPair | None) -> None:
        self.steps: list[TracedCall | EvalAlias] = []
        self.pairs: list[SignaturePair] = []
        self.flops: list[int] = []
        self.layers: list[str] = []
        self.storage = list(train.recording.storage)
        self.nbytes = list(train.nbytes)
        self.sizes = list(train.sizes)
        self.ends: list[tuple[int, ...]] = []
        self._pair_index: dict[SignaturePair, int] = {}
        self._layer_index: dict[str, int] = {}
        self._step_of: list[int] = []  # per call in train mode
        self._ending: dict[int, list[int]] = {}  # step -> storages that end before it
        segments = list(_segments(train, held))
        values = EvalValues(self, train, held) if held else None
        if values:
            for segment in segments:
                values.learn(segment)
        for segment in segments:
            self._append_train(segment, train)
            if values and not segment.alike:
                self._append_held(segment, values)
        lasting = values.lasting() if values else ()
        self.lasting = tuple((self._layer(layer), number) for layer, number in lasting)
        for number, call in train.recording.died.items():
            self._ending.setdefault(self._at(call), []).append(number)
        self.ends = [tuple(self._ending.get(step, ())) for step in range(len(self.steps) + 1)]

    def regions(self, recorded: list[RecordedRegion], *, in_both: bool) -> Iterator[CheckpointedRegion]:
        """Ranges of calls in train mode as ranges of steps; must be asked for before `layers` is read.

        `in_both` says that eval mode checkpoints too.
        """
        for region in recorded:
            layer = None if in_both or region.layer is None else self._layer(region.layer)
            yield CheckpointedRegion(self._at(region.begin), self._at(region.end), layer, region.inputs)

    def _at(self, call: int) -> int:
        return self._step_of[call] if call < len(self._step_of) else len(self.steps)

    def _append_train(self, segment: ModuleCalls, train: BatchPair) -> None:
        """Append the calls in train mode, which are those of both modes where they are alike."""
        for index in segment.train:
            call = train.calls[index]
            self._step_of.append(len(self.steps))
            self._step(train, index, call.inputs, call.outputs, segment.layer, None if segment.alike else TRAIN)

    def _append_held(self, segment: ModuleCalls, values: EvalValues) -> None:
        """Append the calls in eval mode, and what later calls read then."""
        first, begin, end = len(self.steps), segment.held.start, segment.held.stop
        for index in segment.held:
            self._step(values.held, index, values.reads[index], values.made[index], segment.layer, EVAL)
        self.steps.append(EvalAlias(self._layer(segment.layer), tuple(values.aliases.get(segment, {}).items())))
        for storage, born, died in values.storages_of(segment):
            before = first + died - begin if died < end else len(self.steps)
            self._ending.setdefault(max(before, first + born + 1 - begin), []).append(storage)
        for storage, died in values.ends_in(segment):
            before = max(first + 1, first + died - begin) if died < end else len(self.steps)
            self._ending.setdefault(before, []).append(storage)

    def _step(
        self, recorded: BatchPair, index: int, inputs: tuple, outputs: tuple, layer: str, mode: int | None
    ) -> None:
        pair = recorded.pairs[index]
        if pair not in self._pair_index:
            self._pair_index[pair] = len(self.pairs)
            self.pairs.append(pair)
            self.flops.append(recorded.flops[index])
        self.steps.append(TracedCall(self._pair_index[pair], inputs, outputs, self._layer(layer), mode))

    def _layer(self, path: str) -> int:
        if path not in self._layer_index:
            self._layer_index[path] = len(self.layers)
            self.layers.append(path)
        return self._layer_index[path]


def _segments(train: BatchPair, held: BatchPair | None) -> Iterator[ModuleCalls]:
    if held is None:
        for index, call in enumerate(train.calls):
            yield ModuleCalls(call.layer, range(index, index + 1), range(0), True)
        return
    same(train.recording.segments, held.recording.segments)
    i = j = 0
    for number, layer in enumerate(train.recording.segments):
        begin, other = i, j
        i, j = _run(train.calls, i, number), _run(held.calls, j, number)
        if i > begin or j > other:
            alike = train.pairs[begin:i] == held.pairs[other:j]
            yield ModuleCalls(layer, range(begin, i), range(other, j), alike)


def _run(calls: list[RecordedCall], begin: int, segment: int) -> int:
    end = begin
    while end < len(calls) and calls[end].segment == segment:
        end += 1
    return end


class EvalValues:
    """Which value of the joined steps each value of the recording in eval mode is.

    Attributes:
        reads, made: per call in eval mode, the joined values that it reads and makes.
        aliases: per segment, value as in train mode -> the value that stands for it in eval mode.
    """

    def __init__(self, joined: JoinedModes, train: BatchPair, held: BatchPair) -> None:
        self.joined, self.train, self.held = joined, train, held
        self.reads: dict[int, tuple[int, ...]] = {}
        self.made: dict[int, tuple[int, ...]] = {}
        self.aliases: dict[ModuleCalls, dict[int, int]] = {}
        self._value: dict[int, int] = {}
        self._storage: dict[int, int] = {}  # storages that only eval mode has, in the joined table
        self._storage_of: dict[int, int] = {}  # every storage of the eval recording that has a joined one
        self._as_held: dict[int, int] = {}  # storage in train mode -> the one that stands for it in eval mode
        self._died_before: dict[int, list[int]] = {}  # call in train mode -> storages that end before it
        for number, call in train.recording.died.items():
            self._died_before.setdefault(call, []).append(number)
        self._maker: dict[int, ModuleCalls] = {}  # value in train mode -> the alternative that makes it
        self._held_maker: dict[int, ModuleCalls] = {}  # value in eval mode -> the same
        for name, value in train.recording.parameters.items():
            self._value[held.recording.parameters[name]] = value
            self._share_storage(value, held.recording.parameters[name])

    def learn(self, segment: ModuleCalls) -> None:
        """Take a segment into account; they come in order."""
        if segment.alike:
            for index, other in zip(segment.train, segment.held, strict=False):
                mine, its = self.train.calls[index], self.held.calls[other]
                for value, stand_in in zip(mine.inputs, its.inputs, strict=True):
                    self._correspond(value, stand_in)
                self._value.update(zip(its.outputs, mine.outputs, strict=True))
                for value, stand_in in zip(mine.outputs, its.outputs, strict=True):
                    self._share_storage(value, stand_in)
            return
        self._maker.update((value, segment) for i in segment.train for value in self.train.calls[i].outputs)
        self._held_maker.update((value, segment) for i in segment.held for value in self.held.calls[i].outputs)
        paired = self._paired(self._enter(self.train, segment.train), self._enter(self.held, segment.held))
        for stand_in, value in paired.items():
            self._correspond(value, stand_in)
        for index in segment.held:
            call = self.held.calls[index]
            self.reads[index] = tuple(paired[v] if v in paired else self._joined(v) for v in call.inputs)
            self.made[index] = tuple(self._new(v) for v in call.outputs)

    def storages_of(self, segment: ModuleCalls) -> Iterator[tuple[int, int, int]]:
        """Storages that the segment's calls in eval mode make: number, call that makes it, call at which it ends."""
        recording = self.held.recording
        for number, joined in self._storage.items():
            if recording.born[number] in segment.held:
                yield joined, recording.born[number], recording.died.get(number, len(recording.calls))

    def lasting(self) -> Iterator[tuple[str, int]]:
        """Path and joined storage of what modules in eval mode have kept."""
        recording = self.held.recording
        for number in recording.lasting:
            yield recording.calls[recording.born[number]].layer, self._storage_of[number]

    def ends_in(self, segment: ModuleCalls) -> Iterator[tuple[int, int]]:
        """Storages made before the segment that end among its calls in train mode: number, call before which each
        ends in eval mode."""
        recording, last = self.held.recording, len(self.held.calls)
        for call in range(segment.train.start + 1, segment.train.stop):
            for number in self._died_before.get(call, ()):
                if self.train.recording.born[number] < segment.train.start:
                    yield number, recording.died.get(self._as_held.get(number, -1), last)

    def _enter(self, pair: BatchPair, calls: range) -> list[int]:
        """Values made before these calls that they read, in order."""
        recording = pair.recording
        inside = {value for index in calls for value in recording.calls[index].outputs}
        read = dict.fromkeys(value for index in calls for value in recording.calls[index].inputs)
        return [v for v in read if v not in inside and self._made(pair, v)]

    @staticmethod
    def _made(pair: BatchPair, value: int) -> bool:
        """Whether the step makes it; else it was there before."""
        return pair.recording.born[pair.recording.storage[value]] >= 0

    def _paired(self, mine: list[int], its: list[int]) -> dict[int, int]:
        """What a segment reads in eval mode -> what it reads in train mode instead.

        What comes from the same is paired first, as train mode may read it in another order: in `x + dropout(h)` it
        reads h before x, and eval mode x before h.
        """
        found: dict[int, int] = {}
        for origin in dict.fromkeys(map(self._held_origin, its)):
            here = [v for v in mine if self._origin(v) == origin]
            there = [v for v in its if self._held_origin(v) == origin]
            if len(here) == len(there):
                found.update(zip(there, here, strict=True))
        left, rest = [v for v in its if v not in found], [v for v in mine if v not in found.values()]
        return found | dict(zip(left, rest, strict=True)) if len(left) == len(rest) else found

    def _origin(self, value: int) -> int | ModuleCalls:
        """Where a value in train mode comes from, through segments that do nothing in eval mode: the alternative that
        makes it, or a value that is the same in both modes."""
        segment = self._maker.get(value)
        if segment is None:
            return value
        given = [] if segment.held else self._enter(self.train, segment.train)
        return self._origin(given[0]) if len(given) == 1 else segment

    def _held_origin(self, stand_in: int) -> int | ModuleCalls | None:
        """The same of a value in eval mode; None of one that is nowhere in train mode."""
        return self._held_maker.get(stand_in, self._value.get(stand_in))

    def _correspond(self, value: int, stand_in: int) -> None:
        """A call reads `value` in train mode and `stand_in` in eval mode."""
        known = self._value.get(stand_in)
        if known is None:
            self._value[stand_in] = value
        elif known != value and self._made(self.train, value):  # the batch and buffers are the same in both modes
            if value not in self._maker:
                raise Unlike("a value in eval mode has no counterpart in train mode")
            segment = self._maker[value]
            made = self._held_maker.get(stand_in) == segment
            self.aliases.setdefault(segment, {})[value] = known if made else self._given(segment, stand_in)
            self._as_held[self.train.recording.storage[value]] = self.held.recording.storage[stand_in]

    def _given(self, segment: ModuleCalls, stand_in: int) -> int:
        """What a segment gives on in eval mode, as a dropout does: the value that it reads in train mode, which a layer
        before it may make in either mode, and not that layer's own in eval mode."""
        given, known = self._enter(self.train, segment.train), self._value[stand_in]
        if known in given:
            return known
        likely = [value for value in given if self._origin(value) == self._held_origin(stand_in)]
        if len(likely) != 1:
            raise Unlike("what a layer gives on in eval mode is not among what it reads in train mode")
        self._correspond(likely[0], stand_in)
        return likely[0]

    def _joined(self, stand_in: int) -> int:
        return self._value[stand_in] if stand_in in self._value else self._new(stand_in)

    def _share_storage(self, value: int, stand_in: int) -> None:
        mine, its = self.train.recording.storage[value], self.held.recording.storage[stand_in]
        self._storage_of.setdefault(its, mine)
        self._as_held.setdefault(mine, its)

    def _new(self, stand_in: int) -> int:
        """A value that only eval mode has."""
        joined, held = self.joined, self.held
        number = held.recording.storage[stand_in]
        if number in self._storage_of:
            storage = self._storage_of[number]
        else:
            storage = self._storage_of[number] = self._storage[number] = len(joined.sizes)
            joined.sizes.append(held.sizes[number])
        value = self._value[stand_in] = len(joined.storage)
        joined.storage.append(storage)
        joined.nbytes.append(held.nbytes[stand_in])
        return value
