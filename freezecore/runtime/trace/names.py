"""Names: which value of the joined steps each value of the recording in eval mode is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from freezecore.runtime.trace.batch_pair import Twin, Unlike

if TYPE_CHECKING:
    from freezecore.runtime.trace.join import Joined, Segment


class Names:
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
