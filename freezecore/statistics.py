"""Whether a difference is one: intervals, standard errors, the paired bootstrap, and what lies within the noise."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from statistics import pstdev, stdev
from typing import Protocol

Z95 = 1.959963984540054  # 97.5 % quantile of the normal distribution
RESAMPLES = 1_000
SURE = 0.95  # of the resamples that one has to win


def wilson(hits: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, 1927): good for small counts and near 0 and 1."""
    if not count:
        return 0.0, 1.0
    share, z2 = hits / count, Z95 * Z95
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = Z95 * math.sqrt(share * (1 - share) / count + z2 / (4 * count * count)) / (1 + z2 / count)
    return max(0.0, middle - half), min(1.0, middle + half)


def share_error(share: float, count: int) -> float:
    """Standard error of a share of `count` samples; perfect on n is not perfect: at least one error in n is allowed."""
    return math.sqrt(max(share * (1 - share), 1 / count) / count)


def mean_error(values: Sequence[float]) -> float:
    """Standard error of the mean of held-out samples' scores."""
    return pstdev(values) / math.sqrt(len(values))


def seed_error(scores: Sequence[float]) -> float:
    """Standard error that the seeds give a mean score; 0 with fewer than two."""
    return stdev(scores) / math.sqrt(len(scores)) if len(scores) > 1 else 0.0


def noise(scores: Sequence[float], held_out: float | None) -> float | None:
    """Standard error of a mean score: the larger of what the seeds show and what the held-out set allows.

    The held-out samples are the same for every seed, so more seeds do not make that part smaller.
    """
    return max(held_out, seed_error(scores)) if scores and held_out is not None else None


def bootstrap_wins(a: Sequence[float], b: Sequence[float], resamples: int = RESAMPLES, seed: int = 0) -> float:
    """How often A's sum beats B's when the held-out samples are drawn again, with replacement and in pairs.

    Higher per-sample scores are better (give squared errors negated); a tie counts half. Efron and Tibshirani,
    An Introduction to the Bootstrap, 1993, section 8.
    """
    differences = [x - y for x, y in zip(a, b, strict=True)]
    if not any(differences):
        return 0.5
    draw = random.Random(seed)
    count, wins = len(differences), 0.0
    for _ in range(resamples):
        total = sum(draw.choices(differences, k=count))
        wins += 1.0 if total > 0 else 0.5 if total == 0 else 0.0
    return wins / resamples


def beyond_noise(difference: float, wins: float, seeds: float) -> bool:
    """Whether a positive difference is one: it exceeds the standard error of the seeds, and the better of the two
    wins at least 95 of 100 paired resamples of the held-out samples."""
    return difference > seeds and wins >= SURE


class Scored(Protocol):
    """What two selections are compared by: mean score, scores by seed, standard error, each held-out sample's score."""

    @property
    def score(self) -> float | None: ...
    @property
    def scores(self) -> tuple[float, ...]: ...
    @property
    def noise(self) -> float | None: ...
    @property
    def per_sample(self) -> tuple[float, ...]: ...


def wins(one: Scored, other: Scored) -> float | None:
    """Share of the paired resamples of the held-out samples in which `one` beats `other`; None where not paired."""
    if not one.per_sample or len(one.per_sample) != len(other.per_sample):
        return None
    return bootstrap_wins(one.per_sample, other.per_sample)


def no_better(one: Scored, other: Scored) -> bool:
    """Whether `one` beats `other` by no more than noise; where the samples are not paired, by their standard errors."""
    if one.score is None or other.score is None:
        return False
    difference, seeds = one.score - other.score, math.hypot(seed_error(one.scores), seed_error(other.scores))
    if difference <= seeds:
        return True  # asked first: the resamples take milliseconds
    share = wins(one, other)
    if share is None:
        return difference <= math.hypot(one.noise or 0.0, other.noise or 0.0)
    return not beyond_noise(difference, share, seeds)


def median_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """An interval that holds the median with at least 95 %, by order statistics; None where there are too few values.

    David and Nagaraja, Order Statistics, 2003, section 7.1: the k-th smallest and the k-th largest of n hold it with
    1 − 2·P(Binomial(n, ½) < k).
    """
    count, found = len(values), None
    for k in range(1, count // 2 + 1):
        if 2 * sum(math.comb(count, i) for i in range(k)) / 2**count > 1 - SURE:
            break
        found = (sorted(values)[k - 1], sorted(values)[count - k])
    return found


def difference_interval(a: Sequence[float], b: Sequence[float]) -> tuple[float, float]:
    """The 95 % interval of the difference of two shares on the same samples, scored 0 or 1, pair by pair.

    Bonett and Price, Journal of Educational and Behavioral Statistics 37 (2012): the normal interval with one more
    pair that speaks for each side, so that few pairs that differ do not look sure.
    """
    differences = [*(x - y for x, y in zip(a, b, strict=True)), 1, -1]
    middle, half = sum(differences) / len(differences), Z95 * mean_error(differences)
    return middle - half, middle + half
