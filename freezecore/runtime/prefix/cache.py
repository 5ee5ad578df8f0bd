"""Kept prefixes: what reaches a cut, computed when a sample is first used, and shared by the runs of a session."""

from __future__ import annotations

import time
from collections.abc import Mapping

import torch
from torch import Tensor

from freezecore.runtime.prefix.find import BatchSource, Prefix
from freezecore.runtime.prefix.store import Store, memory_budget
from freezecore.runtime.prefix.verify import close

AT_ONCE = 64
COMPARED = 3  # samples for which a start from another cut is held against a start from the input


class CachedPart:
    """The kept arguments of one part of the data.

    Attributes:
        seconds: spent on computing them so far.
        have: which samples are computed.
    """

    def __init__(
        self,
        prefix: Prefix,
        samples: BatchSource,
        *,
        tolerance: float,
        budget: int | None = None,
        base: CachedPart | None = None,
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


Key = tuple[str, int, object]  # path and number of the call at the cut; what else decides the values kept there
Parts = dict[str, CachedPart]


class PrefixCache:
    """The kept prefixes of one session, the oldest given up when together they take more than their share of memory."""

    def __init__(self, budget: int | None = None) -> None:
        self.kept: dict[Key, Parts] = {}
        self.budget = budget

    def parts(self, prefix: Prefix, samples: Mapping[str, BatchSource], values: object, tolerance: float) -> Parts:
        """What is kept of each part of the data at this cut; what an earlier run has computed is there already.

        Args:
            values: what decides the kept values beside the cut: the seed, where fresh weights lie before it.

        Raises:
            NotCuttable: there is no room.
        """
        key = (prefix.path, prefix.cut.nth, values)
        if key in self.kept:
            self.kept[key] = self.kept.pop(key)
            for part in self.kept[key].values():
                part.prefix = prefix
            return self.kept[key]
        base = self._shallower(prefix, values)
        found: Parts = {}
        try:
            for name, of in samples.items():
                found[name] = CachedPart(
                    prefix, of, tolerance=tolerance, budget=self.budget, base=base.get(name) if base else None
                )
        except BaseException:
            _close(found)
            raise
        self.kept[key] = found
        self._make_room(key)
        return found

    def _shallower(self, prefix: Prefix, values: object) -> Parts | None:
        """The deepest of those that lie before this cut."""
        entered = {key: next(iter(parts.values())).prefix.cut.entered for key, parts in self.kept.items()}
        before = [key for key, tick in entered.items() if key[2] == values and tick < prefix.cut.entered]
        return self.kept[max(before, key=entered.__getitem__)] if before else None

    def _make_room(self, newest: Key) -> None:
        room = self.budget if self.budget is not None else memory_budget(torch.device("cpu"))
        for key in list(self.kept):
            if key == newest or sum(_nbytes(parts) for parts in self.kept.values()) <= room:
                return
            self._drop(key)

    def _drop(self, key: Key) -> None:
        dropped = self.kept.pop(key)
        for parts in self.kept.values():
            for part in parts.values():
                if part.base in dropped.values():
                    part.base = None
        _close(dropped)

    def close(self) -> None:
        """Forget all of them, on disk too."""
        for key in list(self.kept):
            self._drop(key)


def _nbytes(parts: Parts) -> int:
    return sum(part.store.nbytes for part in parts.values())


def _close(parts: Parts) -> None:
    for part in parts.values():
        part.store.close()
