"""The way back: the shortest readable rules that resolve to exactly a given set of ticks.

Several plans are made and the cheapest to read is taken. A plan opens with what the model's author left, or with
`freeze all`; it may close with one word for all norms or all biases. Between them stand the fewest path rules
(`skeleton`), in layers of exceptions, and in each layer the paths that a person would call by one name are called
so (`phrases`), as long as what that name says beyond them is true or corrected by a deeper layer.
What the author froze and is to train comes last, by its exact names.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from freezecore.mask import Mask
from freezecore.phrases import ROLE_PRICE, Phrase, phrases
from freezecore.resolve import conflicts, outcome, rule_hits
from freezecore.select import Names, bits, names_of
from freezecore.skeleton import NESTING, OPENING, Segment, Skeleton, path_price
from freezecore.spec import Action, FreezeSpec, Rule, Selector

ALL = Selector("kind", "all")
CLOSING_ROLES = ("norms", "biases")
EXCEPTION = 1.0
CONFLICT = 4.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Rules and what they cost to read."""

    rules: tuple[Rule, ...]
    price: float


def shortest_rules(mask: Mask) -> FreezeSpec:
    """Few readable rules that resolve to exactly this mask, with its setting of norms and dropout."""
    names = names_of(mask.tree)
    train = bits(mask.trains[position] for position in names.positions)
    free = names.everything & ~names.frozen_by_author
    if not free & ~train:
        rules = [Rule("train", (ALL,))] if free else []
    elif not free & train:
        rules = [Rule("freeze", (ALL,))]
    else:
        loose = [0, _further_names(names)] if names.tied else [0]
        plans = [
            _plan(names, train, loosened, opening, closing, nesting)
            for loosened in loose
            for opening in ("train", "freeze")
            for closing in _closings(names, train)
            for nesting in (NESTING, math.inf)
        ]
        rules = min(plans, key=lambda plan: plan.price).rules
    return FreezeSpec((*rules, *_exactly(names, train & ~free)), mask.norms, mask.dropout)


def _closings(names: Names, train: int) -> Iterator[Phrase | None]:
    """What may be said last: nothing, or one word for all norms or all biases, where all of them are alike."""
    yield None
    for role in CLOSING_ROLES:
        selector = Selector("kind", role)
        hits = names.hits(selector) & ~names.frozen_by_author
        if hits and (not hits & train or not hits & ~train):
            yield Phrase((selector,), hits, ROLE_PRICE)


def _further_names(names: Names) -> int:
    """The aliases of tied parameters, without their first names."""
    pairs = zip(names.names, names.positions, strict=True)
    return names.tied & ~bits(names.tree.parameters[position].name == name for name, position in pairs)


def _plan(names: Names, train: int, loose: int, opening: Action, closing: Phrase | None, nesting: float) -> Plan:
    """Rules from one opening: `train` is what the author left, `freeze` begins with `freeze all`."""
    loose |= names.frozen_by_author | (closing.hits if closing else 0)
    target = {"train": train & ~loose, "freeze": names.everything & ~train & ~loose}
    segments = Skeleton(names, target["train"], target["freeze"], nesting).segments(opening)
    rules = [Rule("freeze", (ALL,))] if opening == "freeze" else []
    price = OPENING if rules else 0.0
    layers = [list(layer) for _, layer in groupby(sorted(segments, key=_depth), key=_depth)]
    for i, layer in enumerate(layers):
        action = layer[0].action
        later = _union(segment for deeper in layers[i + 1 :] for segment in deeper)
        chosen = _cover(names, layer, target[action], later | loose)
        rules += _written(action, chosen, names)
        price += EXCEPTION + sum(phrase.price for phrase in chosen)
    if closing:
        rules.append(Rule("train" if closing.hits & train else "freeze", closing.selectors))
        price += EXCEPTION + closing.price
    return _repaired(Plan(tuple(rules), price), names, train)


def _depth(segment: Segment) -> int:
    return segment.depth


def _union(segments: Iterable[Segment]) -> int:
    hits = 0
    for segment in segments:
        hits |= segment.node.run
    return hits


def _cover(names: Names, layer: list[Segment], right: int, harmless: int) -> list[Phrase]:
    """Phrases for one layer: always the one that saves most, as long as one saves anything; the rest stay paths."""
    rest = [_as_phrase(segment, names, alone=len(layer) == 1) for segment in layer]
    needed = _union(layer) & right
    offered = phrases(names, layer, needed, right | harmless)
    chosen: list[Phrase] = []
    said = harmless
    while offered:
        savings = [_saving(phrase, rest, said) for phrase in offered]
        best = max(range(len(offered)), key=savings.__getitem__)
        if savings[best] <= 0:
            break
        phrase = offered.pop(best)
        chosen.append(phrase)
        said |= phrase.hits
        rest = [path for path in rest if path.hits & ~said]
        offered = [other for other in offered if other.hits & ~said & needed]
    return chosen + rest


def _as_phrase(segment: Segment, names: Names, alone: bool) -> Phrase:
    """A segment as a path; one tensor alone is called by its full name."""
    node = segment.node
    path = names.names[node.low] if alone and node.high - node.low == 1 else node.path
    return Phrase((Selector("path", path),), node.run, segment.price)


def _saving(phrase: Phrase, rest: list[Phrase], said: int) -> float:
    covered = said | phrase.hits
    return sum(path.price for path in rest if not path.hits & ~covered) - phrase.price


def _written(action: Action, chosen: list[Phrase], names: Names) -> list[Rule]:
    """Rules in the model's order: paths side by side in one rule, every other phrase in a rule of its own."""
    ordered = sorted(chosen, key=lambda phrase: _first_position(phrase.hits, names))
    rules = []
    for plain, group in groupby(ordered, key=lambda phrase: phrase.selectors[0].form == "path"):
        if plain:
            rules.append(Rule(action, tuple(selector for phrase in group for selector in phrase.selectors)))
        else:
            rules += [Rule(action, phrase.selectors) for phrase in group]
    return rules


def _first_position(hits: int, names: Names) -> int:
    """Where in the model the first of these parameters stands."""
    low, high = (hits & -hits).bit_length() - 1, hits.bit_length()
    if hits.bit_count() == high - low:
        return min(names.positions[low:high])
    return names.positions_of(hits)[0]


def _repaired(plan: Plan, names: Names, train: int) -> Plan:
    """The plan, and after it every tied parameter that it reached under another name, by all its names."""
    if not names.tied:
        return plan
    applied = [(rule, rule_hits(rule, names)) for rule in plan.rules]
    wrong = (outcome(applied, names) ^ train) & ~names.frozen_by_author
    rules, price = list(plan.rules), plan.price + CONFLICT * len(conflicts(applied, names))
    for action, found in (("train", wrong & train), ("freeze", wrong & ~train)):
        tied = [name for i in names.positions_of(found) for name in names.tree.parameters[i].names]
        if tied:
            rules.append(Rule(action, tuple(Selector("path", name) for name in tied)))
            price += EXCEPTION + sum(map(path_price, tied))
    return Plan(tuple(rules), price)


def _exactly(names: Names, train: int) -> tuple[Rule, ...]:
    """What the author froze and is to train all the same, each by its full name."""
    tensors = (names.tree.parameters[i] for i in names.positions_of(train))
    selectors = [Selector("path", name) for tensor in tensors for name in tensor.names]
    return (Rule("train", tuple(selectors)),) if selectors else ()
