"""Recomputation: what gradient checkpointing keeps instead of activations, and what it makes again.

Inside a checkpointed region autograd keeps nothing but the region's arguments. The first backward step that asks for
something kept there runs the region's forward again, up to the last thing that is kept in it; what the backward steps
need of that then waits for them, and the arguments go with the last of them. Source: torch/utils/checkpoint.py
(the kind that is not reentrant, early stop included).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from freezecore._trace import Region, Trace

if TYPE_CHECKING:
    from freezecore._estimate.moments import Node

RANDOM_STATE = 5_056  # bytes of the random generator's state, which each region keeps in host memory


class Frame:
    """One checkpointed region under one mask.

    Attributes:
        region: where it is.
        inputs: storages of its arguments.
        born: storages made in it, with the step.
        ran: its steps, in order.
        waiting: its backward nodes that keep something and have not run.
        done: its forward has run again.
        holders: per storage made again, how many hold it.
    """

    def __init__(self, region: Region, inputs: frozenset[int]) -> None:
        self.region, self.inputs = region, inputs
        self.born: dict[int, int] = {}
        self.ran: list[int] = []
        self.waiting = 0
        self.done = False
        self.holders: dict[int, int] = {}
        self._nodes: dict[int, Node] = {}
        self._last, self._last_runs = -1, False

    def keep(self, node: Node, runs: bool) -> None:
        """Note a backward node; `runs` says that it keeps something that its own step makes."""
        if node.kept or node.copies:
            self.waiting += 1
            self._nodes[node.index] = node
            self._last, self._last_runs = node.index, runs

    def keeps(self, node: Node) -> bool:
        return node.index in self._nodes

    def again(self, trace: Trace, sizes: list[int]) -> Iterator[tuple[int, int]]:
        """Run the forward again: per step that runs, its index and the bytes by which what is alive has changed.

        The last pair, whose index is -1, is what goes when the function returns.
        """
        self.done = True
        made: dict[int, list[int]] = {}
        for number, index in self.born.items():
            made.setdefault(index, []).append(number)
        alive: set[int] = set()  # what Python itself holds
        for index in self.ran:
            if index > self._last:
                break
            change = sum(self._let_go(n, sizes) for n in trace.ends[index] if n in alive)
            alive.difference_update(trace.ends[index])
            runs = index < self._last or self._last_runs
            for number in made.get(index, ()) if runs else ():
                self.holders[number] = 1
                alive.add(number)
                change += sizes[number]
            if node := self._nodes.get(index):
                change += node.copies
                for number in node.kept:
                    if number in self.holders:
                        self.holders[number] += 1
            yield (index if runs else -1), change
        yield -1, sum(self._let_go(number, sizes) for number in alive)

    def release(self, node: Node, sizes: list[int]) -> int:
        """A node lets go of what it kept: the bytes by which what is alive changes."""
        self.waiting -= 1
        return sum(self._let_go(number, sizes) for number in node.kept if number in self.holders) - node.copies

    def _let_go(self, number: int, sizes: list[int]) -> int:
        self.holders[number] -= 1
        if self.holders[number]:
            return 0
        del self.holders[number]
        return -sizes[number]
