"""Series: numbered neighbours among paths, such as `blocks.0` to `blocks.11`, said once."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

PLAIN = re.compile(r"[A-Za-z0-9_.]+")
NUMBER = re.compile(r"(?<![^.])(?:0|[1-9][0-9]{0,6})(?![^.])")
ENOUGH = 3  # a range pays for itself from so many paths on


@dataclass(frozen=True)
class Series:
    """The paths `before`N`after` for N from `start` up to and without `stop`."""

    before: str
    start: int
    stop: int
    after: str

    def __str__(self) -> str:
        return f"{self.before}{{i}}{self.after} {self.start} {self.stop}"


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


def unnumbered(path: str) -> str:
    """The path with its numbers taken out: the same for all paths of one series."""
    return NUMBER.sub("#", path) if PLAIN.fullmatch(path) else path


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
