"""Which new name an old name became: the same, one with another prefix or number, or one in the same place of a renamed
layer."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from difflib import SequenceMatcher

Shapes = dict[str, tuple[int, ...]]
_NUMBER = re.compile(r"(?<![^.])[0-9]+(?![^.])")


def renamed(old: Shapes, new: Shapes) -> dict[str, str]:
    """New names by old ones, each new name used once; names without a counterpart are left out.

    Args:
        old: shapes by name, in the model's order, as they were.
        new: the same as they are.
    """
    found: dict[str, str] = {}
    for step in (_in_moved_members, _same, _under_other_numbers, _same_name, _with_another_prefix, _in_renamed_layers):
        rest_old = {name: shape for name, shape in old.items() if name not in found}
        taken = set(found.values())
        rest_new = {name: shape for name, shape in new.items() if name not in taken}
        found |= step(rest_old, rest_new)
    return {name: found[name] for name in old if name in found}


def _same(old: Shapes, new: Shapes) -> dict[str, str]:
    return {name: name for name, shape in old.items() if new.get(name) == shape}


def _same_name(old: Shapes, new: Shapes) -> dict[str, str]:
    return {name: name for name in old if name in new}


def _in_moved_members(old: Shapes, new: Shapes) -> dict[str, str]:
    """Members of a list whose numbers moved because one was put in or taken out: whole, in their order, and only where
    more of them are found so than by keeping their numbers. Outer lists first."""
    before, after = _lists(old), _lists(new)
    found: dict[str, str] = {}
    used: set[str] = set()
    for path in sorted(before.keys() & after.keys()):
        was, now = before[path], after[path]
        pairs = _aligned(list(was.items()), list(now.items()))
        if len(pairs) <= sum(now.get(number) == member for number, member in was.items()):
            continue
        for number, other in pairs:
            moved = {f"{path}{number}.{rest}": f"{path}{other}.{rest}" for rest, _ in was[number]}
            if found.keys().isdisjoint(moved) and used.isdisjoint(moved.values()):
                found |= moved
                used |= set(moved.values())
    return found


def _lists(names: Shapes) -> dict[str, dict[str, tuple]]:
    """The members of every list by their number, as the names and shapes in them, in the model's order."""
    found: dict[str, dict[str, list]] = defaultdict(lambda: defaultdict(list))
    for name, shape in names.items():
        for match in _NUMBER.finditer(name):
            found[name[: match.start()]][match.group()].append((name[match.end() + 1 :], shape))
    return {path: {number: tuple(member) for number, member in each.items()} for path, each in found.items()}


def _aligned(was: list[tuple], now: list[tuple]) -> list[tuple]:
    """Keys of both, in pairs whose values are equal, in the order of both."""
    matcher = SequenceMatcher(None, [value for _, value in was], [value for _, value in now], autojunk=False)
    return [
        (was[block.a + i][0], now[block.b + i][0]) for block in matcher.get_matching_blocks() for i in range(block.size)
    ]


def _under_other_numbers(old: Shapes, new: Shapes) -> dict[str, str]:
    """Layers that kept their path but for its numbers, all of them with their shapes and in their order."""
    before, after = _layers(old), _layers(new)
    found: dict[str, str] = {}
    for family in before.keys() & after.keys():
        pairs = _aligned(list(before[family].items()), list(after[family].items()))
        if len(pairs) == len(before[family]):
            for was, now in pairs:
                found |= {f"{was}.{last}": f"{now}.{last}" for last, _ in before[family][was]}
    return found


def _layers(names: Shapes) -> dict[str, dict[str, tuple]]:
    """By its path without numbers, each layer's last names and shapes."""
    found: dict[str, dict[str, tuple]] = defaultdict(dict)
    for name, shape in names.items():
        path, _, last = name.rpartition(".")
        family = found[_NUMBER.sub("#", path)]
        family[path] = (*family.get(path, ()), (last, shape))
    return found


def _with_another_prefix(old: Shapes, new: Shapes) -> dict[str, str]:
    """A bare model and the same model below a task's head: one prefix more, or one less; most shapes must agree."""
    added = Counter(prefix for name in new for prefix in _prefixes(name) if new[name] == old.get(name[len(prefix) :]))
    removed = Counter(prefix for name in old for prefix in _prefixes(name) if old[name] == new.get(name[len(prefix) :]))
    more, less = added.most_common(1), removed.most_common(1)
    if more and (not less or more[0][1] >= less[0][1]):
        prefix = more[0][0]
        return {name: prefix + name for name in old if prefix + name in new}
    if less:
        prefix = less[0][0]
        pairs = ((name, name[len(prefix) :]) for name in old if name.startswith(prefix))
        return {before: after for before, after in pairs if after in new}
    return {}


def _prefixes(name: str) -> list[str]:
    return [name[: match.end()] for match in re.finditer(r"\.", name)]


def _in_renamed_layers(old: Shapes, new: Shapes) -> dict[str, str]:
    """Layers with the same shapes under the same numbers, the most similarly named first."""
    before, after = _families(old), _families(new)
    order_old, order_new = ({family: i for i, family in enumerate(families)} for families in (before, after))
    pairs = sorted(
        (-_similarity(was, now), abs(order_old[was] - order_new[now]), was, now)
        for was in before
        for now in after
        if _signature(before[was], old) == _signature(after[now], new)
    )
    found: dict[str, str] = {}
    done_old, done_new = set(), set()
    for _, _, was, now in pairs:
        if was in done_old or now in done_new:
            continue
        done_old.add(was)
        done_new.add(now)
        for key, name in before[was].items():
            found[name] = after[now][key]
    return found


def _families(names: Shapes) -> dict[str, dict[tuple, str]]:
    """Names by their layer's path without its numbers, then by those numbers and the last part."""
    families: dict[str, dict[tuple, str]] = defaultdict(dict)
    for name in names:
        path, _, last = name.rpartition(".")
        numbers = tuple(_NUMBER.findall(path))
        families[_NUMBER.sub("#", path)][(*numbers, last)] = name
    return families


def _signature(family: dict[tuple, str], shapes: Shapes) -> frozenset:
    return frozenset((key, shapes[name]) for key, name in family.items())


def _similarity(was: str, now: str) -> float:
    """How alike two paths are, their last parts most of all."""
    whole = SequenceMatcher(None, was, now).ratio()
    return whole + 2 * SequenceMatcher(None, was.rpartition(".")[2], now.rpartition(".")[2]).ratio()
