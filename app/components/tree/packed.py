"""A layer tree as the browser takes it: rows in the order they are read, each a few small numbers.

5,000 parameters in 12,000 rows stay under 300 kB, because names, classes and shapes stand once in a table. A model of
several parts is a section for each: a row with the part's name, and below it the outermost modules that hold nothing of
another part, by their whole paths.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from freezecore._presets import part_selector
from freezecore.rules.grammar import print_selector, whole_part
from freezecore.tree import LayerTree

BLOCK, SHARED, HEAD, INPUT, SECTION = 1, 2, 4, 8, 16
TIED, FUSED, AUTHOR, NEW = 1, 2, 4, 8


@dataclass
class _ModuleNode:
    """A module on the way from the root to its parameters."""

    path: str
    rank: float
    modules: dict[str, _ModuleNode] = field(default_factory=dict)
    leaves: dict[str, int] = field(default_factory=dict)
    holds: set[int] = field(default_factory=set)


class _TextTable:
    """Texts by number, each once."""

    def __init__(self) -> None:
        self.texts: dict[str, int] = {}

    def number(self, text: str) -> int:
        return self.texts.setdefault(text, len(self.texts))


@dataclass(frozen=True)
class Rows:
    """Paths of the rows in order, and the same as JSON for the browser."""

    paths: tuple[str, ...]
    data: dict

    @cached_property
    def at(self) -> dict[str, int]:
        """Row by path."""
        return {path: i for i, path in enumerate(self.paths)}

    def standing_for(self, path: str) -> list[int]:
        """A path's row; of a module that several sections share, what of it stands outermost in each."""
        if path in self.at:
            return [self.at[path]]
        depths = self.data["depth"]
        return [i for i, each in enumerate(self.paths) if depths[i] == 1 and each.startswith(f"{path}.")]


def pack(tree: LayerTree) -> Rows:
    """Every module that holds parameters and every name of every parameter, once, children after their parents."""
    names, labels = _TextTable(), _TextTable()
    blocks = set(tree.blocks)
    head, inputs = set(tree.head), set(tree.before_blocks)
    paths: list[str] = []
    columns: dict[str, list[int]] = {"depth": [], "name": [], "label": [], "leaf": [], "flags": []}
    uses: dict[str, int] = {}
    expected = 0

    def add(path: str, depth: int, name: str, label: str, leaf: int, flags: int) -> None:
        paths.append(path)
        for column, value in zip(columns.values(), (depth, names.number(name), labels.number(label), leaf, flags),
                                 strict=True):  # fmt: skip
            column.append(value)

    def place(path: str) -> int:
        return (HEAD if path in head else 0) | (INPUT if path in inputs else 0)

    def walk(node: _ModuleNode, depth: int) -> None:
        for name, item in _ordered(node):
            show(f"{node.path}.{name}" if node.path else name, name, item, depth)

    def show(path: str, name: str, item: _ModuleNode | int, depth: int) -> None:
        nonlocal expected
        if isinstance(item, _ModuleNode):
            layer = tree.layer_at.get(path)
            shared = bool(layer and (layer.aliases or (layer.uses or 1) > 1))
            if layer and (layer.uses or 1) > 1:
                uses[str(len(paths))] = layer.uses or 1
            flags = (BLOCK if path in blocks else 0) | (SHARED if shared else 0) | place(path)
            add(path, depth, name, layer.type if layer else "", 0, flags)
            walk(item, depth + 1)
        else:
            add(path, depth, name, _shape(tree, item), 1 if item == expected else item + 2, _marks(tree, item))
            expected = item + 1

    root = _trie(tree)
    if not tree.parts:
        walk(root, 0)
    for part in tree.parts:
        rule = print_selector(part_selector(tree, part.name))
        add(whole_part(part.name), 0, part.name, rule, 0, SECTION)
        for path, item in _outermost(root, set(tree.in_part[part.name])):
            show(path, path, item, 1)
    texts = {"names": list(names.texts), "labels": list(labels.texts)}
    about = {"uses": uses, "towers": _towers(tree, paths), "count": len(tree.parameters)}
    return Rows(tuple(paths), {**texts, **columns, **about})


def _towers(tree: LayerTree, paths: list[str]) -> list[dict]:
    """The towers that have blocks, these by their rows."""
    at = {path: i for i, path in enumerate(paths)}
    towers = [{"name": t.name, "blocks": [at[p] for p in t.blocks if p in at]} for t in tree.towers]
    return [tower for tower in towers if tower["blocks"]]


def _trie(tree: LayerTree) -> _ModuleNode:
    """The trie of all parameter names, each module ranked by its place in `tree.layers`."""
    rank = {path: i for i, layer in enumerate(tree.layers) for path in (layer.path, *layer.aliases)}
    root = _ModuleNode("", -1)
    for position, parameter in enumerate(tree.parameters):
        for name in parameter.names:
            *above, last = name.split(".")
            node = root
            for part in above:
                path = f"{node.path}.{part}" if node.path else part
                if part not in node.modules:
                    node.modules[part] = _ModuleNode(path, rank.get(path, node.rank))
                node = node.modules[part]
            node.leaves[last] = position
    _fill(root)
    return root


def _fill(node: _ModuleNode) -> set[int]:
    node.holds = set(node.leaves.values()).union(*(_fill(below) for below in node.modules.values()))
    return node.holds


def _outermost(node: _ModuleNode, own: set[int]) -> Iterator[tuple[str, _ModuleNode | int]]:
    """The outermost modules, and parameters beside them, that hold nothing but these parameters; each with its path."""
    for name, item in _ordered(node):
        path = f"{node.path}.{name}" if node.path else name
        if not isinstance(item, _ModuleNode):
            if item in own:
                yield path, item
        elif item.holds <= own:
            yield path, item
        elif not item.holds.isdisjoint(own):
            yield from _outermost(item, own)


def _ordered(node: _ModuleNode) -> Iterable[tuple[str, _ModuleNode | int]]:
    """A module's own parameters first, then its children in the order of the tree."""
    yield from sorted(node.leaves.items(), key=lambda item: item[1])
    yield from sorted(node.modules.items(), key=lambda item: item[1].rank)


def _shape(tree: LayerTree, position: int) -> str:
    return "×".join(str(size) for size in tree.parameters[position].shape)


def _marks(tree: LayerTree, position: int) -> int:
    parameter = tree.parameters[position]
    flags = (
        (bool(parameter.aliases), TIED),
        (parameter.fused, FUSED),
        (parameter.frozen_by_author, AUTHOR),
        (parameter.new, NEW),
    )
    return sum(flag for holds, flag in flags if holds)
