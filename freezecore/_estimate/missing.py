"""What a trace is missing for a mask is measured, until the mask can be priced (`cost.py`)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

from freezecore._estimate.cost import AnyEstimate, estimate
from freezecore._trace import Missing, Trace
from freezecore.mask import Mask

MOST_ROUNDS = 8  # what one round measures may raise new questions further on

Fill = Callable[[Trace, tuple[Missing, ...]], Trace]


def costliest(costs: Mapping[int, AnyEstimate]) -> int:
    """Of what each phase of a schedule costs, by its first epoch: the one with the highest peak, or an unknown one."""
    peaks = {epoch: cost.peak_bytes if cost.known else math.inf for epoch, cost in costs.items()}
    return max(peaks, key=peaks.__getitem__)


class Pricer:
    """Prices masks from one trace, and has combinations measured that no mask has asked for before.

    Attributes:
        trace: the training step, as complete as the masks so far have needed.
        fill: called with a trace and what an estimate from it was missing, returns the trace with that measured:
            where the model is, in this process or in another.
    """

    def __init__(self, trace: Trace, fill: Fill) -> None:
        self.trace, self.fill = trace, fill

    def estimate(self, mask: Mask, *, batch_size: int | None = None) -> AnyEstimate:
        """What one training step under this mask costs, as `freezecore.estimate` tells it.

        Raises:
            FreezeError: what `freezecore.estimate` raises, or what is missing cannot be measured.
        """
        cost = estimate(self.trace, mask, batch_size=batch_size)
        for _ in range(MOST_ROUNDS):
            if not cost.missing:
                break
            self.trace = self.fill(self.trace, cost.missing)
            cost = estimate(self.trace, mask, batch_size=batch_size)
        return cost

    def complete(self, masks: Iterable[Mask]) -> Trace:
        """The trace with everything measured that these masks need."""
        for mask in masks:
            self.estimate(mask)
        return self.trace
