"""The shortest readable rules that resolve to exactly a given set of ticks.

Several plans are made and the cheapest to read is taken. A plan opens with what the model's author left, or with
`freeze all`; it may close with one word for all norms or all biases. Between them stand either a few of the model's
own words, or the fewest path rules (`path_rules`) in layers of exceptions; in each layer the paths that a person would
call by one name are called so (`phrases`), as long as what that name says beyond them is true or corrected
by a deeper layer. What the author froze and is to train comes last, by its exact names.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from freezecore._resolve import conflicts, outcome, rule_hits
from freezecore.arguments import checked
from freezecore.mask import Mask
from freezecore.name_index import NameIndex, bits, union
from freezecore.rules.matching import selected
from freezecore.rules.path_rules import FIRST_PART, NESTING, OPENING, PathRule, PathRules, path_price
from freezecore.rules.phrases import ROLE_PRICE, Phrase, phrases, roles, words
from freezecore.spec import Action, FreezeSpec, Rule, Selector

ALL = Selector("kind", "all")
OTHER: dict[Action, Action] = {"train": "freeze", "freeze": "train"}
CLOSING_ROLES = ("norms", "biases")
EXCEPTION = 1.0
CONFLICT = 4.0
AGAINST_MOST = 1.0
SHORT = 4.0
SCATTERED = 150
MOST_WORDS = 4


@dataclass(frozen=True, slots=True)
class RulePlan:
    """Rules and what they cost to read."""

    rules: tuple[Rule, ...] = ()
    price: float = math.inf

    @property
    def is_short(self) -> bool:
        """Nobody would hope for less: a word or two."""
        said = [selector for rule in self.rules for selector in rule.selectors if selector != ALL]
        return self.price <= SHORT or len(said) == 1


@dataclass(frozen=True, slots=True)
class Goal:
    """What must come out; names in neither set may end either way.

    Attributes:
        names: the tree's names.
        train: names that are to train, as bits.
        freeze: names that are to be frozen.
    """

    names: NameIndex
    train: int
    freeze: int

    def wanting(self, action: Action) -> int:
        """The names that want this action."""
        return self.train if action == "train" else self.freeze


@checked
def shortest_rules(mask: Mask) -> FreezeSpec:
    """Few readable rules that resolve to exactly this mask, with its setting of norms and dropout."""
    names = mask.tree.names
    train = bits(mask.trains[position] for position in names.positions)
    free = names.everything & ~names.frozen_by_author
    rules: tuple[Rule, ...]
    if not free & ~train:
        rules = (Rule("train", (ALL,)),) if free else ()
    elif not free & train:
        rules = (Rule("freeze", (ALL,)),)
    else:
        rules = _Search(names, train).best().rules
    return FreezeSpec((*rules, *_exactly(names, train & ~free)), mask.norms, mask.dropout)


class _Search:
    """The plans for one mask.

    Args:
        names: the tree's names.
        train: those that are to train, as bits.
    """

    def __init__(self, names: NameIndex, train: int) -> None:
        self.names = names
        self.train = train
        sizes = names.tree.sizes
        trainable = sum(sizes[i] for i in names.positions_of(train))
        # Where most weights are frozen, a person begins with `freeze all`.
        against_most = AGAINST_MOST if 2 * trainable < names.tree.total else 0.0
        self.opening_price = {"train": against_most, "freeze": OPENING}

    def best(self) -> RulePlan:
        """The cheapest plan. More kinds are tried while the best is long, except where ticks lie scattered all over."""
        closings = list(self._closings())
        if (role := self._one_role()) is not None:
            return role
        best = _cheapest(
            self._plan(opening, [(OTHER[opening], said)], closing)
            for closing in closings
            for goal in self._goals(closing)
            for opening in OTHER
            if (said := _in_words(goal, OTHER[opening])) is not None
        )
        scattered = (self.train ^ (self.train >> 1)).bit_count() > SCATTERED
        if scattered and best.rules:
            return best
        for closing in closings:
            plans, flat = self._plans_on_paths(closing, NESTING, only_cheaper=scattered)
            best = _cheapest((best, *plans))
            if best.is_short or scattered:
                break
            if not flat:
                best = _cheapest((best, *self._plans_on_paths(closing, math.inf)[0]))
        return best

    def _one_role(self) -> RulePlan | None:
        """A plan of one role, such as `freeze all; train head`: nothing else can say it better."""
        for opening in ("freeze", "train"):
            for goal in self._goals(None):
                needed = goal.wanting(OTHER[opening])
                for phrase in roles(self.names, needed, needed | ~(goal.train | goal.freeze)):
                    if not needed & ~phrase.hits and phrase.price < FIRST_PART:
                        plan = self._plan(opening, [(OTHER[opening], [phrase])], None)
                        if len(plan.rules) <= 2:
                            return plan
        return None

    def _closings(self) -> Iterator[Phrase | None]:
        """What may be said last: nothing, or one word for all norms or all biases, where all of them are alike."""
        yield None
        for role in CLOSING_ROLES:
            selector = Selector("kind", role)
            hits = selected(selector, self.names) & ~self.names.frozen_by_author
            if hits and (not hits & self.train or not hits & ~self.train):
                yield Phrase((selector,), hits, ROLE_PRICE)

    def _goals(self, closing: Phrase | None) -> list[Goal]:
        """What must come out before the closing word; twice where tensors are tied, with and without their aliases.

        What the author froze is loose: `freeze` changes nothing there, and `train` does not reach it.
        """
        names = self.names
        loose = names.frozen_by_author | (closing.hits if closing else 0)
        aliases = names.tied & ~names.first_names if names.tied else 0
        return [
            Goal(names, self.train & ~loosened, names.everything & ~self.train & ~loosened)
            for loosened in ([loose, loose | aliases] if aliases else [loose])
        ]

    def _plans_on_paths(
        self, closing: Phrase | None, nesting: float, only_cheaper: bool = False
    ) -> tuple[list[RulePlan], bool]:
        """A plan for each goal and opening (or the cheaper one), and whether none of them has exceptions."""
        plans, flat = [], True
        for goal in self._goals(closing):
            fewest = PathRules(self.names, goal.train, goal.freeze, nesting)
            for opening in [fewest.cheaper_opening] if only_cheaper else OTHER:
                layers = _layers(fewest.chosen(opening))
                flat = flat and len(layers) <= 1
                said = []
                for i, layer in enumerate(layers):
                    deeper = union(rule.run for later in layers[i + 1 :] for rule in later)
                    said.append((layer[0].action, _on_paths(goal, layer, deeper)))
                plans.append(self._plan(opening, said, closing))
        return plans, flat

    def _plan(self, opening: Action, said: list[tuple[Action, list[Phrase]]], closing: Phrase | None) -> RulePlan:
        """The rules in order, with their price; tied tensors that came out wrong are repaired."""
        rules = [Rule("freeze", (ALL,))] if opening == "freeze" else []
        price = self.opening_price[opening]
        if closing:
            said = [*said, ("train" if closing.hits & self.train else "freeze", [closing])]
        for action, chosen in said:
            rules += _written(action, chosen, self.names)
            price += EXCEPTION + sum(phrase.price for phrase in chosen)
        plan = RulePlan(tuple(rules), price)
        return _repaired(plan, self.names, self.train) if self.names.tied else plan


def _in_words(goal: Goal, action: Action) -> list[Phrase] | None:
    """A few of the model's own words that say all that wants this action; None where they cannot."""
    needed = goal.wanting(action)
    allowed = needed | ~(goal.train | goal.freeze)
    chosen: list[Phrase] = []
    while needed:
        offered = words(goal.names, needed, allowed)
        if not offered or len(chosen) == MOST_WORDS:
            return None
        best = max(offered, key=lambda phrase: ((phrase.hits & needed).bit_count(), -phrase.price))
        chosen.append(best)
        needed &= ~best.hits
    return chosen


