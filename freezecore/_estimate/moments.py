"""Timeline: what is alive at each moment of a training step, as the same simulation has it that prices the step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from freezecore._estimate.cost import simulated
from freezecore._estimate.replay import Moment
from freezecore._estimate.simulator import FORWARD
from freezecore._trace import Trace
from freezecore.mask import Mask
from freezecore.report import bytes_text

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Timeline:
    """What is alive through one step, in bytes.

    Attributes:
        weights: parameters and buffers, which are there all the time.
        optimizer: its state, which is too.
        batches: inputs and targets, which are too.
        moments: in order, one for each call of the forward pass, two for each call that autograd comes back to, and
            the optimizer's step; what is alive then beside the three above.
        steps: calls of the forward pass, whether or not they ran.
    """

    weights: int
    optimizer: int
    batches: int
    moments: tuple[Moment, ...]
    steps: int

    @property
    def peak(self) -> int:
        """The position of the moment at which most is alive."""
        return max(range(len(self.moments)), key=lambda position: self.moments[position].total)

    @property
    def peak_bytes(self) -> int:
        """Most that is alive at once; what `estimate` says."""
        return self.bytes_at(self.moments[self.peak])

    def bytes_at(self, moment: Moment) -> int:
        """Everything that is alive at one of its moments."""
        return self.weights + self.optimizer + self.batches + moment.total

    def place(self, moment: Moment) -> int:
        """Where a moment stands from the step's first call (0) to its optimizer's step, whatever trains: each call of
        the forward pass has its place, and its backward step the mirrored one."""
        if moment.place < 0:
            return 2 * self.steps
        return moment.place if moment.phase == FORWARD else 2 * self.steps - 1 - moment.place

    def highest(self, most: int) -> list[Moment]:
        """At most so many moments, each the highest of its stretch: enough to draw, and the peak among them."""
        return highest(self.moments, most, lambda moment: moment.total)

    def to_json(self) -> list[dict]:
        """Its moments as JSON values: `bytes` is the sum of the five parts, whose names are those of an estimate."""
        return [
            {
                "phase": moment.phase,
                "layer": moment.layer,
                "operation": moment.operation,
                "bytes": self.bytes_at(moment),
                "weights": self.weights,
                "gradients": moment.gradients,
                "optimizer": self.optimizer,
                "activations": moment.activations + self.batches,
                "temporaries": moment.temporaries,
            }
            for moment in self.moments
        ]

    def __str__(self) -> str:
        peak = self.moments[self.peak]
        where = peak.layer or peak.operation or peak.phase
        return f"{len(self.moments):,} moments, at most {bytes_text(self.peak_bytes)} ({peak.phase}, at {where})"


def timeline(trace: Trace, mask: Mask, *, batch_size: int | None = None) -> Timeline:
    """What is alive through one step under this mask.

    Raises:
        UnknownCost: the peak is unknown, with the reason.
        FreezeError: what `estimate` raises.
    """
    step = simulated(trace, mask, batch_size=batch_size)
    weights, steps = step.replay.traced.weights, len(trace.steps)
    return Timeline(weights, step.optimizer, step.batches, tuple(step.moments), steps)


def highest(items: Sequence[T], most: int, size: Callable[[T], int]) -> list[T]:
    """At most so many of the items, in order: the largest of each of equally long stretches."""
    stretch = -(-len(items) // most)
    return [max(items[i : i + stretch], key=size) for i in range(0, len(items), stretch or 1)]
