"""What a cut keeps of one part of the data, computed when a sample is first used: the first step need not wait."""

from __future__ import annotations

import time

import torch
from torch import Tensor

from freezecore.runtime.prefix.plan import Prefix, Samples
from freezecore.runtime.prefix.store import Store
from freezecore.runtime.prefix.verify import close

AT_ONCE = 64
COMPARED = 3  # samples for which a start from another cut is held against a start from the input


class Kept:
    """The kept arguments of one part of the data.

    Attributes:
        seconds: spent on computing them so far.
        have: which samples are computed.
    """

    def __init__(
        self,
        prefix: Prefix,
        samples: Samples,
        *,
        tolerance: float,
        budget: int | None = None,
        base: Kept | None = None,
    ) -> None:
        """`base` is a cut further in front, from which this one's arguments are cheaper to compute.

        Raises:
            NotCuttable: neither memory nor disk has room for all samples.
        """
        self.prefix, self.samples, self.tolerance, self.base = prefix, samples, tolerance, base
        self.store = Store(prefix.cut.per_sample, len(samples), samples.device, budget)
        self.have = torch.zeros(len(samples), dtype=torch.bool)
        self.seconds = 0.0

    def forward(self, positions: Tensor) -> Tensor:
        """Logits of these samples."""
        self.ensure(positions)
        return self.prefix.forward(self.samples, positions, self.store.take(positions))

    def lacks(self, positions: Tensor | None = None) -> int:
        """How many of these samples, or of all, are not computed yet."""
        return int((~(self.have if positions is None else self.have[positions.cpu()])).sum())

    def ensure(self, positions: Tensor) -> None:
        """Compute what is not yet kept of these samples."""
        asked = positions.cpu()
        missing = asked[~self.have[asked]].unique()
        if not len(missing):
            return
        began = time.perf_counter()
        for part in missing.to(positions.device).split(AT_ONCE):
            if self.base is not None and not self.have.any():
                self._try_base(part[:COMPARED])
            self._compute(part)
        self.seconds += time.perf_counter() - began

    def _compute(self, part: Tensor) -> None:
        base = self.base
        if base is None:
            self.prefix.keep(self.samples, part, self.store, lambda: self.samples.forward(part))
        else:
            base.ensure(part)
            batch = base.store.take(part)
            self.prefix.keep(self.samples, part, self.store, lambda: base.prefix.forward(self.samples, part, batch))
        self.have[part.cpu()] = True

    def _try_base(self, some: Tensor) -> None:
        """Go without the base if a start from there gives other values than a start from the input."""
        self._compute(some)
        found = self.store.take(some)
        base, self.base = self.base, None
        self._compute(some)
        if all(close(one, other, self.tolerance) for one, other in zip(self.store.take(some), found, strict=True)):
            self.base = base
