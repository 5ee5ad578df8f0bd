"""Kept prefixes of one session, shared by its runs: a cut is computed once, a deeper one from a shallower."""

from __future__ import annotations

import torch

from freezecore.runtime.prefix.activations import Kept
from freezecore.runtime.prefix.plan import Prefix, Samples
from freezecore.runtime.prefix.store import memory_budget

Key = tuple[str, int, object]  # path and number of the call at the cut; what else decides the values kept there
Parts = dict[str, Kept]


class Shelf:
    """The kept prefixes of one session, the oldest given up when together they take more than their share of memory."""

    def __init__(self, budget: int | None = None) -> None:
        self.kept: dict[Key, Parts] = {}
        self.budget = budget

    def parts(self, prefix: Prefix, samples: dict[str, Samples], values: object, tolerance: float) -> Parts:
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
                found[name] = Kept(
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
