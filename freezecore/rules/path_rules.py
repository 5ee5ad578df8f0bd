"""The fewest path rules for a selection: a rule at a module holds below it until a rule further in says otherwise.

For every module two prices are computed from its children's: what it costs to get all below right when the module
inherits `frozen`, and when it inherits `trainable`. A module may be named for its own price, which turns the one
into the other. Modules in which nothing is to be changed cost nothing and are not entered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

from freezecore.name_index import NameIndex, PathNode, running_totals
from freezecore.spec import Action
from freezecore.tree import LayerTree

OPENING = 1.5
FIRST_PART = 1.0
FURTHER_PART = 0.75
ODD_NAME = 2.0
WHOLE_BODY = 2.0
MOST_TREES = 32  # of which the prices are remembered
NESTING = 1.5
_ODD = re.compile(r'[\s;#":]')


@dataclass(frozen=True, slots=True)
class PathRule:
    """One path that a rule would name.

    Attributes:
        depth: how many rules of the other action it lies inside.
        action: what the rule says.
        node: the path.
        run: the names below it, as bits.
        price: its share of a reader's attention.
    """

    depth: int
    action: Action
    node: PathNode
    run: int
    price: float


@lru_cache(maxsize=50_000)
def path_price(path: str) -> float:
    """What a path costs to read: the deeper, the more; names that need quotes or a prefix are dear."""
    odd = ODD_NAME if _ODD.search(path) else 0.0
    return FIRST_PART + FURTHER_PART * path.count(".") + odd


class PathRules:
    """The cheapest path rules for one target.

    Args:
        names: the tree's names.
        train: names that are to train, as bits.
        freeze: names that are to be frozen; what is in neither may end either way.
        nesting: what an exception inside a rule costs beside its own price; infinite for none at all.
    """

    def __init__(self, names: NameIndex, train: int, freeze: int, nesting: float = NESTING) -> None:
        self.root = names.root
        self.nesting = nesting
        self.wanted = (running_totals(freeze, len(names.names)), running_totals(train, len(names.names)))
        self.own = _own_prices(names)
        self.prices: dict[str, tuple[float, float]] = {}
        self._price(self.root)

    def chosen(self, inherits: Action) -> list[PathRule]:
        """The path rules, outer ones first, when everything is frozen (or trains) to begin with."""
        found: list[PathRule] = []
        self._emit(self.root, inherits == "train", 0, found)
        return found

    @property
    def cheaper_opening(self) -> Action:
        """The state of everything from which fewer rules are needed."""
        if_frozen, if_trains = self.prices[""]
        return "freeze" if OPENING + if_frozen < if_trains else "train"

    def _wrong(self, node: PathNode) -> tuple[int, int]:
        """How many names below the node are to be frozen, and how many to train."""
        frozen, trains = self.wanted
        return frozen[node.high] - frozen[node.low], trains[node.high] - trains[node.low]

    def _price(self, node: PathNode) -> tuple[float, float]:
        """The price of everything below a mixed node if it inherits `frozen`, and if it inherits `trainable`."""
        if_frozen = if_trains = 0.0
        for child in node.children.values():
            to_freeze, to_train = self._wrong(child)
            if to_freeze and to_train:
                frozen, trains = self._price(child)
                if_frozen += frozen
                if_trains += trains
            elif to_train:
                if_frozen += self.own[child.path]
            elif to_freeze:
                if_trains += self.own[child.path]
        self.prices[node.path] = if_frozen, if_trains
        if node is self.root:
            return if_frozen, if_trains
        turning = self.own[node.path] + self.nesting
        return min(if_frozen, turning + if_trains), min(if_trains, turning + if_frozen)

    def _emit(self, node: PathNode, trains: bool, depth: int, found: list[PathRule]) -> None:
        """Add the rules below a mixed node that inherits `trainable` (or `frozen`)."""
        below = self.prices[node.path]
        own = self.own[node.path]
        if node is not self.root and own + self.nesting + below[not trains] < below[trains]:
            trains = not trains
            found.append(PathRule(depth, "train" if trains else "freeze", node, node.run, own))
            depth += 1
        for child in node.children.values():
            wrong = self._wrong(child)
            if wrong[0] and wrong[1]:
                self._emit(child, trains, depth, found)
            elif wrong[not trains]:
                action: Action = "freeze" if trains else "train"
                found.append(PathRule(depth, action, child, child.run, self.own[child.path]))


@lru_cache(maxsize=MOST_TREES)
def _own_prices(names: NameIndex) -> dict[str, float]:
    """What each path of a tree costs to name."""
    body, odd = _body(names.tree), any(map(_ODD.search, names.names))
    return {
        path: FIRST_PART
        + FURTHER_PART * node.depth
        + (ODD_NAME if odd and _ODD.search(path) else 0.0)
        + (WHOLE_BODY if path in body else 0.0)
        for path, node in names.nodes.items()
    }


def _body(tree: LayerTree) -> set[str]:
    """Paths that hold all blocks and all that stands before them: `freeze all; train head` says more than those."""
    parts = [path.split(".") for tower in tree.towers for path in (*tower.blocks, *tower.embeddings, *tower.stem)]
    common = [column[0] for column in takewhile(lambda column: len(set(column)) == 1, zip(*parts, strict=False))]
    return {".".join(common[: i + 1]) for i in range(len(common))}
