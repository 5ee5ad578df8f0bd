"""The fewest path rules for a selection: a rule at a module holds below it until a rule further in says otherwise.

For every module two prices are computed from its children's: what it costs to get all below right when the module
inherits `frozen`, and when it inherits `trainable`. A module may be named for its own price, which turns the one
into the other. Modules in which nothing is to be changed cost nothing and are not entered.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from freezecore.globs import Node
from freezecore.select import Names, flags
from freezecore.spec import Action

OPENING = 1.5
FIRST_PART = 1.0
FURTHER_PART = 0.75
ODD_NAME = 2.0
WHOLE_MODEL = 2.0
NESTING = 1.5


@dataclass(frozen=True, slots=True)
class Segment:
    """One path that a rule would name.

    Attributes:
        depth: how many rules of the other action it lies inside.
        action: what the rule says.
        node: the path and the names below it.
        price: its share of a reader's attention.
    """

    depth: int
    action: Action
    node: Node
    price: float


def path_price(path: str) -> float:
    """What a path costs to read: the deeper, the more; names that need quotes or a prefix are dear."""
    odd = ODD_NAME if any(mark in path for mark in ' ;#":') else 0.0
    return FIRST_PART + FURTHER_PART * path.count(".") + odd


class Skeleton:
    """The cheapest path rules for one target.

    Args:
        names: the tree's names.
        train: names that are to train, as bits.
        freeze: names that are to be frozen; what is in neither may end either way.
        nesting: what an exception inside a rule costs beside its own price; infinite for none at all.
    """

    def __init__(self, names: Names, train: int, freeze: int, nesting: float = NESTING) -> None:
        self.root = names.root
        self.nesting = nesting
        self.wanted = (_counts(freeze, len(names.names)), _counts(train, len(names.names)))
        # `freeze all; train head` says more than `freeze bert`, where `bert` is all but the head.
        self.whole = names.tree.towers[0].path if len(names.tree.towers) == 1 else ""
        self.prices: dict[str, tuple[float, float]] = {}
        self._price(self.root)

    def segments(self, inherits: Action) -> list[Segment]:
        """The path rules, outer ones first, when everything is frozen (or trains) to begin with."""
        found: list[Segment] = []
        self._emit(self.root, inherits == "train", 0, found)
        return found

    def _counted(self, node: Node) -> tuple[int, int]:
        frozen, trains = self.wanted
        return frozen[node.high] - frozen[node.low], trains[node.high] - trains[node.low]

    def _price(self, node: Node) -> tuple[float, float]:
        """The price of everything below the node if it inherits `frozen`, and if it inherits `trainable`."""
        to_freeze, to_train = self._counted(node)
        if not to_freeze and not to_train:
            return 0.0, 0.0
        own = self._own_price(node)
        if not to_train:
            return 0.0, own
        if not to_freeze:
            return own, 0.0
        if_frozen = if_trains = 0.0
        for child in node.children.values():
            frozen, trains = self._price(child)
            if_frozen += frozen
            if_trains += trains
        self.prices[node.path] = if_frozen, if_trains
        if node is self.root:
            return if_frozen, if_trains
        turning = own + self.nesting
        return min(if_frozen, turning + if_trains), min(if_trains, turning + if_frozen)

    def _emit(self, node: Node, trains: bool, depth: int, found: list[Segment]) -> None:
        counted = self._counted(node)
        if not counted[not trains]:
            return
        own = self._own_price(node)
        pure = not counted[trains]
        turned = not pure and node is not self.root and self._turning_pays(node, trains, own)
        if pure or turned:
            trains = not trains
            found.append(Segment(depth, "train" if trains else "freeze", node, own))
            depth += 1
        if not pure:
            for child in node.children.values():
                self._emit(child, trains, depth, found)

    def _turning_pays(self, node: Node, trains: bool, own: float) -> bool:
        below = self.prices[node.path]
        return own + self.nesting + below[not trains] < below[trains]

    def _own_price(self, node: Node) -> float:
        return path_price(node.path) + (WHOLE_MODEL if node.path == self.whole else 0.0)


def _counts(found: int, length: int) -> list[int]:
    """Running totals of the bits, so that a run's count is one subtraction."""
    return [0, *accumulate(flags(found)[:length].ljust(length, b"\0"))]
