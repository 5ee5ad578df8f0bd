"""Difference: two selections of one model side by side: what trains in one alone, and what that costs or saves."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import compress

from freezecore._estimate.cost import PARTS, AnyEstimate
from freezecore.mask import Mask
from freezecore.report import bytes_text, change_text, count_text, flops_text, html_table, table
from freezecore.sentences import say

HEADER = ("", "first", "other", "change")
FIRST_NAMES = 6  # of those that change, as many are told


@dataclass(frozen=True)
class Difference:
    """A first selection and another.

    Attributes:
        first, other: their masks.
        first_cost, other_cost: their estimates.
    """

    first: Mask
    other: Mask
    first_cost: AnyEstimate
    other_cost: AnyEstimate

    @property
    def frozen_by_other(self) -> tuple[str, ...]:
        """Parameters that train in the first alone."""
        return self._names(True)

    @property
    def trained_by_other(self) -> tuple[str, ...]:
        """Parameters that train in the other alone."""
        return self._names(False)

    @property
    def saved_bytes(self) -> int | None:
        """By how much the other's peak is lower; None where one of the two is unknown."""
        first, other = self.first_cost, self.other_cost
        return first.peak_bytes - other.peak_bytes if first.known and other.known else None

    def __str__(self) -> str:
        return "\n".join([table(HEADER, self._rows(), right=[1, 2, 3]), "", *self._changes()])

    def _repr_html_(self) -> str:
        return html_table(HEADER, self._rows(), right=[1, 2, 3], below=self._changes())

    def _names(self, first: bool) -> tuple[str, ...]:
        sides = zip(self.first.trains, self.other.trains, strict=True)
        return tuple(p.name for p in compress(self.first.tree.parameters, (a != b and a == first for a, b in sides)))

    def _rows(self) -> list[tuple[str, ...]]:
        trained = self.first.trainable, self.other.trainable
        rows = [("trainable", *map(count_text, trained), change_text(trained[1], trained[0]))]
        for names, words in ((("peak_bytes", *PARTS), bytes_text), (("flops_forward", "flops_backward"), flops_text)):
            for name in names:
                one, two = (getattr(cost, name, None) for cost in (self.first_cost, self.other_cost))
                rows.append((name, words(one), words(two), change_text(two, one)))
        return rows

    def _changes(self) -> list[str]:
        pairs = (("trains in the first alone", self.frozen_by_other), ("in the other alone", self.trained_by_other))
        told = [f"{what}: {_listed(names)}" for what, names in pairs if names]
        return told or [say("The same parameters train.")]


def _listed(names: tuple[str, ...]) -> str:
    more = len(names) - FIRST_NAMES
    return ", ".join(names[:FIRST_NAMES]) + (f" and {more} more" if more > 0 else "")