def _on_paths(goal: Goal, layer: list[PathRule], deeper: int) -> list[Phrase]:
    """Phrases for the paths of one layer: always the one that saves most; what none shortens stays a path.

    Args:
        goal: what must come out in the end.
        layer: paths with one action, none inside another.
        deeper: names that later layers set right, as bits.
    """
    right = goal.wanting(layer[0].action)
    harmless = deeper | ~(goal.train | goal.freeze) & goal.names.everything
    offered = phrases(goal.names, layer, union(rule.run for rule in layer) & right, right | harmless)
    runs = [rule.run & ~harmless for rule in layer]
    covers = [[i for i, run in enumerate(runs) if not run & unsaid] for unsaid in (~phrase.hits for phrase in offered)]
    rest = dict(enumerate(layer))
    chosen: list[Phrase] = []
    # What a phrase saves only falls as others are chosen, so the best is known once its figure is fresh.
    queue = [(-math.inf, k) for k in range(len(offered))]
    while queue:
        _, k = heapq.heappop(queue)
        saving = sum(rest[i].price for i in covers[k] if i in rest) - offered[k].price
        if queue and saving < -queue[0][0]:
            heapq.heappush(queue, (-saving, k))
        elif saving > 0:
            chosen.append(offered[k])
            for i in covers[k]:
                rest.pop(i, None)
    return chosen + [_as_phrase(rule, goal.names, alone=len(layer) == 1) for rule in rest.values()]


