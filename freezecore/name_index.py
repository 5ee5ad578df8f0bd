"""NameIndex: the names of a tree's parameters, sorted, as a tree of dotted parts, with sets of them as integers.

Bit i of a set stands for the i-th name. What lies under a path is one run of bits, so unions, differences and counts
take microseconds for thousands of names.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from functools import cached_property, reduce
from itertools import accumulate, compress
from operator import or_
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from freezecore.tree import LayerTree, Parameter

FEW_RUNS = 16  # beyond them, marking characters is cheaper than joining integers
_ZERO_ONE = bytes.maketrans(b"01", b"\x00\x01")


class PathNode:
    """A dotted path, what follows it, and the run of sorted names at or below it: from `low` up to `high`.

    `depth` counts the dots in the path; the root's is -1.
    """

    __slots__ = ("children", "depth", "high", "low", "path")

    def __init__(self, path: str, depth: int, low: int) -> None:
        self.path = path
        self.depth = depth
        self.low = low
        self.high = low
        self.children: dict[str, PathNode] = {}

    def family(self) -> list[PathNode]:
        """The node and everything below it."""
        found = [self]
        for node in found:
            found.extend(node.children.values())
        return found

    @property
    def run(self) -> int:
        """The names at or below it, as bits."""
        return (1 << self.high) - (1 << self.low)


class NameIndex:
    """The names of one tree; `LayerTree.names` makes it once.

    Attributes:
        names: every name and alias, sorted.
        positions: for each name, its parameter's place in `tree.parameters`.
        everything: all bits set.
    """

    def __init__(self, tree: LayerTree) -> None:
        pairs = sorted((name, i) for i, parameter in enumerate(tree.parameters) for name in parameter.names)
        self.tree = tree
        self.names = [name for name, _ in pairs]
        self.positions = [position for _, position in pairs]
        self.everything = (1 << len(pairs)) - 1

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
        return self.all_names_of(i for i, parameter in enumerate(self.tree.parameters) if holds(parameter))

    def positions_of(self, found: int) -> tuple[int, ...]:
        """Places in `tree.parameters`, ascending, each once."""
        return tuple(sorted(set(compress(self.positions, flags(found)))))

    def first_position(self, found: int) -> int:
        """The first of `positions_of`."""
        low, high = (found & -found).bit_length() - 1, found.bit_length()
        if found.bit_count() == high - low:
            return min(self.positions[low:high])
        return self.positions_of(found)[0]

    def all_names_of(self, positions: Iterable[int]) -> int:
        """The bits of every name of these parameters."""
        chosen = set(positions)
        return bits(position in chosen for position in self.positions) if chosen else 0

    def per_parameter(self, found: int) -> tuple[bool, ...]:
        """For each of `tree.parameters`, whether the bit of one of its names is set."""
        truths = [False] * len(self.tree.parameters)
        for position in compress(self.positions, flags(found)):
            truths[position] = True
        return tuple(truths)

    @cached_property
    def exact(self) -> dict[str, int]:
        """The bit of each full name."""
        return {name: 1 << i for i, name in enumerate(self.names)}

    @cached_property
    def first_names(self) -> int:
        """The first name of each parameter, under which `named_parameters()` lists it."""
        pairs = zip(self.names, self.positions, strict=True)
        return bits(self.tree.parameters[position].name == name for name, position in pairs)

    @cached_property
    def tied(self) -> int:
        """All names of the parameters that have several."""
        return self.parameters_where(lambda parameter: bool(parameter.aliases))

    @cached_property
    def frozen_by_author(self) -> int:
        """All names of the parameters that were frozen when the model was built."""
        return self.parameters_where(lambda parameter: parameter.frozen_by_author)

    @cached_property
    def of_type(self) -> dict[str, list[str]]:
        """The paths of the modules of each class, aliases included."""
        found: dict[str, list[str]] = {}
        for layer in self.tree.layers:
            found.setdefault(layer.type, []).extend((layer.path, *layer.aliases))
        return found

    @cached_property
    def root(self) -> PathNode:
        """The names as a tree of their dotted parts."""
        root = PathNode("", -1, 0)
        within = [(root, "")]  # the way down to the last name, each node with what the names below it begin with
        for i, name in enumerate(self.names):
            while not name.startswith(within[-1][1]):
                within.pop()[0].high = i
            node, start = within[-1]
            for part in name[len(start) :].split("."):
                start += part
                child = node.children.get(part)
                if child is None:
                    child = node.children[part] = PathNode(start, node.depth + 1, i)
                start += "."
                within.append((child, start))
                node = child
        for node, _ in within:
            node.high = len(self.names)
        return root

    @cached_property
    def nodes(self) -> dict[str, PathNode]:
        """The nodes of `root` by their path."""
        return {node.path: node for node in self.root.family()}

    @cached_property
    def having(self) -> dict[str, int]:
        """The names that have a dotted part, at their end or before, by that part."""
        return {part: self.runs((n.low, n.high) for n in nodes) for part, nodes in self.by_last.items()}

    @cached_property
    def by_last(self) -> dict[str, list[PathNode]]:
        """The nodes below `root` by the last part of their path."""
        found: dict[str, list[PathNode]] = {}
        for node in self.root.family():
            for part, child in node.children.items():
                found.setdefault(part, []).append(child)
        return found


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
