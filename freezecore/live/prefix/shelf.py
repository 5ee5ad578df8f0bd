"""Captured prefixes of one session, shared by its runs: a cut is captured once, a deeper one from a shallower."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from freezecore.live.prefix.plan import Prefix, Samples
from freezecore.live.prefix.store import Store, memory_budget
from freezecore.live.prefix.verify import close

SAMPLED = 3  # rows of a shared capture that are compared with a direct one

Key = tuple[str, int, object]  # path and number of the call at the cut; what else decides the values kept there


@dataclass
class Captured:
    """What one cut keeps of the two parts of the data."""

    prefix: Prefix
    stores: dict[str, Store]

    @property
    def nbytes(self) -> int:
        return sum(store.nbytes for store in self.stores.values())


class Shelf:
    """The captures of one session, the oldest given up when together they take more than their share of memory."""

    def __init__(self, budget: int | None = None) -> None:
        self.kept: dict[Key, Captured] = {}
        self.budget = budget

    def capture(
        self, prefix: Prefix, parts: dict[str, Samples], values: object, tolerance: float, each: Callable[[int], None]
    ) -> Captured:
        """The stores of this cut, captured now unless an earlier run has done it.

        Args:
            values: what decides the kept values beside the cut: the seed, where fresh weights lie before it.
            each: hears how many samples are done; may raise to stop.

        Raises:
            NotCuttable: there is no room.
        """
        key = (prefix.path, prefix.cut.nth, values)
        if key in self.kept:
            captured = self.kept[key] = self.kept.pop(key)
            captured.prefix = prefix
            return captured
        base = self._shallower(prefix, values)
        stores, done = {}, 0
        try:
            for name, samples in parts.items():
                start = done
                stores[name] = self._one(prefix, samples, base, name, tolerance, lambda n, start=start: each(start + n))
                done += len(samples)
        except BaseException:
            for store in stores.values():
                store.close()
            raise
        self.kept[key] = Captured(prefix, stores)
        self._make_room(key)
        return self.kept[key]

    def _one(self, prefix: Prefix, samples: Samples, base: Captured | None, name: str, tolerance: float, each) -> Store:
        every = torch.arange(len(samples), device=samples.device)
        if base is None:
            return prefix.capture(samples, every, budget=self.budget, each_part=each)
        via = (base.prefix, base.stores[name])
        store = prefix.capture(samples, every, budget=self.budget, each_part=each, via=via)
        direct = prefix.capture(samples, every[:SAMPLED])
        pairs = zip(direct.take(every[:SAMPLED]), store.take(every[:SAMPLED]), strict=True)
        if all(close(one, other, tolerance) for one, other in pairs):
            return store
        store.close()
        return prefix.capture(samples, every, budget=self.budget, each_part=each)

    def _shallower(self, prefix: Prefix, values: object) -> Captured | None:
        """The deepest capture that lies before this cut."""
        before = [
            captured
            for (_, _, of), captured in self.kept.items()
            if of == values and captured.prefix.cut.entered < prefix.cut.entered
        ]
        return max(before, key=lambda captured: captured.prefix.cut.entered, default=None)

    def _make_room(self, newest: Key) -> None:
        room = self.budget if self.budget is not None else memory_budget(torch.device("cpu"))
        for key in list(self.kept):
            if key == newest or sum(captured.nbytes for captured in self.kept.values()) <= room:
                return
            self._drop(key)

    def _drop(self, key: Key) -> None:
        for store in self.kept.pop(key).stores.values():
            store.close()

    def close(self) -> None:
        """Forget all of them, on disk too."""
        for key in list(self.kept):
            self._drop(key)