def _as_phrase(rule: PathRule, names: NameIndex, alone: bool) -> Phrase:
    """A path rule as a phrase; one tensor alone is called by its full name."""
    node = rule.node
    path = names.names[node.low] if alone and node.high - node.low == 1 else node.path
    return Phrase((Selector("path", path),), rule.run, rule.price)


def _cheapest(plans: Iterable[RulePlan]) -> RulePlan:
    return min(plans, key=lambda plan: plan.price, default=RulePlan())


def _layers(path_rules: list[PathRule]) -> list[list[PathRule]]:
    """The path_rules by the number of rules they lie inside, outermost first."""
    ordered = sorted(path_rules, key=lambda rule: rule.depth)
    return [list(layer) for _, layer in groupby(ordered, key=lambda rule: rule.depth)]


def _written(action: Action, chosen: list[Phrase], names: NameIndex) -> list[Rule]:
    """Rules in the model's order: paths side by side in one rule, every other phrase in a rule of its own."""
    ordered = sorted(chosen, key=lambda phrase: names.first_position(phrase.hits))
    rules = []
    for plain, group in groupby(ordered, key=lambda phrase: phrase.selectors[0].form == "path"):
        if plain:
            rules.append(Rule(action, tuple(selector for phrase in group for selector in phrase.selectors)))
        else:
            rules += [Rule(action, phrase.selectors) for phrase in group]
    return rules


def _repaired(plan: RulePlan, names: NameIndex, train: int) -> RulePlan:
    """The plan, and after it every tied parameter that it reached under another name, by all its names."""
    applied = [(rule, rule_hits(rule, names)) for rule in plan.rules]
    wrong = (outcome(applied, names) ^ train) & ~names.frozen_by_author
    rules, price = list(plan.rules), plan.price + CONFLICT * len(conflicts(applied, names))
    sides: tuple[tuple[Action, int], ...] = (("train", wrong & train), ("freeze", wrong & ~train))
    for action, found in sides:
        tied = [name for i in names.positions_of(found) for name in names.tree.parameters[i].names]
        if tied:
            rules.append(Rule(action, tuple(Selector("path", name) for name in tied)))
            price += EXCEPTION + sum(map(path_price, tied))
    return RulePlan(tuple(rules), price)


def _exactly(names: NameIndex, train: int) -> tuple[Rule, ...]:
    """What the author froze and is to train all the same, each by its full name."""
    tensors = (names.tree.parameters[i] for i in names.positions_of(train))
    selectors = tuple(Selector("path", name) for tensor in tensors for name in tensor.names)
    return (Rule("train", selectors),) if selectors else ()
