"""Peaks: one mask's peak at any batch size, and the largest batch under a limit, from a handful of evaluations.

At each moment of the step what is alive is a line in the batch size (see `freezecore._trace`), so the peak, the highest
of these lines, is convex: it runs below any chord and above any tangent. A chord and a tangent that leave no whole
batch size between them name the answer without trying it. The CUDA allocator's rounding bends the lines by up to a
block per storage, so there an answer that is closer than that is tried.
"""

from __future__ import annotations

from collections.abc import Callable

from freezecore._estimate.cost import estimate
from freezecore._estimate.trace_at_batch import CUDA_BLOCK
from freezecore._trace import Trace
from freezecore.mask import Mask
from freezecore.workload import LIMITS

SMALLEST, LARGEST = LIMITS["batch_size"]


class Peaks:
    """Peaks of one mask by batch size, each evaluated once for all limits that are asked about; some may be `known`."""

    def __init__(self, trace: Trace, mask: Mask, known: dict[int, int] | None = None) -> None:
        self.trace, self.mask = trace, mask
        self._known = known or {}
        self._steepest: dict[int, int] = {}  # by batch size, a bound of `_slope` that takes no evaluation
        self._bounds = all(amount.fixed >= 0 and not amount.square for amount in trace.amounts)  # until they fail
        stored = len(trace.sizes) + 4 * len(trace.parameters)  # each parameter's own, gradient and optimizer state
        self._rounding = CUDA_BLOCK * stored if trace.workload.device == "cuda" else 0

    def __call__(self, batch_size: int) -> int:
        """The peak in bytes; raises where it is unknown."""
        if batch_size not in self._known:
            cost = estimate(self.trace, self.mask, batch_size=batch_size).required()
            self._known[batch_size] = cost.peak_bytes
            # The line of the peak's moment begins at no less than what no batch changes.
            rising = cost.peak_bytes - cost.weights - cost.optimizer - cost.gradients
            self._steepest[batch_size] = -(-rising // batch_size)
        return self._known[batch_size]

    def largest(self, limit: int) -> int | None:
        """Most samples per step whose peak is at most `limit` bytes; 0 when not even one does.

        None where the trace is exact for one batch size alone.
        """
        if len(self.trace.batch_sizes) == 1:
            return None
        if all(peak > limit for peak in self._known.values()) and self(SMALLEST) > limit:
            return 0
        if all(peak <= limit for peak in self._known.values()) and self(LARGEST) <= limit:
            return LARGEST
        found = self._between(limit)
        if not self._rounding or self._certain(found, limit):
            return found
        if self._bounds:
            self._bounds = False
            return self.largest(limit)
        return self._tried(found, limit)

    def _between(self, limit: int) -> int:
        low = max(size for size, peak in self._known.items() if peak <= limit)
        high = min(size for size, peak in self._known.items() if peak > limit)
        while high - low > 1:
            below = low + (limit - self(low)) * (high - low) // (self(high) - self(low))  # a chord runs above
            slope = self._slope(high)
            # A tangent runs below; where there is rounding only, none can be followed.
            above = high + (limit - self(high)) // slope if slope > 0 else (low + high) // 2
            above = min(max(above, low), high - 1)
            if below >= above:
                return below
            if self._bounds:
                self._bounds = False
                continue
            low = below if self(below) <= limit else low
            low, high = (above, high) if self(above) <= limit else (low, above)
        return low

    def _slope(self, size: int) -> int:
        """At least what the peak rises by just before this size."""
        if self._bounds and size in self._steepest:
            return self._steepest[size]
        after = size + 1 if size + 1 in self._known else size
        return self(after) - self(after - 1)

    def _certain(self, found: int, limit: int) -> bool:
        """Whether the lines around an answer leave more room than rounding can bend them."""
        low = max(size for size in self._known if size <= found)
        high = min(size for size in self._known if size > found)
        chord = self(low) + (self(high) - self(low)) * (found - low) // (high - low)
        tangent = self(high) - self._slope(high) * (high - found - 1)
        return chord + self._rounding <= limit < tangent - self._rounding

    def _tried(self, found: int, limit: int) -> int:
        while found > SMALLEST and self(found) > limit:
            found -= 1
        while found < LARGEST and self(found + 1) <= limit:
            found += 1
        return found


def under(budget: int, margin: Callable[[int], int]) -> int:
    """The largest peak that fits in a budget together with its margin, which rises with the peak; bytes."""
    low, high = -1, budget
    while low < high:
        middle = (low + high + 1) // 2
        if middle + margin(middle) <= budget:
            low = middle
        else:
            high = middle - 1
    return low
