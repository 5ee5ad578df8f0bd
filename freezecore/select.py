"""What a selector hits: sets of a tree's names, held as the bits of one integer.

The names of all parameters, aliases included, are sorted, so what lies under a path is one run of bits and unions,
differences and counts cost microseconds for thousands of parameters.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from functools import cached_property
from itertools import compress

from freezecore.globs import Node, PartMatch, is_glob, matching, path_tree
from freezecore.regexes import compile_bounded
from freezecore.spec import Selector
from freezecore.tree import LayerTree, Parameter, Tower

MOST_REMEMBERED = 2_000
_ZERO_ONE = bytes.maketrans(b"01", b"\x00\x01")


class Names:
    """The sorted names of one tree.

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
        self._remembered: dict[Selector, int] = {}

    def hits(self, selector: Selector) -> int:
        """The names that a selector hits, as bits."""
        found = self._remembered.get(selector)
        if found is None:
            if len(self._remembered) > MOST_REMEMBERED:
                self._remembered.clear()
            found = self._remembered[selector] = _FORMS[selector.form](self, selector)
        return found

    def under(self, path: str) -> int:
        """The names under a module path, or the one parameter of that name; `''` takes all."""
        if not path:
            return self.everything
        start = bisect_left(self.names, path)
        if start < len(self.names) and self.names[start] == path:
            return 1 << start
        low, high = bisect_left(self.names, path + "."), bisect_left(self.names, path + "/")  # '/' follows '.'
        return (1 << high) - (1 << low)

    def union(self, paths: Iterable[str]) -> int:
        """The names under any of these paths."""
        found = 0
        for path in paths:
            found |= self.under(path)
        return found

    def where(self, holds: Callable[[str], object]) -> int:
        """The names for which `holds` is true."""
        return bits(bool(holds(name)) for name in self.names)

    def parameters_where(self, holds: Callable[[Parameter], bool]) -> int:
        """All names of the parameters for which `holds` is true."""
        chosen = [holds(parameter) for parameter in self.tree.parameters]
        return bits(chosen[position] for position in self.positions)

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
        found: dict[str, list[Node]] = {}
        for node in self.root.family()[1:]:
            found.setdefault(node.path.rpartition(".")[2], []).append(node)
        return found

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


def in_tower(tower: Tower, name: str | None) -> bool:
    """The tower is called so: by its name, its path or the path's last part; None means every tower."""
    return name is None or name in (tower.name, tower.path, tower.path.rpartition(".")[2])


def chosen_positions(value: str, count: int) -> list[int]:
    """Which of `count` things `0-2`, `0,3`, `first3` or `last2` choose."""
    if value.startswith("first"):
        return list(range(min(int(value[5:]), count)))
    if value.startswith("last"):
        return list(range(max(count - int(value[4:]), 0), count))
    runs = [run.split("-") for run in value.split(",")]
    return sorted({i for run in runs for i in range(int(run[0]), min(int(run[-1]), count - 1) + 1)})


def _path(names: Names, selector: Selector) -> int:
    """A path that really exists is taken as it stands, whatever characters it has."""
    found = names.under(selector.value)
    if found or not is_glob(selector.value):
        return found
    return names.union(matching(names.root, selector.value))


def _contains(names: Names, selector: Selector) -> int:
    return names.where(lambda name: selector.value in name)


def _regex(names: Names, selector: Selector) -> int:
    return names.where(compile_bounded(selector.value).search)


def _type(names: Names, selector: Selector) -> int:
    matches = PartMatch(selector.value)
    layers = [layer for layer in names.tree.layers if matches[layer.type]]
    return names.union(path for layer in layers for path in (layer.path, *layer.aliases))


def _kind(names: Names, selector: Selector) -> int:
    tree, role = names.tree, selector.value
    if role == "all":
        return names.everything
    if role == "norms":
        return names.parameters_where(lambda parameter: parameter.norm)
    if role == "biases":
        return names.parameters_where(lambda parameter: parameter.bias)
    places = {
        "embeddings": ("embedding", [path for tower in tree.towers for path in tower.embeddings]),
        "stem": ("stem", [path for tower in tree.towers for path in tower.stem]),
        "head": ("head", tree.head),
    }
    kind, paths = places.get(role, (role, ()))
    found = names.union(paths)
    for parameter in tree.parameters:
        if parameter.kind == kind:
            found |= names.exact[parameter.name]
    return found


def _blocks(names: Names, selector: Selector) -> int:
    found = 0
    for tower in names.tree.towers:
        if in_tower(tower, selector.tower):
            for i in chosen_positions(selector.value, len(tower.blocks)):
                found |= names.under(tower.blocks[i])
    return found


def _stages(names: Names, selector: Selector) -> int:
    found = 0
    for tower in names.tree.towers:
        if in_tower(tower, selector.tower):
            for i in chosen_positions(selector.value, len(tower.stages)):
                stage = tower.stages[i]
                found |= names.union((stage.path, *stage.blocks) if stage.path else stage.blocks)
    return found


_FORMS: dict[str, Callable[[Names, Selector], int]] = {
    "path": _path,
    "contains": _contains,
    "regex": _regex,
    "type": _type,
    "kind": _kind,
    "blocks": _blocks,
    "stages": _stages,
}
