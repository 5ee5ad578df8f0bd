"""What a person would call several paths at once: a role, a range of blocks, a class, a glob."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from freezecore.globs import Node, is_glob
from freezecore.select import Names
from freezecore.skeleton import FURTHER_PART, Segment, path_price
from freezecore.spec import ROLES, Selector

ROLE_PRICES = {"stem": 2.1}
ROLE_PRICE = 0.9
RANGE_PRICES = {"blocks": 2.0, "stages": 3.1}
COUNTED_IN_STAGES = 1.2
EACH_RUN = 0.3
TOWER_PRICE = 0.5
TYPE_PRICE = 3.5
ENDING_PRICE = 0.6
NUMBERED_PRICE = 2.1
MOST_SUFFIXES = 60


@dataclass(frozen=True, slots=True)
class Phrase:
    """Selectors that belong together, what they hit, and what they cost to read."""

    selectors: tuple[Selector, ...]
    hits: int
    price: float


def phrases(names: Names, segments: list[Segment], needed: int, allowed: int) -> list[Phrase]:
    """Every phrase that says something of what is needed, and nothing beyond what is allowed."""
    found = [*_roles(names), *_types(names), *_ranges(names, needed, allowed)]
    found += [*_suffixes(names, segments, allowed), *_siblings(segments), *_inside(names, segments, allowed)]
    fitting = (phrase for phrase in found if phrase.hits & needed and not phrase.hits & ~allowed)
    return _undominated(sorted(fitting, key=lambda phrase: phrase.price), needed)


def _undominated(ordered: list[Phrase], needed: int) -> list[Phrase]:
    """The phrases, cheapest first, without those of which a cheaper one says all that is needed, or more."""
    kept: list[Phrase] = []
    for phrase in ordered:
        said = phrase.hits & needed
        if all(said & ~other.hits for other in kept):
            kept.append(phrase)
    return kept


def _roles(names: Names) -> Iterator[Phrase]:
    for role in ROLES:
        if role != "all":
            selector = Selector("kind", role)
            yield Phrase((selector,), names.hits(selector), ROLE_PRICES.get(role, ROLE_PRICE))


def _types(names: Names) -> Iterator[Phrase]:
    for name in dict.fromkeys(layer.type for layer in names.tree.layers if layer.path):
        if not is_glob(name):
            selector = Selector("type", name)
            yield Phrase((selector,), names.hits(selector), TYPE_PRICE)


def _ranges(names: Names, needed: int, allowed: int) -> Iterator[Phrase]:
    """`blocks:0-2` and `stages:last1`: in every tower at once where that says it, and tower by tower."""
    staged = any(tower.stages for tower in names.tree.towers)
    for form, price in RANGE_PRICES.items():
        price += COUNTED_IN_STAGES if staged and form == "blocks" else 0.0
        chosen = {}
        for tower in names.tree.towers:
            parts = [part if isinstance(part, str) else part.path for part in getattr(tower, form)]
            hits = [names.under(path) if path else 0 for path in parts]
            chosen[tower.name] = len(parts), [i for i, hit in enumerate(hits) if hit & needed and not hit & ~allowed]
        everywhere = [range_text(indices, count) for count, indices in chosen.values() if indices]
        for value in dict.fromkeys(everywhere):
            yield _range(names, Selector(form, value), price)
        for name, (count, indices) in chosen.items():
            if indices and len(chosen) > 1 and name and not any(mark in name for mark in ' :;#"'):
                yield _range(names, Selector(form, range_text(indices, count), name), price + TOWER_PRICE)


def _range(names: Names, selector: Selector, price: float) -> Phrase:
    return Phrase((selector,), names.hits(selector), price + EACH_RUN * selector.value.count(","))


def range_text(indices: list[int], count: int) -> str:
    """Positions as a person writes them: `0-2`, `0,3`, or `last2` where they end at the output."""
    if indices[0] > 0 and indices == list(range(count - len(indices), count)):
        return f"last{len(indices)}"
    runs: list[list[int]] = []
    for i in indices:
        if runs and runs[-1][1] == i - 1:
            runs[-1][1] = i
        else:
            runs.append([i, i])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in runs)


def _suffixes(names: Names, segments: list[Segment], allowed: int) -> Iterator[Phrase]:
    """`*.attention.self`: the same end of a path anywhere."""
    shared = defaultdict(int)
    for segment in segments:
        parts = segment.node.path.split(".")
        for length in range(1, min(len(parts), 4)):
            if not parts[-length].isdigit():
                shared[".".join(parts[-length:])] += 1
    common = sorted((suffix for suffix, count in shared.items() if count > 1), key=lambda suffix: -shared[suffix])
    for suffix in common[:MOST_SUFFIXES]:
        nodes = names.by_last[suffix.rpartition(".")[2]]
        ending = (node for node in nodes if node.path == suffix or node.path.endswith("." + suffix))
        if not is_glob(suffix) and (hits := _all_allowed(ending, allowed)):
            yield Phrase((Selector("path", f"*.{suffix}"),), hits, ENDING_PRICE + path_price(suffix))


def _all_allowed(nodes: Iterable[Node], allowed: int) -> int:
    """What lies under the nodes, as bits; 0 as soon as one of them goes too far."""
    hits = 0
    for node in nodes:
        run = node.run
        if run & ~allowed:
            return 0
        hits |= run
    return hits


def _siblings(segments: list[Segment]) -> Iterator[Phrase]:
    """`encoder.layer.[0-2].attention`: paths that differ in one number."""
    nodes = {segment.node.path: segment.node for segment in segments}
    yield from _numbered(nodes, lambda path: path, lambda path: nodes[path].run)


def _inside(names: Names, segments: list[Segment], allowed: int) -> Iterator[Phrase]:
    """`layer.[0-2].**.bias`: one last part, everywhere in some of the blocks."""
    blocks = set(names.tree.blocks)
    shared = defaultdict(int)
    for segment in segments:
        shared[segment.node.path.rpartition(".")[2]] += 1
    for last in (last for last, count in shared.items() if count > 1 and not last.isdigit() and not is_glob(last)):
        inside: dict[str, int] = defaultdict(int)
        spoilt = set()
        for node in names.by_last[last]:
            block = _block_of(node.path, blocks)
            if block is not None and node.run & ~allowed:
                spoilt.add(block)
            elif block is not None:
                inside[block] |= node.run
        whole = {block: hits for block, hits in inside.items() if block not in spoilt}
        for block, hits in whole.items():
            selector = Selector("path", f"{block}.**.{last}")
            yield Phrase((selector,), hits, path_price(block) + 2 * FURTHER_PART)
        yield from _numbered(whole, lambda path, last=last: f"{path}.**.{last}", whole.__getitem__)


def _block_of(path: str, blocks: set[str]) -> str | None:
    at = path.rfind(".")
    while at != -1:
        if path[:at] in blocks:
            return path[:at]
        at = path.rfind(".", 0, at)
    return None


def _numbered(paths: Iterable[str], written: Callable[[str], str], hits_of: Callable[[str], int]) -> Iterator[Phrase]:
    """Paths that differ in one number only, as one glob for each run of last digits."""
    families: dict[tuple[str, str], dict[int, str]] = defaultdict(dict)
    for path in paths:
        for match in re.finditer(r"(?<![0-9])[0-9]{1,3}(?![0-9])", path):
            if str(int(match[0])) == match[0] and not is_glob(path):
                families[path[: match.start()], path[match.end() :]][int(match[0])] = path
    for (before, after), members in families.items():
        if len(members) < 2:
            continue
        globs = digit_globs(sorted(members))
        selectors = tuple(Selector("path", written(f"{before}{glob}{after}")) for glob in globs)
        hits = 0
        for path in members.values():
            hits |= hits_of(path)
        price = sum(NUMBERED_PRICE + path_price(selector.value) for selector in selectors)
        yield Phrase(selectors, hits, price)


def digit_globs(numbers: list[int]) -> list[str]:
    """Globs that match exactly these numbers: `[0-2]`, `1[01]`, `7`."""
    by_tens: dict[str, list[int]] = defaultdict(list)
    for number in numbers:
        by_tens[str(number)[:-1]].append(number % 10)
    return [tens + _digits(digits) for tens, digits in by_tens.items()]


def _digits(digits: list[int]) -> str:
    if len(digits) == 1:
        return str(digits[0])
    if digits == list(range(digits[0], digits[-1] + 1)) and len(digits) > 2:
        return f"[{digits[0]}-{digits[-1]}]"
    return "[" + "".join(map(str, digits)) + "]"
