"""Selections: a set of parameter names said in few words, by whole dotted parts, and exact for any set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from math import inf

from freezecore._export.series import series, unnumbered
from freezecore.name_index import NameIndex, PathNode, flags, running_totals, union
from freezecore.tree import LayerTree, Parameter, prefixes

ENOUGH = 3  # a word pays for itself from so many paths on
BOTH = 10  # one list reads better than two
UNNATURAL = 30  # the way round in which a person chose reads better


@dataclass(frozen=True)
class Cover:
    """Names that lie at or under one of `paths`, or that have one of `words` among their dotted parts."""

    paths: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.paths or self.words)

    @cached_property
    def _sets(self) -> tuple[frozenset[str], frozenset[str]]:
        return frozenset(self.paths), frozenset(self.words)

    def has(self, name: str) -> bool:
        """Whether a name is covered."""
        paths, words = self._sets
        return name in paths or not paths.isdisjoint(prefixes(name)) or not words.isdisjoint(name.split("."))

    @cached_property
    def cost(self) -> int:
        """How much there is to read: its words and its paths, ranges of blocks taken together."""
        return _length((*self.words, *map(str, series(self.paths))))

    def costs_over(self, limit: float) -> bool:
        """Whether it costs more; paths that differ in more than numbers tell at once, without looking for ranges."""
        least, seen = _length(self.words), set()
        for path in self.paths:
            if least > limit:
                return True
            if (kind := unnumbered(path)) not in seen:
                seen.add(kind)
                least += _length((kind,))
        return least > limit or self.cost > limit


@dataclass(frozen=True)
class NameSelection:
    """What trains: the names that `take` covers (None: all), without those that `leave` covers."""

    take: Cover | None
    leave: Cover = Cover()

    def trains(self, name: str) -> bool:
        """Whether the parameter of this name trains."""
        return (self.take is None or self.take.has(name)) and not self.leave.has(name)

    @property
    def cost(self) -> int:
        """How much there is to read."""
        return (self.take.cost if self.take else 0) + self.leave.cost + self._both

    def costs_over(self, limit: float) -> bool:
        """Whether it costs more than that."""
        each = limit - self._both
        return any(cover.costs_over(each) for cover in (self.take, self.leave) if cover) or self.cost > limit

    @property
    def _both(self) -> int:
        return BOTH * bool(self.take and self.leave)


def select(
    names: NameIndex | Sequence[str], trainable: Iterable[str], *, mostly: bool = False, only_take: bool = False
) -> NameSelection:
    """The shortest selection found that hits exactly `trainable` among `names`.

    `mostly` says that what is frozen is the natural thing to name; `only_take` names what trains, for languages
    that have no exceptions.
    """
    if not isinstance(names, NameIndex):
        names = LayerTree("", (), tuple(Parameter(name, "", ()) for name in names)).names
    wanted = set(trainable)
    yes = names.where(wanted.__contains__) & names.first_names
    no = names.first_names & ~yes
    if not no:
        return NameSelection(None)
    sides = _sides(names, yes, no)
    take = _cover(names, sides.yes, yes, no)
    if only_take:
        return NameSelection(take)
    candidates = [NameSelection(take), NameSelection(None, _cover(names, sides.no, no, yes)), _nested(names, sides)]
    if words := _words(names, sides.no, no, yes):
        rest = no & ~_having(words, names)
        within = _cover(names, _sides(names, yes, rest).yes, yes, rest) if rest else None
        candidates.insert(2, NameSelection(within, Cover(words=words)))
    return _cheapest([candidate for candidate in candidates if _hit(candidate, names) & (yes | no) == yes], mostly)


def _cheapest(exact: Sequence[NameSelection], mostly: bool) -> NameSelection:
    """The first of those that cost least; the way round that is not natural costs more."""
    best, least = exact[0], inf
    for candidate in sorted(exact, key=lambda c: len(c.take.paths if c.take else ()) + len(c.leave.paths)):
        extra = UNNATURAL * ((candidate.take is None) != mostly)
        if candidate.costs_over(least - extra):
            continue
        cost = candidate.cost + extra
        if cost < least or exact.index(candidate) < exact.index(best):
            best, least = candidate, cost
    return best


def _length(texts: Iterable[str]) -> int:
    return sum(8 + len(text) for text in texts)


def _hit(selection: NameSelection, names: NameIndex) -> int:
    """The names that a selection trains."""
    take = names.everything if selection.take is None else _covered(selection.take, names)
    return take & ~_covered(selection.leave, names)


def _covered(cover: Cover, names: NameIndex) -> int:
    return names.union(cover.paths) | _having(cover.words, names)


def _having(words: Iterable[str], names: NameIndex) -> int:
    return union(names.having[word] for word in words)


@dataclass(frozen=True)
class _Sides:
    """The outermost nodes with names of one set only, in the model's order; the nodes that have both, outer first."""

    yes: list[PathNode]
    no: list[PathNode]
    both: list[PathNode]


