"""Recordings of the same forward pass at two batch sizes as one, every number an amount."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from freezecore._trace import Amount
from freezecore.runtime.trace.record import Recording
from freezecore.runtime.trace.signature import Signature
from freezecore.sentences import Reason

SignaturePair = tuple[Signature, Signature]


class Unlike(Reason):
    """Two recordings that should run the same operations do not."""


class Amounts:
    """A table of amounts, each measured at every traced batch size and kept once; `rows` may hold some already."""

    def __init__(self, batch_sizes: tuple[int, ...], rows: Iterable[Amount] = ()) -> None:
        self.batch_sizes = batch_sizes
        self.table = list(rows)
        self._index = {amount: index for index, amount in enumerate(self.table)}

    def __call__(self, *measured: int) -> int:
        """Index of the amount that was measured so."""
        amount = polynomial(self.batch_sizes, measured)
        if amount not in self._index:
            self._index[amount] = len(self.table)
            self.table.append(amount)
        return self._index[amount]

    @property
    def rows(self) -> tuple[Amount, ...]:
        """The table."""
        return tuple(self.table)


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
    raise Unlike(
        "{one:,} at batch {low} and {two:,} at batch {high} lie on no line", one=one, low=low, two=two, high=high
    )


class BatchPair:
    """Recordings of the same forward at each batch size: one list of calls, every number an amount."""

    def __init__(self, recordings: list[Recording], amounts: Amounts) -> None:
        first, last = recordings[0], recordings[-1]
        self.recording = first
        self.calls = first.calls
        same([c.signature.function for c in first.calls], [c.signature.function for c in last.calls])
        same([c.inputs for c in first.calls], [c.inputs for c in last.calls])
        same(first.storage, last.storage)
        self.pairs: list[SignaturePair] = [
            (a.signature, b.signature) for a, b in zip(first.calls, last.calls, strict=True)
        ]
        self.flops = _column(recordings, amounts, lambda recording: [call.flops for call in recording.calls])
        self.nbytes = _column(recordings, amounts, lambda recording: recording.nbytes)
        self.sizes = _column(recordings, amounts, made_in_the_step)


def made_in_the_step(recording: Recording) -> list[int]:
    """Bytes of each storage; none for parameters, buffers and the batch, which are there before the step."""
    return [size if born >= 0 else 0 for size, born in zip(recording.storage_bytes, recording.born, strict=True)]


def _column(recordings: list[Recording], amounts: Amounts, read: Callable[[Recording], list[int]]) -> list[int]:
    return [amounts(*measured) for measured in zip(*map(read, recordings), strict=True)]


def same(one: object, two: object) -> None:
    if one != two:
        raise Unlike("it runs other operations at another batch size or in another mode")
