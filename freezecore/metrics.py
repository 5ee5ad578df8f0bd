"""The metrics that a probe can score by; `freezecore.runtime.train.evaluate` computes them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


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

    def of_mean(self, score: float) -> float:
        """The metric in its own unit, from the mean of what each sample adds to it (see `Score.per_sample`)."""
        if self.name == "rmse":
            return math.sqrt(-score)
        return -score if self.better == "low" else score


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
