"""Gradients on their way through the backward pass, as the input buffers of autograd's engine hold them."""

from __future__ import annotations

from typing import NamedTuple

from freezecore._estimate.trace_at_batch import TraceAtBatch
from freezecore._trace import BackwardResult


class WaitingGradients(NamedTuple):
    """Which gradients wait at some values after a segment's backward pass, relative to those before it.

    Attributes:
        at: per value, the place of the storage that waits there, or None.
        users: per place, the change in how many hold it: first those that waited before, then new ones.
        new: sizes of new storages.
        views: per value, whether what waits is a view.
    """

    at: tuple[int | None, ...]
    users: tuple[int, ...]
    new: tuple[int, ...]
    views: tuple[bool, ...]


class GradientBuffers:
    """Gradients that wait for the backward steps of the calls that made their values, and those of parameters.

    Attributes:
        bytes: what waiting gradients take now.
        ready: what parameters' gradients take now.
        spike: the most that both took since the step began.
        spike_parts: then, of parameters and of the rest.
    """

    def __init__(self, traced: TraceAtBatch, ready: int, in_place: bool) -> None:
        self.traced, self.in_place = traced, in_place
        self.bytes, self.ready = 0, ready
        self.spike, self.spike_parts = 0, (0, 0)
        self._size: list[int] = []  # per storage
        self._users: list[int] = []  # per storage, the buffers that hold it
        self._waiting: dict[int, int] = {}  # value -> storage of the gradient so far
        self._views: set[int] = set()  # values whose gradient so far is a view of a tensor that it keeps

    def new(self, size: int, users: int = 0) -> int:
        """A new storage, in so many hands."""
        self._size.append(size)
        self._users.append(users)
        self.bytes += size
        return len(self._size) - 1

    @property
    def now(self) -> int:
        """Bytes of all gradients at the moment."""
        return self.ready + self.bytes

    def has(self, value: int) -> bool:
        return value in self._waiting

    def received(self, outputs: tuple[int, ...]) -> int:
        """Which of a call's outputs have a gradient, as bits."""
        bits = 0
        for position, value in enumerate(outputs):
            if value in self._waiting:
                bits |= 1 << position
        return bits

    def start(self, step: BackwardResult, copy: int) -> None:
        """A backward step begins, whose kernel makes such a copy: the spike is what it needs beside what is there."""
        blocks = self.traced.blocks
        extra = copy + max(self.traced.values[step.extra], sum([blocks[amount] for amount in step.new]))
        self.spike, self.spike_parts = self.ready + self.bytes + extra, (self.ready, self.bytes + extra)

    def handed(self, step: BackwardResult, outputs: tuple[int, ...]) -> list[int]:
        """Storages of a step's gradients: new ones, then the outputs' backwards, so that index `~k` finds one.

        The step's results hold each of them once per gradient, until `add` has taken it.
        """
        fresh = [self.new(self.traced.blocks[amount]) for amount in step.new]
        given = [self._waiting.pop(value, -1) for value in outputs]
        self._views.difference_update(outputs)
        numbers = [*fresh, *reversed(given)]
        for gradient in step.gradients:
            if gradient is not None:
                self._users[numbers[gradient]] += 1
        for number in given:
            if number >= 0:
                self._users[number] -= 1
                self._free_if_unused(number)
        return numbers

    def add(self, value: int, number: int, *, view: bool = False) -> None:
        """A gradient arrives from the hand that held it: it waits alone, or is added to what waits there already."""
        waiting = self._waiting.get(value)
        if waiting is None:
            self._waiting[value] = number
            if view:
                self._views.add(value)
        elif self.in_place and self._users[waiting] == 1 and value not in self._views:
            self._users[number] -= 1
            self._free_if_unused(number)
        else:
            total = self.new(self.traced.nbytes[value], users=1)
            self._note_spike(0)
            for part in (waiting, number):
                self._users[part] -= 1
                self._free_if_unused(part)
            self._waiting[value] = total
            self._views.discard(value)

    def take(self, value: int, size: int, already_there: bool) -> None:
        """A parameter's gradient is complete: added to the one already there, taken over, or copied if it is shared."""
        number = self._waiting.pop(value)
        self._views.discard(value)
        self._users[number] -= 1
        if already_there:
            self._free_if_unused(number)
        elif self._users[number] or self._size[number] != size:
            self._note_spike(size)
            self._free_if_unused(number)
            self.ready += size
        else:
            self.bytes -= size
            self.ready += size

    def crossing(self, values: tuple[int, ...]) -> tuple[tuple[tuple[int, ...] | None, ...], dict[int, int]]:
        """What waits at these values: per value size, users and place of its storage, and whether it is a view; and
        the places by storage."""
        places: dict[int, int] = {}
        found: list[tuple[int, ...] | None] = []
        for value in values:
            number = self._waiting.get(value)
            if number is None:
                found.append(None)
            else:
                place = places.setdefault(number, len(places))
                found.append((self._size[number], self._users[number], place, value in self._views))
        return tuple(found), places

    def after(self, values: tuple[int, ...], places: dict[int, int], users: list[int]) -> WaitingGradients:
        """What waits at these values now, where `crossing` had these places and `users`; `places` is used up."""
        before = len(places)
        waits = [self._waiting.get(value) for value in values]
        at = tuple(None if n is None else places.setdefault(n, len(places)) for n in waits)
        change = [self._users[n] - (users[i] if i < before else 0) for i, n in enumerate(places)]
        views = tuple([value in self._views for value in values])
        return WaitingGradients(at, tuple(change), tuple([self._size[n] for n in places][before:]), views)

    def users(self, places: dict[int, int]) -> list[int]:
        """How many hold each of these storages."""
        return [self._users[number] for number in places]

    def repeat(
        self, values: tuple[int, ...], places: dict[int, int], then: WaitingGradients, nbytes: int, ready: int
    ) -> None:
        """Bring about at these values what `after` found at others of the same shape.

        `nbytes` and `ready` are by what `bytes` and `ready` changed there.
        """
        numbers = list(places)
        for size in then.new:
            numbers.append(self.new(size))
            self.bytes -= size
        for number, more in zip(numbers, then.users, strict=True):
            self._users[number] += more
        self._views.difference_update(values)
        self._views.update([value for value, view in zip(values, then.views, strict=True) if view])
        for value, place in zip(values, then.at, strict=True):
            if place is None:
                self._waiting.pop(value, None)
            else:
                self._waiting[value] = numbers[place]
        self.bytes += nbytes
        self.ready += ready

    def _note_spike(self, extra: int) -> None:
        if self.ready + self.bytes + extra > self.spike:
            self.spike, self.spike_parts = self.ready + self.bytes + extra, (self.ready, self.bytes + extra)

    def _free_if_unused(self, number: int) -> None:
        if not self._users[number]:
            self.bytes -= self._size[number]
