"""What one layer of rules says: the phrases that cover what it must set, and nothing that it must not."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass

from freezecore.name_index import NameIndex, union
from freezecore.rules.phrases import Phrase, phrases, words
from freezecore.rules.skeleton import Segment
from freezecore.spec import Action, Selector

MOST_WORDS = 4


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


def cover_in_words(goal: Goal, action: Action) -> list[Phrase] | None:
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


def cover_layer(goal: Goal, layer: list[Segment], deeper: int) -> list[Phrase]:
    """Phrases for the paths of one layer: always the one that saves most; what none shortens stays a path.

    Args:
        goal: what must come out in the end.
        layer: paths with one action, none inside another.
        deeper: names that later layers set right, as bits.
    """
    right = goal.wanting(layer[0].action)
    harmless = deeper | ~(goal.train | goal.freeze) & goal.names.everything
    offered = phrases(goal.names, layer, union(segment.run for segment in layer) & right, right | harmless)
    covers = [
        [i for i, segment in enumerate(layer) if not segment.run & ~(phrase.hits | harmless)] for phrase in offered
    ]
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
    return chosen + [_as_phrase(segment, goal.names, alone=len(layer) == 1) for segment in rest.values()]


def _as_phrase(segment: Segment, names: NameIndex, alone: bool) -> Phrase:
    """A segment as a path; one tensor alone is called by its full name."""
    node = segment.node
    path = names.names[node.low] if alone and node.high - node.low == 1 else node.path
    return Phrase((Selector("path", path),), segment.run, segment.price)
