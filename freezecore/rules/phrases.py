"""What a person would call several paths at once: a role, a range of blocks, a class, a glob."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial

from freezecore.name_index import NameIndex, PathNode, union
from freezecore.rules.matching import is_glob, selected, stage_hits, tower_word
from freezecore.rules.path_rules import FURTHER_PART, PathRule, path_price
from freezecore.spec import ROLES, Form, Selector
from freezecore.tree import prefixes

# What words cost to read, in outermost names such as `layer1`: `conv1 bn1` is as good as `stem`, a range of blocks is
# as good as two names, a class or a glob over numbers is for selections that nothing plainer says.
ROLE_PRICES = {"stem": 2.1}
ROLE_PRICE = 0.9
RANGE_PRICES = {"blocks": 2.0, "stages": 3.1}
COUNTED_IN_STAGES = 1.2
EACH_RUN = 0.3
TOWER_PRICE = 0.5
TYPE_PRICE = 3.5
ENDING_PRICE = 0.6
NUMBERED_PRICE = 2.1
LONGEST_ENDING = 3
NOT_A_WORD = 2.0
MOST_COMPARED = 400
SHORT_WORD = 2.0
MOST_TREES = 32  # of which what their names can say is remembered
MOST_PATHS = 20_000


@dataclass(frozen=True, slots=True)
class Phrase:
    """Selectors that belong together, what they hit, and what they cost to read."""

    selectors: tuple[Selector, ...]
    hits: int
    price: float


def phrases(names: NameIndex, path_rules: list[PathRule], needed: int, allowed: int) -> list[Phrase]:
    """Phrases that say something of what is needed, and nothing beyond what is allowed.

    Where one short word says it all, nothing else is looked for; thousands of paths are not compared.
    """
    found = words(names, needed, allowed)
    if any(phrase.price <= SHORT_WORD and not needed & ~phrase.hits for phrase in found):
        return found
    if len(path_rules) <= MOST_COMPARED:
        found += _fitting((*_siblings(path_rules), *_inside(names, path_rules, allowed)), needed, allowed)
    return _undominated(sorted(found, key=lambda phrase: phrase.price), needed)


def words(names: NameIndex, needed: int, allowed: int) -> list[Phrase]:
    """The fitting ones of the model's roles, classes, last parts of paths, and ranges of blocks."""
    found = (*_types_and_endings(names), *_ranges(names, needed, allowed))
    return [*roles(names, needed, allowed), *_fitting(found, needed, allowed)]


def roles(names: NameIndex, needed: int, allowed: int) -> list[Phrase]:
    """The fitting ones of the model's roles."""
    return _fitting(_roles(names), needed, allowed)


def _fitting(found: Iterable[Phrase], needed: int, allowed: int) -> list[Phrase]:
    return [phrase for phrase in found if phrase.hits & needed and not phrase.hits & ~allowed]


def _undominated(ordered: list[Phrase], needed: int) -> list[Phrase]:
    """The phrases, cheapest first, without those of which a cheaper one says all that is needed, or more."""
    kept: list[Phrase] = []
    unsaid: list[int] = []  # by each of them
    for phrase in ordered:
        said = phrase.hits & needed
        for rest in unsaid:
            if not said & rest:
                break
        else:
            kept.append(phrase)
            unsaid.append(~phrase.hits)
    return kept


@lru_cache(maxsize=MOST_TREES)
def _roles(names: NameIndex) -> tuple[Phrase, ...]:
    selectors = [Selector("kind", role) for role in ROLES if role != "all"]
    for part in names.tree.parts:  # by its bare name where no module is called so
        selectors.append(Selector("part" if names.under(part.name) or part.name == "other" else "path", part.name))
    return tuple(Phrase((s,), selected(s, names), ROLE_PRICES.get(s.value, ROLE_PRICE)) for s in selectors)


@lru_cache(maxsize=MOST_TREES)
def _types_and_endings(names: NameIndex) -> tuple[Phrase, ...]:
    return (*_types(names), *_endings(names))


