"""The names of one tree, sorted, and sets of them as the bits of one integer.

What lies under a path is one run of bits, so unions, differences and counts take microseconds for thousands of names.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from functools import cached_property, reduce
from itertools import accumulate, compress
from operator import or_
from typing import Any

from freezecore.rules.globs import Node, by_last_part, path_tree
from freezecore.tree import LayerTree, Parameter

FEW_RUNS = 16  # beyond them, marking characters is cheaper than joining integers
_ZERO_ONE = bytes.maketrans(b"01", b"\x00\x01")


class Names:
    """The sorted names of one tree.

    Attributes:
        names: every name and alias, sorted.
        positions: for each name, its parameter's place in `tree.parameters`.
        everything: all bits set.
        kept: what others work out once per tree.
    """

    def __init__(self, tree: LayerTree) -> None:
        pairs = sorted((name, i) for i, parameter in enumerate(tree.parameters) for name in parameter.names)
        self.tree = tree
        self.names = [name for name, _ in pairs]
        self.positions = [position for _, position in pairs]
        self.everything = (1 << len(pairs)) - 1
        self.kept: dict[str, Any] = {}
        self._within: dict[str, dict[str, int]] = {}

    def under(self, path: str) -> int:
        """The names under a module path, or the one parameter of that name; `''` takes all."""
        low, high = self.span(path)
        return (1 << high) - (1 << low)

    def span(self, path: str) -> tuple[int, int]:
        """Where the names under a path stand among the sorted ones: from the first place up to the second."""
        if not path:
            return 0, len(self.names)
        start = bisect_left(self.names, path)
        if start < len(self.names) and self.names[start] == path:
            return start, start + 1
        return bisect_left(self.names, path + ".", start), bisect_left(self.names, path + "/", start)  # '/' follows '.'

    def union(self, paths: Iterable[str]) -> int:
        """The names under any of these paths."""
        return self.runs(map(self.span, paths))

    def runs(self, spans: Iterable[tuple[int, int]]) -> int:
        """The names in any of these runs, each from its first place up to its second."""
        spans = list(spans)
        if len(spans) <= FEW_RUNS:
            return union((1 << high) - (1 << low) for low, high in spans)
        marks = bytearray(b"0") * len(self.names)
        for low, high in spans:
            marks[low:high] = b"1" * (high - low)
        marks.reverse()
        return int(marks, 2)

    def where(self, holds: Callable[[str], object]) -> int:
        """The names for which `holds` is true."""
        return bits(bool(holds(name)) for name in self.names)

    def parameters_where(self, holds: Callable[[Parameter], bool]) -> int:
        """All names of the parameters for which `holds` is true."""
        chosen = [holds(parameter) for parameter in self.tree.parameters]
        return bits(chosen[position] for position in self.positions) if any(chosen) else 0

    def positions_of(self, found: int) -> tuple[int, ...]:
        """Places in `tree.parameters`, ascending, each once."""
        return tuple(sorted(set(compress(self.positions, flags(found)))))

    def all_names_of(self, positions: Iterable[int]) -> int:
        """The bits of every name of these parameters."""
        chosen = set(positions)
        return bits(position in chosen for position in self.positions)

    @cached_property
    def exact(self) -> dict[str, int]:
        """The bit of each full name."""
        return {name: 1 << i for i, name in enumerate(self.names)}

    @cached_property
    def by_last(self) -> dict[str, list[Node]]:
        """The nodes of `root` by the last part of their path."""
        return by_last_part(self.root)

    @cached_property
    def nodes(self) -> dict[str, Node]:
        """The nodes of `root` by their path."""
        return {node.path: node for node in self.root.family()}

    @cached_property
    def of_type(self) -> dict[str, list[str]]:
        """The paths of the modules of each class, aliases included."""
        found: dict[str, list[str]] = {}
        for layer in self.tree.layers:
            found.setdefault(layer.type, []).extend((layer.path, *layer.aliases))
        return found

    @cached_property
    def _blocks(self) -> frozenset[str]:
        return frozenset(self.tree.blocks)

    def block_of(self, path: str) -> str | None:
        """The innermost block above a path."""
        at = path.rfind(".")
        while at != -1:
            if path[:at] in self._blocks:
                return path[:at]
            at = path.rfind(".", 0, at)
        return None

    def within(self, path: str) -> dict[str, int]:
        """The names below a module by any part of their path inside it: all that is under an `attention`, a `bias`."""
        if path not in self._within:
            found: dict[str, int] = {}
            nodes = [self.nodes[path]]
            for node in nodes:
                for part, child in node.children.items():
                    found[part] = found.get(part, 0) | child.run
                    nodes.append(child)
            self._within[path] = found
        return self._within[path]

    @cached_property
    def frozen_by_author(self) -> int:
        return self.parameters_where(lambda parameter: parameter.frozen_by_author)

    @cached_property
    def tied(self) -> int:
        """All names of the parameters that have several."""
        return self.parameters_where(lambda parameter: bool(parameter.aliases))

    def per_parameter(self, found: int) -> tuple[bool, ...]:
        """For each of `tree.parameters`, whether the bit of one of its names is set."""
        truths = [False] * len(self.tree.parameters)
        for position in compress(self.positions, flags(found)):
            truths[position] = True
        return tuple(truths)

    @cached_property
    def root(self) -> Node:
        """The names as a tree of their dotted parts."""
        return path_tree(self.names)


def names_of(tree: LayerTree) -> Names:
    """The tree's sorted names, made once and kept with the tree as its cached properties are."""
    kept = vars(tree)
    if "_names" not in kept:
        kept["_names"] = Names(tree)
    return kept["_names"]


def bits(truths: Iterable[bool]) -> int:
    """An integer whose bit i is the i-th truth."""
    text = "".join(["1" if truth else "0" for truth in truths])
    return int(text[::-1] or "0", 2)


def flags(found: int) -> bytes:
    """The bits from the lowest up, each as a byte of 0 or 1."""
    return bin(found)[:1:-1].encode().translate(_ZERO_ONE)


def running_totals(found: int, length: int) -> list[int]:
    """How many of the first 0, 1, … `length` bits are set, so that a run's count is one subtraction."""
    return [0, *accumulate(flags(found)[:length].ljust(length, b"\0"))]


def union(sets: Iterable[int]) -> int:
    """All bits of all sets."""
    return reduce(or_, sets, 0)
