"""What a lesson's runs bear out, by their numbers and intervals; that it is too noisy to say is an answer too."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from freezecore.statistics import difference_interval

NOISY = "noisy"
ALIKE = 0.05  # accuracies are about the same where their difference, with its interval, is smaller
SHARES = {"half": 1 / 2, "third": 1 / 3, "tenth": 1 / 10}  # of a step's time
Results = Mapping[str, dict]  # by run's name


@dataclass(frozen=True)
class Contrast:
    """How far one run lies above another, with its 95 % interval.

    Attributes:
        kind: `accuracy`: the difference of two shares; `gap`: of how far each falls from its training data to new
            data; `saved`: the share of the other's step time that one saves.
    """

    one: str
    other: str
    value: float
    low: float
    high: float
    kind: str = "accuracy"

    @property
    def winner(self) -> str | None:
        """Which of the two lies above the other; None where noise could have made the difference."""
        return self.one if self.low > 0 else self.other if self.high < 0 else None


@dataclass(frozen=True)
class Verdict:
    """What the runs bear out.

    Attributes:
        answer: the guess that was right here and now, or `NOISY`.
        comparisons: those that decided it.
        left: guesses that noise leaves open; none where what was measured fits none of them.
    """

    answer: str
    comparisons: tuple[Contrast, ...] = ()
    left: tuple[str, ...] = ()


def enough(results: Results) -> Verdict:
    """Whether the head alone is better, worse, or about as good as everything."""
    found = _more_accurate(results, "head", "all")
    if found.winner or max(abs(found.low), abs(found.high)) < ALIKE:
        return Verdict(found.winner or "same", (found,))
    more = (("head", found.high), ("all", -found.low))
    return Verdict(NOISY, (found,), ("same", *(name for name, most in more if most >= ALIKE)))


def winner(results: Results) -> Verdict:
    """Who wins at each learning rate, if it is always the same one."""
    rates = dict.fromkeys(name.partition("_")[2] for name in results)
    found = tuple(_more_accurate(results, f"head_{rate}", f"all_{rate}") for rate in rates)
    won = {one.winner and one.winner.partition("_")[0] for one in found}
    if won >= {"head", "all"}:
        return Verdict("depends", found)
    always = won - {None}
    if None not in won:
        return Verdict(*always, found)
    return Verdict(NOISY, found, ("depends", *(always or ("head", "all"))))


def moved(results: Results) -> Verdict:
    """How many buffers changed without being held: a count, which has no noise."""
    count = buffers_moved(results)
    return Verdict("none" if not count else "few" if count <= 100 else "many")


def buffers_moved(results: Results) -> int:
    """Buffers that `norms update` let change."""
    return results["hold"]["proof"]["buffers"] - results["update"]["proof"]["buffers"]


def overfits(results: Results) -> Verdict:
    """Which run falls furthest from its own training data to new pictures.

    The accuracy on the training data is of all of it, so the noise is that of the new pictures alone.
    """
    gap = {name: results[name]["train_accuracy_after"] - results[name]["accuracy_after"]
           for name in ("all", "last", "head")}  # fmt: skip
    first, *others = sorted(gap, key=gap.__getitem__, reverse=True)
    found = [_more_lost(results, gap, first, other) for other in others]
    close = tuple(one.other for one in found if not one.winner)
    return Verdict(NOISY if close else first, (found[0],), (first, *close) if close else ())


def _more_lost(results: Results, gap: Mapping[str, float], first: str, other: str) -> Contrast:
    test = _more_accurate(results, other, first)
    more = gap[first] - gap[other] - test.value
    return Contrast(first, other, test.value + more, test.low + more, test.high + more, "gap")


def fastest(results: Results) -> Verdict:
    """Whose step takes least; of the slow ones none need be told from another."""
    first, *others = sorted(results, key=lambda name: results[name]["step_s"])
    found = tuple(_saved(results, first, other) for other in others)
    close = tuple(one.other for one in found if one.winner != first)
    return Verdict(NOISY if close else first, found, (first, *close) if close else ())


def saved(results: Results) -> Verdict:
    """Which share of a step's time frozen embeddings save."""
    found = _saved(results, "embeddings", "all")
    nearest = dict.fromkeys(_nearest(share) for share in (found.value, found.high, found.low) if share > 0)
    if len(nearest) == 1 and found.winner == "embeddings":
        return Verdict(*nearest, (found,))
    return Verdict(NOISY, (found,), tuple(nearest))


def leaner(results: Results) -> Verdict:
    """Which of the two took less memory: an allocator's figure, which repeats to a few per cent."""
    lora, last = (results[name]["peak_bytes"] for name in ("lora", "last"))
    if abs(lora - last) < ALIKE * max(lora, last):
        return Verdict("same")
    return Verdict("lora" if lora < last else "last")


def _nearest(share: float) -> str:
    return min(SHARES, key=lambda name: abs(SHARES[name] - share))


def _more_accurate(results: Results, one: str, other: str) -> Contrast:
    """From the same held-out samples where both runs have them, else from their intervals."""
    a, b = results[one], results[other]
    value = a["accuracy_after"] - b["accuracy_after"]
    scores = [result.get("per_sample") or () for result in (a, b)]
    if scores[0] and len(scores[0]) == len(scores[1]):
        return Contrast(one, other, value, *difference_interval(*scores))
    half = math.hypot(*((high - low) / 2 for low, high in (a["interval"], b["interval"])))
    return Contrast(one, other, value, value - half, value + half)


def _saved(results: Results, one: str, other: str) -> Contrast:
    """From the intervals of both steps' times."""
    a, b = results[one]["step_s"], results[other]["step_s"]
    (a_low, a_high), (b_low, b_high) = (
        results[name].get("step_interval") or (results[name]["step_s"],) * 2 for name in (one, other)
    )
    return Contrast(one, other, 1 - a / b, 1 - a_high / b_low, 1 - a_low / b_high, "saved")


Judge = Callable[[Results], Verdict]
