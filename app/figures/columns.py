"""The model as a row of columns in execution order: what stands before the blocks, each block, what comes after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from freezecore.mask import Mask
from freezecore.tree import LayerTree

from ..text import Words

State = Literal["frozen", "trainable", "mixed"]


@dataclass(frozen=True)
class Column:
    """One column: its label and what it holds.

    Attributes:
        label: `0`, `1`, … for blocks; `embeddings`, `stem`, `head` or `rest` for the others.
        tower: the tower it belongs to; empty for what stands outside.
        positions: its parameters, as ascending positions in the tree.
        parameters: scalars.
        block: its number in the tower; None where it is no block.
    """

    label: str
    tower: str
    positions: tuple[int, ...]
    parameters: int
    block: int | None = None

    def state(self, mask: Mask) -> State:
        """Whether what it holds trains."""
        trains = {mask.trains[i] for i in self.positions}
        return "mixed" if len(trains) == 2 else "trainable" if True in trains else "frozen"

    def share(self, mask: Mask) -> float:
        """How much of what it holds trains, by scalars, from 0 to 1."""
        return sum(mask.tree.sizes[i] for i in self.positions if mask.trains[i]) / self.parameters


@lru_cache(maxsize=64)
def columns(tree: LayerTree) -> tuple[Column, ...]:
    """Every parameter in exactly one column; columns without parameters are left out."""
    left = dict.fromkeys(range(len(tree.parameters)))
    found: list[Column] = []

    def take(label: str, tower: str, wanted: Sequence[int], block: int | None = None) -> None:
        positions = tuple(sorted({i for i in wanted if i in left}))
        for i in positions:
            del left[i]
        if positions:
            found.append(Column(label, tower, positions, sum(tree.sizes[i] for i in positions), block))

    head = set(tree.under_each(tree.head))
    for tower in tree.towers:
        before = [i for i in tree.under_each(tower.before) if i not in head]
        take("embeddings" if tower.embeddings else "stem", tower.name, before)
        for number, path in enumerate(tower.blocks):
            take(str(number), tower.name, tree.in_block(path), number)
    take("rest", "", [i for i in left if i not in head])
    take("head", "", list(head))
    return tuple(found)


def labels(found: Sequence[Column], words: Words) -> list[str]:
    """One label a column: `0 (input)`, `1`, …, `11 (output)`, with the tower's name where there are several."""
    last = {column.tower: column.block for column in found if column.block is not None}
    several = len(last) > 1
    texts = []
    for column in found:
        if column.block is None:
            text = words(f"column.{column.label}")
        elif column.block == 0:
            text = f"0 ({words('side.input')})"
        elif column.block == last[column.tower]:
            text = f"{column.block} ({words('side.output')})"
        else:
            text = column.label
        texts.append(f"{column.tower} {text}" if several and column.tower else text)
    return texts
