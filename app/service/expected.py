"""How long a job will take that nothing like was measured here: from the work of its steps and this machine's pace."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache

from freezecore import machine
from freezecore.datasets import BUILT_IN, TEST_SIZE, TRAIN_SIZE, built_in
from freezecore.mask import Mask
from freezecore.probe import ProbeRequest

STARTING_S = (3.0, 15.0)  # to open the data and the model
REACHED = (0.8, 0.15)  # of the pace of matrix products, that the steps of real models reach on a CPU
BACKWARD = 2  # a backward pass through all of a model has twice the work of its forward pass
SIDE = 256  # of the matrices that are multiplied
TOKENS = (16, 64)  # of the texts of a probe that asks for no length
PIXELS = 96  # a side of the pictures, where the model takes any size
SMALLEST = (50, 20)  # train and held-out samples of somebody's own data, at the least


@dataclass(frozen=True)
class TimeRange:
    """Between which seconds it will probably end, and what that rests on: the work of a step, FLOP a second here."""

    low_s: float
    high_s: float
    step_flops: int
    pace: float


@dataclass(frozen=True)
class ForwardWork:
    """What one sample takes through a model.

    Attributes:
        flops: of a forward pass over it.
        size: pixels of a side, or tokens, that they were counted at; None where the model takes one size alone.
        text: whether the size is in tokens.
    """

    flops: float
    size: int | None
    text: bool

    def at(self, asked: int | None) -> tuple[float, float]:
        """FLOPs at the size that a probe takes, as a range."""
        if self.size is None:
            return self.flops, self.flops
        low, high = (asked, asked) if asked else TOKENS if self.text else (PIXELS, PIXELS)
        power = 1 if self.text else 2
        return self.flops * min(1, low / self.size) ** power, self.flops * (high / self.size) ** power


def time_range(
    work: ForwardWork,
    request: ProbeRequest,
    mask: Mask | None = None,
    selections: int = 1,
    own: tuple[int, int] | None = None,
) -> TimeRange | None:
    """Seconds of a probe, or of so many in turn on one model; None where a graphics card computes.

    The least is where the frozen part is computed once, the most where every step runs the whole model, forward and
    back, and what is held out is measured before and after; of many selections, half of the backward pass on average.

    Args:
        mask: of the one probe; None where each has another.
        own: samples of somebody's own data, to train on and held out, where it was looked at.
    """
    if machine.gpu_count():
        return None
    known = built_in(request.data, request.source.task) if request.data in BUILT_IN else None
    most_own = (TRAIN_SIZE, TEST_SIZE)
    seen = own and (min(own[0], most_own[0]), min(own[1], most_own[1]))
    sizes = (known.train_size, known.test_size) if known else seen or most_own
    least = sizes if known or seen else SMALLEST
    stepped = request.steps * min(request.batch_size, sizes[0])
    once = min(least[0], stepped) + least[1]
    if mask is None:  # from the head alone to everything: on average half of the way back
        most = selections * (stepped * (1 + BACKWARD / 2) + sizes[1]) + sizes[1]
        cheapest = once + selections * stepped
    else:
        most = stepped * (1 + BACKWARD) + 2 * sizes[1] + sizes[0]
        cheapest = once if mask.frozen else most
    low, high = work.at(request.sequence_length if work.text else request.image_size)
    step = round(high * request.batch_size * (1 + BACKWARD))
    ends = (cheapest * low / REACHED[0], most * high / REACHED[1])
    return TimeRange(STARTING_S[0] + ends[0] / pace(), STARTING_S[1] + ends[1] / pace(), step, pace())


def pace() -> float:
    """FLOP a second of matrix products on this machine's processor: the best that was seen, looked at anew each minute,
    since another program may have had the processor."""
    _seen["best"] = max(_seen.get("best", 0.0), _measured(int(time.monotonic() // 60)))
    return _seen["best"]


@lru_cache(maxsize=1)
def _measured(minute: int) -> float:
    """The best of some milliseconds in this minute."""
    import numpy  # a page without a server has none, and measures nothing

    matrix = numpy.ones((SIDE, SIDE), numpy.float32)
    best = float("inf")
    for _ in range(20):
        began = time.perf_counter()
        matrix @ matrix
        best = min(best, time.perf_counter() - began)
    return 2 * SIDE**3 / best


_seen: dict[str, float] = {}