def _types(names: NameIndex) -> Iterator[Phrase]:
    """Classes of modules that hold parameters, the model's own class apart."""
    for name, paths in names.of_type.items():
        inside = [names.nodes[path] for path in paths if path and path in names.nodes]
        if inside and not is_glob(name) and "" not in paths:
            yield Phrase((Selector("type", name),), names.runs((node.low, node.high) for node in inside), TYPE_PRICE)


def _endings(names: NameIndex) -> Iterator[Phrase]:
    """`*.bias`, `*.attention`, `*.output.dense`: all whose paths end so, where several do."""
    nodes = _nodes_by_ending(names.root)
    seen: set[object] = set()
    for text in sorted(nodes, key=len):
        same = tuple(map(id, nodes[text]))
        if sum(map(len, nodes[text])) > 1 and not is_glob(text) and same not in seen:
            hits = names.runs([(node.low, node.high) for found in nodes[text] for node in found])
            if hits not in seen:
                seen.update((same, hits))
                price = ENDING_PRICE + path_price(text) + (NOT_A_WORD if text == "weight" else 0.0)
                yield Phrase((Selector("path", f"*.{text}"),), hits, price)


def _nodes_by_ending(root: PathNode) -> dict[str, list[list[PathNode]]]:
    """All nodes by the last one, two and three parts of their paths, where those begin with no digit.

    Blocks repeat their parts: each ending is written out once, and nodes that share all of theirs share a list.
    """
    found: dict[str, list[list[PathNode]]] = defaultdict(list)
    known: dict[tuple[str, tuple[str, ...]], tuple[tuple[str, ...], list[PathNode]]] = {}

    def visit(node: PathNode, above: tuple[str, ...]) -> None:
        for part, child in node.children.items():
            alike = known.get((part, above))
            if alike is None:
                here = (part, *(f"{end}.{part}" for end in above))
                alike = known[part, above] = here[: LONGEST_ENDING - 1], []
                for text in here:
                    if not text[:1].isdigit():
                        found[text].append(alike[1])
            alike[1].append(child)
            if child.children:
                visit(child, alike[0])

    visit(root, ())
    return found


def _ranges(names: NameIndex, needed: int, allowed: int) -> Iterator[Phrase]:
    """`blocks:0-2` and `stages:last1`: in every tower at once where that says it, and tower by tower."""
    staged = any(tower.stages for tower in names.tree.towers)
    sayable = {tower_word(names.tree, tower) for tower in names.tree.towers}
    for form, hits_by_tower in _ordered(names).items():
        price = RANGE_PRICES[form] + (COUNTED_IN_STAGES if staged and form == "blocks" else 0.0)
        chosen = {}
        for tower, hits in hits_by_tower.items():
            indices = [i for i, hit in enumerate(hits) if hit & needed and not hit & ~allowed]
            if indices:
                chosen[tower] = range_text(indices, len(hits))
        for value in dict.fromkeys(chosen.values()):
            yield _range(names, Selector(form, value), price)
        for tower, value in chosen.items():
            if tower in sayable:
                yield _range(names, Selector(form, value, tower), price + TOWER_PRICE)


@lru_cache(maxsize=MOST_TREES)
def _ordered(names: NameIndex) -> dict[Form, dict[str, list[int]]]:
    """For `blocks` and `stages`, what each one of each tower hits."""
    towers = names.tree.towers
    return {
        "blocks": {t.name: [names.union(names.tree.modules_of(path)) for path in t.blocks] for t in towers},
        "stages": {t.name: [stage_hits(stage, names) for stage in t.stages] for t in towers},
    }


def _range(names: NameIndex, selector: Selector, price: float) -> Phrase:
    return Phrase((selector,), selected(selector, names), price + EACH_RUN * selector.value.count(","))


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


def _siblings(path_rules: list[PathRule]) -> Iterator[Phrase]:
    """`encoder.layer.[0-2].attention`: paths that differ in one number."""
    runs = {rule.node.path: rule.run for rule in path_rules}
    yield from _numbered(runs, lambda path: path, runs.__getitem__)


