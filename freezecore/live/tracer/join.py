"""Joining recordings: two batch sizes into amounts, train and eval mode into one list of steps.

Where both modes run the same calls there is one step for both. Where they differ (a dropout, a batch norm) the calls
of either mode stand side by side, and a `Bind` tells what later calls read when the layer was held in eval mode.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from freezecore.live.tracer.checkpoints import Region as RecordedRegion
from freezecore.live.tracer.record import Call as RecordedCall
from freezecore.live.tracer.record import Recording, Signature
from freezecore.trace import EVAL, TRAIN, Amount, Bind, Call, Region

Pair = tuple[Signature, Signature]


class Unlike(Exception):
    """Two recordings that should run the same operations do not."""


class Amounts:
    """A table of amounts, each measured at every traced batch size and kept once."""

    def __init__(self, batch_sizes: tuple[int, ...]) -> None:
        self.batch_sizes = batch_sizes
        self.rows: list[Amount] = []
        self._index: dict[tuple[int, ...], int] = {}

    def __call__(self, *measured: int) -> int:
        """Index of the amount that was measured so."""
        if measured not in self._index:
            self._index[measured] = len(self.rows)
            self.rows.append(polynomial(self.batch_sizes, measured))
        return self._index[measured]


def polynomial(batch_sizes: tuple[int, ...], measured: tuple[int, ...]) -> Amount:
    """The line through two measurements; a parabola through the origin where no such line can be meant.

    Raises:
        Unlike: it is neither.
    """
    if len(batch_sizes) == 1:
        return Amount(measured[0])
    (one, two), (low, high) = measured, batch_sizes
    slope, rest = divmod(two - one, high - low)
    if not rest and slope >= 0 and one - slope * low >= 0:
        return Amount(one - slope * low, slope)
    square, rest = divmod(one, low * low)
    if not rest and square * high * high == two:
        return Amount(0, 0, square)
    raise Unlike(f"{one:,} at batch {low} and {two:,} at batch {high} lie on no line")


class Twin:
    """Recordings of the same forward at each batch size: one list of calls, every number an amount."""

    def __init__(self, recordings: list[Recording], amounts: Amounts) -> None:
        first, last = recordings[0], recordings[-1]
        self.recording = first
        self.calls = first.calls
        _same([c.signature.function for c in first.calls], [c.signature.function for c in last.calls])
        _same([c.inputs for c in first.calls], [c.inputs for c in last.calls])
        _same(first.storage, last.storage)
        self.pairs: list[Pair] = [(a.signature, b.signature) for a, b in zip(first.calls, last.calls, strict=True)]
        self.flops = _column(recordings, amounts, lambda recording: [call.flops for call in recording.calls])
        self.nbytes = _column(recordings, amounts, lambda recording: recording.nbytes)
        self.sizes = _column(recordings, amounts, made_in_the_step)


def made_in_the_step(recording: Recording) -> list[int]:
    """Bytes of each storage; none for parameters, buffers and the batch, which are there before the step."""
    return [size if born >= 0 else 0 for size, born in zip(recording.storage_bytes, recording.born, strict=True)]


def _column(recordings: list[Recording], amounts: Amounts, read: Callable[[Recording], list[int]]) -> list[int]:
    return [amounts(*measured) for measured in zip(*map(read, recordings), strict=True)]


def _same(one: object, two: object) -> None:
    if one != two:
        raise Unlike("it runs other operations at another batch size or in another mode")


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
        names = _Names(self, train, held)
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

    def _append(self, segment: Segment, train: Twin, held: Twin | None, names: _Names) -> None:
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
    _same(train.recording.segments, held.recording.segments)
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


class _Names:
    """Which value of the joined steps each value of the eval recording is.

    Attributes:
        reads, made: per call in eval mode, the joined values that it reads and makes.
        binds: per segment, value as in train mode -> the value that stands for it in eval mode.
    """

    def __init__(self, joined: Joined, train: Twin, held: Twin | None) -> None:
        self.joined, self.train, self.held = joined, train, held
        self.reads: dict[int, tuple[int, ...]] = {}
        self.made: dict[int, tuple[int, ...]] = {}
        self.binds: dict[Segment, dict[int, int]] = {}
        self._value: dict[int, int] = {}
        self._storage: dict[int, int] = {}  # storages that only eval mode has, in the joined table
        self._storage_of: dict[int, int] = {}  # every storage of the eval recording that has a joined one
        self._as_held: dict[int, int] = {}  # storage in train mode -> the one that stands for it in eval mode
        self._died_before: dict[int, list[int]] = {}  # call in train mode -> storages that end before it
        for number, call in train.recording.died.items():
            self._died_before.setdefault(call, []).append(number)
        self._maker: dict[int, Segment] = {}  # value in train mode -> the alternative that makes it
        for name, value in train.recording.parameters.items() if held else ():
            self._value[held.recording.parameters[name]] = value
            self._share_storage(value, held.recording.parameters[name])

    def learn(self, segment: Segment) -> None:
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
        paired = self._paired(self._enter(self.train, segment.train), self._enter(self.held, segment.held))
        for stand_in, value in paired.items():
            self._correspond(value, stand_in)
        for index in segment.held:
            call = self.held.calls[index]
            self.reads[index] = tuple(paired[v] if v in paired else self._joined(v) for v in call.inputs)
            self.made[index] = tuple(self._new(v) for v in call.outputs)

    def storages_of(self, segment: Segment) -> Iterator[tuple[int, int, int]]:
        """Storages that the segment's calls in eval mode make: number, call that makes it, call at which it ends."""
        recording = self.held.recording
        for number, joined in self._storage.items():
            if recording.born[number] in segment.held:
                yield joined, recording.born[number], recording.died.get(number, len(recording.calls))

    def lasting(self) -> Iterator[tuple[str, int]]:
        """Path and joined storage of what modules in eval mode have kept."""
        recording = self.held.recording if self.held else None
        for number in recording.lasting if recording else ():
            yield recording.calls[recording.born[number]].layer, self._storage_of[number]

    def ends_in(self, segment: Segment) -> Iterator[tuple[int, int]]:
        """Storages made before the segment that end among its calls in train mode: number, call before which each
        ends in eval mode."""
        recording, last = self.held.recording, len(self.held.calls)
        for call in range(segment.train.start + 1, segment.train.stop):
            for number in self._died_before.get(call, ()):
                if self.train.recording.born[number] < segment.train.start:
                    yield number, recording.died.get(self._as_held.get(number), last)

    def _enter(self, twin: Twin, calls: range) -> list[int]:
        """Values made before these calls that they read, in order."""
        recording = twin.recording
        inside = {value for index in calls for value in recording.calls[index].outputs}
        read = dict.fromkeys(value for index in calls for value in recording.calls[index].inputs)
        return [v for v in read if v not in inside and self._made(twin, v)]

    @staticmethod
    def _made(twin: Twin, value: int) -> bool:
        """Whether the step makes it; else it was there before."""
        return twin.recording.born[twin.recording.storage[value]] >= 0

    def _paired(self, mine: list[int], its: list[int]) -> dict[int, int]:
        """What a segment reads in eval mode -> what it reads in train mode instead.

        What both read is paired first: in `x + dropout(h)` train mode reads h before x, and eval mode x before h.
        """
        if len(mine) != len(its):
            return {}
        both = {v: self._value[v] for v in its if self._value.get(v) in mine}
        rest = [v for v in mine if v not in both.values()]
        return both | dict(zip((v for v in its if v not in both), rest, strict=True))

    def _correspond(self, value: int, stand_in: int) -> None:
        """A call reads `value` in train mode and `stand_in` in eval mode."""
        known = self._value.get(stand_in)
        if known is None:
            self._value[stand_in] = value
        elif known != value and self._made(self.train, value):  # the batch and buffers are the same in both modes
            if value not in self._maker:
                raise Unlike("a value in eval mode has no counterpart in train mode")
            self.binds.setdefault(self._maker[value], {})[value] = known
            self._as_held[self.train.recording.storage[value]] = self.held.recording.storage[stand_in]

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
