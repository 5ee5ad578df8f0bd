"""What a probe scores, and whether a difference is one: plain Python, so that page, sweep and tests use the same."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Z95 = 1.959963984540054  # 97.5 % quantile of the normal distribution
RESAMPLES = 1_000
SMALLEST = 1e-15  # probability below which the log loss does not look


@dataclass(frozen=True)
class Metric:
    """One way to score.

    Attributes:
        target: whether it scores classes or values.
        better: whether a high or a low score is the better one.
        label: what a page calls it.
    """

    name: str
    target: Literal["class", "value"]
    better: Literal["high", "low"]
    label: str


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("accuracy", "class", "high", "accuracy"),
        Metric("macro-f1", "class", "high", "macro F1"),
        Metric("qwk", "class", "high", "quadratic weighted kappa"),
        Metric("log-loss", "class", "low", "log loss"),
        Metric("rmse", "value", "low", "root mean squared error"),
    )
}


def accuracy(targets: Sequence[int], predicted: Sequence[int]) -> float:
    """Share of samples predicted right."""
    return sum(t == p for t, p in zip(targets, predicted, strict=True)) / len(targets)


def macro_f1(targets: Sequence[int], predicted: Sequence[int]) -> float:
    """Mean F1 over the classes that occur in either; a class never predicted right counts 0."""
    scores = []
    for of in set(targets) | set(predicted):
        right = sum(t == p == of for t, p in zip(targets, predicted, strict=True))
        named = sum(t == of for t in targets) + sum(p == of for p in predicted)
        scores.append(2 * right / named)
    return sum(scores) / len(scores)


def quadratic_kappa(targets: Sequence[int], predicted: Sequence[int]) -> float | None:
    """Cohen's kappa with weights (i - j)² for ordered classes; None where all samples and predictions are one class."""
    count = len(targets)
    seen = sum((t - p) ** 2 for t, p in zip(targets, predicted, strict=True)) / count
    mean_t, mean_p = sum(targets) / count, sum(predicted) / count
    spread = sum(t * t + p * p for t, p in zip(targets, predicted, strict=True)) / count
    chance = spread - 2 * mean_t * mean_p  # the expected squared distance were the two independent
    return 1 - seen / chance if chance > 0 else None


def rmse(targets: Sequence[float], predicted: Sequence[float]) -> float:
    """Root of the mean squared error, in the targets' own unit."""
    return math.sqrt(sum((t - p) ** 2 for t, p in zip(targets, predicted, strict=True)) / len(targets))


def log_loss(targets: Sequence[int], probabilities: Sequence[Sequence[float]]) -> float:
    """Mean negative log of the probability given to the right class, in nats."""
    return -sum(math.log(max(p[t], SMALLEST)) for t, p in zip(targets, probabilities, strict=True)) / len(targets)


def wilson(hits: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, 1927): good for small counts and near 0 and 1."""
    if not count:
        return 0.0, 1.0
    share, z2 = hits / count, Z95 * Z95
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = Z95 * math.sqrt(share * (1 - share) / count + z2 / (4 * count * count)) / (1 + z2 / count)
    return max(0.0, middle - half), min(1.0, middle + half)


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