def _inside(names: NameIndex, path_rules: list[PathRule], allowed: int) -> Iterator[Phrase]:
    """`layer.[0-2].**.bias`: one last part, everywhere in some of the blocks."""
    chosen: dict[str, dict[str, int]] = defaultdict(dict)
    beyond = ~allowed
    for rule in path_rules:
        block, last, hits = _in_block(names, rule.node.path)
        if hits and not hits & beyond:
            chosen[last][block] = hits
    for last, within in chosen.items():
        for block, hits in within.items():
            selector = Selector("path", f"{block}.**.{last}")
            yield Phrase((selector,), hits, path_price(block) + 2 * FURTHER_PART)
        yield from _numbered(within, partial(_anywhere_in, last), within.__getitem__)


def _anywhere_in(last: str, path: str) -> str:
    return f"{path}.**.{last}"


@lru_cache(maxsize=MOST_PATHS)
def _in_block(names: NameIndex, path: str) -> tuple[str, str, int]:
    """The innermost block that a path lies in, the path's last part, and all of that name in that block; 0 where there
    is none to speak of."""
    blocks, last = frozenset(names.tree.blocks), path.rpartition(".")[2]
    block = next((part for part in reversed([*prefixes(path)]) if part in blocks), "")
    said = block and not last.isdigit() and not is_glob(last)
    return block, last, _within(names, block)[last] if said else 0


@lru_cache(maxsize=4_000)
def _within(names: NameIndex, path: str) -> dict[str, int]:
    """The names below a module by any part of their path inside it: all that is under an `attention`, a `bias`."""
    found: dict[str, int] = {}
    nodes = [names.nodes[path]]
    for node in nodes:
        for part, child in node.children.items():
            found[part] = found.get(part, 0) | child.run
            nodes.append(child)
    return found


def _numbered(paths: Iterable[str], written: Callable[[str], str], hits_of: Callable[[str], int]) -> Iterator[Phrase]:
    """Paths that differ in one number only, as one glob for each run of last digits."""
    families: dict[tuple[str, str], dict[int, str]] = defaultdict(dict)
    for path in paths:
        for around, number in _numbers_in(path):
            families[around][number] = path
    for (before, after), members in families.items():
        if len(members) < 2:
            continue
        globs = digit_globs(tuple(sorted(members)))
        selectors = tuple(Selector("path", written(f"{before}{glob}{after}")) for glob in globs)
        hits = union(map(hits_of, members.values()))
        price = sum(NUMBERED_PRICE + path_price(selector.value) for selector in selectors)
        yield Phrase(selectors, hits, price)


@lru_cache(maxsize=MOST_PATHS)
def _numbers_in(path: str) -> tuple[tuple[tuple[str, str], int], ...]:
    """The numbers in a path, each with what stands before and after it; none where globs read it otherwise."""
    found = [] if is_glob(path) else re.finditer(r"(?<![0-9])[0-9]{1,3}(?![0-9])", path)
    return tuple(((path[: m.start()], path[m.end() :]), int(m[0])) for m in found if str(int(m[0])) == m[0])


@lru_cache(maxsize=MOST_PATHS)
def digit_globs(numbers: tuple[int, ...]) -> tuple[str, ...]:
    """Globs that match exactly these numbers: `[0-2]`, `1[01]`, `7`."""
    by_tens: dict[str, list[int]] = defaultdict(list)
    for number in numbers:
        by_tens[str(number)[:-1]].append(number % 10)
    return tuple(tens + _digits(digits) for tens, digits in by_tens.items())


def _digits(digits: list[int]) -> str:
    if len(digits) == 1:
        return str(digits[0])
    if digits == list(range(digits[0], digits[-1] + 1)) and len(digits) > 2:
        return f"[{digits[0]}-{digits[-1]}]"
    return "[" + "".join(map(str, digits)) + "]"
