"""Suggestions: selections that a quick look at the model recommends, each with its reason and its price; as plain data.

    features    how well a linear classifier does on the output of each block: what lies before the best one is good
                enough as it is (linear probes at every depth, Alain and Bengio, arXiv 1610.01644)
    gradients   how large the data's gradients are against the weights, block by block: blocks in which they are
                large want to move (relative gradient norm, Lee et al., arXiv 2210.11466)
    snr         how much of each block's matrices rises above noise: those hold more that is worth adapting
                (after Spectrum, arXiv 2406.06623)
    budget      the fewest first blocks to freeze so that training fits in a memory budget

Numbers come from `freezecore.runtime.search.suggest`; here they become rules and sentences.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from freezecore._presets import first_blocks_rules
from freezecore.errors import ProbeError, none_called
from freezecore.probe import ProbeRequest
from freezecore.report import bytes_text, share_text
from freezecore.sentences import joined, say
from freezecore.statistics import share_error
from freezecore.tree import LayerTree

WAYS = ("features", "gradients", "snr")
TRAINED_SHARE = 1 / 3  # of the blocks, by the ways that rank them


@dataclass(frozen=True)
class SuggestRequest:
    """What to look at.

    Attributes:
        base: the probe whose source, data and sizes are looked at; its rules do not count.
        by: ways to look, of `WAYS`.
        budget_bytes: peak memory that a suggestion may need by the estimate; None for no limit.
    """

    base: ProbeRequest
    by: tuple[str, ...] = WAYS
    budget_bytes: int | None = None

    def __post_init__(self) -> None:
        for way in self.by:
            if way not in WAYS:
                raise none_called(ProbeError, "There is no suggestion by '{name}'.", way, WAYS)
        if not self.by and not self.budget_bytes:
            raise ProbeError("There is no way to look, and no budget.", "Choose features, gradients, snr, or a budget.")

    def to_json(self) -> dict:
        """The request as JSON values."""
        base = self.base.to_json()
        rest = {"by": list(self.by), "budget_bytes": self.budget_bytes}
        return {**rest, "base": base, "source": base["source"], "data": base["data"]}

    @classmethod
    def from_json(cls, data: dict) -> SuggestRequest:
        """Rebuild a request from `to_json`'s dictionary."""
        return cls(ProbeRequest.from_json(data["base"]), tuple(data["by"]), data["budget_bytes"])


@dataclass(frozen=True)
class Suggestion:
    """One selection.

    Attributes:
        by: the way it was found.
        rules: its rules as text.
        why: one sentence.
        score: what the way measured: an accuracy (features), a mean relative gradient norm, a mean signal-to-noise
            ratio; None for `budget`.
        scores: the same for each block, in order; None where a block could not be measured.
        peak_bytes: peak training memory by the estimate; None where it is unknown.
        fits: it fits in the budget; None where there is none, or the peak is unknown.
    """

    by: str
    rules: str
    why: str
    score: float | None = None
    scores: tuple[float | None, ...] = ()
    peak_bytes: int | None = None
    fits: bool | None = None


@dataclass(frozen=True)
class SuggestResult:
    """All suggestions, in the order of the ways; `notes` say what could not be looked at."""

    state: str
    suggestions: tuple[Suggestion, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float | None = None
    message: str = ""
    hint: str = ""
    request: dict = field(default_factory=dict)

    def to_json(self) -> dict:
        """What the command line's `suggest --json` prints."""
        return {"event": "result", **asdict(self)}


def from_features(tree: LayerTree, accuracies: Sequence[float], test_size: int) -> Suggestion:
    """Freeze up to the earliest block whose features classify as well as the best's, within one standard error.

    `accuracies` are those of a linear classifier after each block, on `test_size` held-out samples.
    """
    best = max(accuracies)
    enough = best - share_error(best, test_size)
    depth = next(i for i, accuracy in enumerate(accuracies, start=1) if accuracy >= enough)
    reached = share_text(accuracies[depth - 1], 1)
    if depth == len(tree.blocks):
        rules = "freeze all; train head"
        why = say(
            "A linear classifier gets better with every block, up to {reached} after the last: train the head alone.",
            reached=reached,
        )
    else:
        rules = first_blocks_rules(tree, depth)
        path = tree.blocks[depth - 1]
        why = say(
            "A linear classifier on the output of {path} reaches {reached}, and no later block helps: train those.",
            path=path,
            reached=reached,
        )
    return Suggestion("features", rules, why, accuracies[depth - 1], tuple(accuracies))


def from_gradients(tree: LayerTree, norms: Sequence[float | None]) -> Suggestion:
    """Train the third of the blocks whose gradients are largest against their weights, and the head."""
    kept, score = _top(norms)
    why = say(
        "The data pulls hardest on {blocks}: gradients are largest there against the weights.",
        blocks=_named(tree, kept),
    )
    return Suggestion("gradients", _train_only(tree, kept), why, score, tuple(norms))


def from_ratios(tree: LayerTree, ratios: Sequence[float | None]) -> Suggestion:
    """Train the third of the blocks whose matrices hold most signal for their noise, and the head."""
    kept, score = _top(ratios)
    why = say(
        "The matrices of {blocks} hold most signal for their noise, so there is most to adapt.",
        blocks=_named(tree, kept),
    )
    return Suggestion("snr", _train_only(tree, kept), why, score, tuple(ratios))


def from_budget(rules: str, budget_bytes: int, peak_bytes: int) -> Suggestion:
    """The least frozen selection that fits, as the estimate found it."""
    why = say(
        "The least frozen selection that fits in {budget}: it takes {peak}.",
        budget=bytes_text(budget_bytes),
        peak=bytes_text(peak_bytes),
    )
    return Suggestion("budget", rules or "train all", why, None, (), peak_bytes, True)


def _top(scores: Sequence[float | None]) -> tuple[list[int], float]:
    """Positions of the highest third in order, and their mean."""
    measured = {i: score for i, score in enumerate(scores) if score is not None and math.isfinite(score)}
    count = max(1, math.ceil(TRAINED_SHARE * len(measured)))
    kept = sorted(measured, key=measured.__getitem__, reverse=True)[:count]
    return sorted(kept), sum(measured[i] for i in kept) / count


def _train_only(tree: LayerTree, positions: Sequence[int]) -> str:
    """Rules under which these blocks (positions in `tree.blocks`) and the head train."""
    parts, before = [], 0
    for tower in tree.towers:
        inside = [i - before for i in positions if 0 <= i - before < len(tower.blocks)]
        before += len(tower.blocks)
        if inside:
            prefix = "blocks" if len(tree.towers) == 1 else f"blocks@{tower.name}"
            parts.append(f"{prefix}:{','.join(map(str, inside))}")
    head = "; train head" if tree.head else ""
    return f"freeze all; train {' '.join(parts)}{head}"


def _named(tree: LayerTree, positions: Sequence[int]) -> str:
    paths = [tree.blocks[i] for i in positions]
    return paths[0] if len(paths) == 1 else say("{first} and {last}", first=joined(paths[:-1]), last=paths[-1])
