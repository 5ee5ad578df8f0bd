"""Names: parameter names as a tree of their dotted parts, and sets of them as the bits of one integer.

Unlike the sorted names on which rules are resolved, these stand in the model's order, in which code names them.
"""

from __future__ import annotations

from collections.abc import Iterable

from freezecore.tree import LayerTree


class TrieNode:
    """A module's path or a parameter's name, its last part, and the names at or under it as bits."""

    __slots__ = ("bits", "children", "parent", "part", "path")

    def __init__(self, path: str, part: str, parent: TrieNode | None) -> None:
        self.path = path
        self.part = part
        self.parent = parent
        self.bits = 0
        self.children: dict[str, TrieNode] = {}


class NameTrie:
    """A model's parameter names, in order; bit i of a set stands for the i-th.

    Attributes:
        names: the names.
        parts: each name's dotted parts.
        root: the tree of those parts.
        having: the names that have a dotted part, by that part.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        self.parts = [name.split(".") for name in self.names]
        self.root = TrieNode("", "", None)
        self.having: dict[str, int] = {}
        self._nodes: dict[str, TrieNode] = {}
        for i, name in enumerate(self.names):
            self._add(name, self.parts[i]).bits |= 1 << i
        for node in reversed(self._nodes.values()):  # parents were made before their children
            node.parent.bits |= node.bits
            self.having[node.part] = self.having.get(node.part, 0) | node.bits

    def _add(self, name: str, parts: list[str]) -> TrieNode:
        above = self._nodes.get(name.rpartition(".")[0])  # is there already for most
        node = above or self.root
        for part in parts[-1:] if above else parts:
            child = node.children.get(part)
            if child is None:
                path = f"{node.path}.{part}" if node.parent else part
                child = node.children[part] = self._nodes[path] = TrieNode(path, part, node)
            node = child
        return node

    def set_of(self, names: Iterable[str]) -> int:
        """These names as bits."""
        wanted = set(names)
        return int("".join(["1" if name in wanted else "0" for name in reversed(self.names)]) or "0", 2)

    def at_or_under(self, paths: Iterable[str]) -> int:
        """The names that lie at or under one of these paths."""
        found = 0
        for path in paths:
            found |= self._nodes[path].bits
        return found

    def having_any(self, words: Iterable[str]) -> int:
        """The names that have one of these words among their dotted parts."""
        found = 0
        for word in words:
            found |= self.having[word]
        return found


def names_in_order(tree: LayerTree) -> NameTrie:
    """The names of the tree's parameters, made once and kept with the tree as its cached properties are."""
    kept = vars(tree)
    if "_names_in_order" not in kept:
        kept["_names_in_order"] = NameTrie(p.name for p in tree.parameters)
    return kept["_names_in_order"]


def first_of(bits: int) -> int:
    """The place of the first name of a set that is not empty."""
    return (bits & -bits).bit_length() - 1
