"""Selections: a set of parameter names said in few words, by whole dotted parts, and exact for any set."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from freezecore.tree import prefixes

PLAIN = re.compile(r"[A-Za-z0-9_.]+")
NUMBER = re.compile(r"(?<![^.])(?:0|[1-9][0-9]{0,6})(?![^.])")
ENOUGH = 3  # a word or a range pays for itself from so many paths on
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
        texts = [*self.words, *(str(item) for item in series(self.paths))]
        return sum(8 + len(text) for text in texts)


@dataclass(frozen=True)
class Selection:
    """What trains: the names that `take` covers (None: all), without those that `leave` covers."""

    take: Cover | None
    leave: Cover = Cover()

    def trains(self, name: str) -> bool:
        """Whether the parameter of this name trains."""
        return (self.take is None or self.take.has(name)) and not self.leave.has(name)

    @property
    def cost(self) -> int:
        """How much there is to read."""
        return (self.take.cost if self.take else 0) + self.leave.cost + BOTH * bool(self.take and self.leave)


@dataclass(frozen=True)
class Series:
    """The paths `before`N`after` for N from `start` up to and without `stop`."""

    before: str
    start: int
    stop: int
    after: str

    def __str__(self) -> str:
        return f"{self.before}{{i}}{self.after} {self.start} {self.stop}"


def select(
    names: Sequence[str], trainable: Iterable[str], *, mostly: bool = False, only_take: bool = False
) -> Selection:
    """The shortest selection found that hits exactly `trainable` among `names`.

    `mostly` says that what is frozen is the natural thing to name; `only_take` names what trains, for languages
    that have no exceptions.
    """
    wanted = set(trainable)
    yes = [name for name in names if name in wanted]
    no = [name for name in names if name not in wanted]
    if not no:
        return Selection(None)
    if only_take:
        return Selection(_cover(yes, no))
    words = _words(no, yes, _paths(no, yes))
    rest = [name for name in no if not Cover(words=words).has(name)]
    candidates = [
        Selection(_cover(yes, no)),
        Selection(None, _cover(no, yes)),
        Selection(_cover(yes, rest) if rest else None, Cover(words=words)),
        _nested(names, wanted),
    ]
    exact = [c for c in candidates if all(c.trains(name) == (name in wanted) for name in names)]
    return min(exact, key=lambda c: c.cost + UNNATURAL * ((c.take is None) != mostly))


def _cover(hit: Sequence[str], miss: Sequence[str]) -> Cover:
    """A cover of all of `hit` and none of `miss`."""
    paths = _paths(hit, miss)
    words = _words(hit, miss, paths)
    covered = Cover(words=words)
    left = [name for name in hit if not covered.has(name)]
    return min(Cover(paths), Cover(_paths(left, miss) if left else (), words), key=lambda c: c.cost)


def _paths(hit: Sequence[str], miss: Sequence[str]) -> tuple[str, ...]:
    """The fewest module paths and parameter names that hold all of `hit` and none of `miss`."""
    mixed = {prefix for name in miss for prefix in prefixes(name)} | {""}
    found: dict[str, None] = {}
    for name in hit:
        pure = (prefix for prefix in prefixes(name) if prefix not in mixed)
        found[next(pure, name)] = None
    return tuple(found)


def _words(hit: Sequence[str], miss: Sequence[str], paths: Sequence[str]) -> tuple[str, ...]:
    """Parts of names that occur in no name of `miss` and replace at least three of `paths` each."""
    taken = {part for name in miss for part in name.split(".")}
    chosen_paths = set(paths)
    common: dict[str, set[str]] = {}
    for name in hit:
        path = name if name in chosen_paths else next(p for p in prefixes(name) if p in chosen_paths)
        parts = {part for part in name.split(".") if part not in taken and not part.isdigit()}
        common[path] = common[path] & parts if path in common else parts
    gains: dict[str, set[str]] = {}
    for path, words in common.items():
        for word in words:
            gains.setdefault(word, set()).add(path)
    chosen: list[str] = []
    while True:
        best = max(sorted(gains), key=lambda word: len(gains[word]), default=None)
        if best is None or len(gains[best]) < ENOUGH:
            return tuple(chosen)
        chosen.append(best)
        replaced = gains.pop(best)
        gains = {word: rest for word, found in gains.items() if len(rest := found - replaced) >= ENOUGH}


@dataclass(frozen=True)
class _Said:
    """Below one node: does all of it train (None: some), and the paths to say so where nothing or all is the rule."""

    pure: bool | None
    take: list[str]
    leave: list[str]
    exceptions: list[str]


def _nested(names: Sequence[str], wanted: set[str]) -> Selection:
    """Paths that train and, under them, paths that do not: the cheapest such pair."""
    children: dict[str, dict[str, None]] = {}
    said = {}
    for name in names:
        chain = [*prefixes(name), name]
        for parent, child in zip(chain, chain[1:], strict=False):
            children.setdefault(parent, {})[child] = None
        said[name] = _Said(True, [name], [], []) if name in wanted else _Said(False, [], [], [name])
    for node in reversed(children):  # parents were met before their children
        said[node] = _joined(node, [said[child] for child in children[node]])
    return Selection(Cover(tuple(said[""].take)), Cover(tuple(said[""].leave)))


def _joined(node: str, parts: list[_Said]) -> _Said:
    states = {part.pure for part in parts}
    if node and states == {True}:
        return _Said(True, [node], [], [])
    if node and states == {False}:
        return _Said(False, [], [], [node])
    take, leave, exceptions = ([path for part in parts for path in side(part)] for side in _SIDES)
    if node and 1 + len(exceptions) < len(take) + len(leave):
        take, leave = [node], exceptions
    return _Said(None, take, leave, exceptions)


_SIDES = (lambda part: part.take, lambda part: part.leave, lambda part: part.exceptions)


def series(paths: Iterable[str]) -> list[str | Series]:
    """The same paths in the same order, runs of at least three numbered neighbours taken together, longest first."""
    order = list(dict.fromkeys(paths))
    numbered = _numbered(order)
    queue = [(start - stop, key, start) for key, members in numbered.items() for start, stop in _runs(sorted(members))]
    heapq.heapify(queue)
    found: dict[str, str | Series] = {path: path for path in order}
    gone: set[str] = set()
    while queue:
        size, key, start = heapq.heappop(queue)
        members = {i: numbered[key][i] for i in range(start, start - size)}
        left = {i: path for i, path in members.items() if path not in gone}
        if len(left) == len(members):
            for path in members.values():
                found.pop(path)
            found[members[start]] = Series(key[0], start, start - size, key[1])
            gone.update(members.values())
        else:
            for first, stop in _runs(sorted(left)):
                heapq.heappush(queue, (first - stop, key, first))
    return [found[path] for path in order if path in found]


def _numbered(paths: Iterable[str]) -> dict[tuple[str, str], dict[int, str]]:
    """Paths by what stands before and after one of their numbers, then by that number."""
    groups: dict[tuple[str, str], dict[int, str]] = {}
    for path in paths:
        if PLAIN.fullmatch(path):
            for match in NUMBER.finditer(path):
                groups.setdefault((path[: match.start()], path[match.end() :]), {})[int(match.group())] = path
    return {key: members for key, members in groups.items() if len(members) >= ENOUGH}


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Half-open runs of at least three consecutive numbers."""
    runs, start = [], 0
    for i in range(1, len(numbers) + 1):
        if i == len(numbers) or numbers[i] != numbers[i - 1] + 1:
            if i - start >= ENOUGH:
                runs.append((numbers[start], numbers[i - 1] + 1))
            start = i
    return runs