def _sides(names: NameIndex, yes: int, no: int) -> _Sides:
    """Part the tree; names in neither set follow the others, and nodes of only such names are left out."""
    sides = _Sides([], [], [names.root])
    of_yes, of_no = (running_totals(found, len(names.names)) for found in (yes, no))
    for node in sides.both:
        for child in node.children.values():
            trains, freezes = of_yes[child.high] > of_yes[child.low], of_no[child.high] > of_no[child.low]
            if trains and freezes and child.children:
                sides.both.append(child)
            elif trains:
                sides.yes.append(child)
            elif freezes:
                sides.no.append(child)
    return _Sides(_ordered(names, sides.yes, yes), _ordered(names, sides.no, no), sides.both)


def _ordered(names: NameIndex, nodes: list[PathNode], within: int) -> list[PathNode]:
    """The nodes in the model's order of the first name of `within` in each."""
    return sorted(nodes, key=_first_positions(names, within))


def _first_positions(names: NameIndex, within: int) -> Callable[[PathNode], int]:
    """A function from a node to the place in the model of the first name of `within` in it."""
    positions, chosen = names.positions, flags(within).ljust(len(names.names), b"\0")
    return lambda node: min(compress(positions[node.low : node.high], chosen[node.low : node.high]))


def _cover(names: NameIndex, nodes: list[PathNode], hit: int, miss: int) -> Cover:
    """A cover of all of `hit` and none of `miss`; `nodes` are the outermost that do so."""
    whole = Cover(tuple(node.path for node in nodes))
    words = _words(names, nodes, hit, miss)
    if not words:
        return whole
    left = hit & ~_having(words, names)
    worded = Cover(tuple(node.path for node in nodes if node.run & left), words)
    return worded if whole.costs_over(worded.cost) else whole


def _words(names: NameIndex, nodes: list[PathNode], hit: int, miss: int) -> tuple[str, ...]:
    """Parts of names that occur in no name of `miss` and replace at least three of the `nodes` each."""
    free = {part: found for part, found in names.having.items() if not found & miss and not part.isdigit()}
    gains: dict[str, set[str]] = {}
    first = _first_positions(names, hit)
    for node in nodes if free else ():
        parts = names.tree.parameters[first(node)].name.split(".")
        for depth, part in enumerate(parts):  # all names at or under a node have the parts of its path
            if part in free and (depth <= node.depth or not node.run & hit & ~free[part]):
                gains.setdefault(part, set()).add(node.path)
    chosen: list[str] = []
    while True:
        best = max(sorted(gains), key=lambda word: len(gains[word]), default=None)
        if best is None or len(gains[best]) < ENOUGH:
            return tuple(chosen)
        chosen.append(best)
        replaced = gains.pop(best)
        gains = {word: rest for word, found in gains.items() if len(rest := found - replaced) >= ENOUGH}


def _nested(names: NameIndex, sides: _Sides) -> NameSelection:
    """Paths that train and, under them, paths that do not: the cheapest such pair."""
    mixed, trains, freezes = ({id(node) for node in nodes} for nodes in (sides.both, sides.yes, sides.no))
    said: dict[int, tuple[list[PathNode], list[PathNode], list[PathNode]]] = {}
    for node in reversed(sides.both):  # what it takes, what it leaves, and what it leaves if all of it is taken
        take: list[PathNode] = []
        leave: list[PathNode] = []
        exceptions: list[PathNode] = []
        for child in node.children.values():
            if id(child) in mixed:
                for side, nodes in zip((take, leave, exceptions), said.pop(id(child)), strict=True):
                    side += nodes
            elif id(child) in trains:
                take.append(child)
            elif id(child) in freezes:
                exceptions.append(child)
        if node is not names.root and 1 + len(exceptions) < len(take) + len(leave):
            take, leave = [node], exceptions
        said[id(node)] = take, leave, exceptions

    take, leave, _ = said[id(names.root)]
    take, leave = (_ordered(names, nodes, names.first_names) for nodes in (take, leave))
    return NameSelection(Cover(tuple(node.path for node in take)), Cover(tuple(node.path for node in leave)))
