"""The metrics that a probe can score by; `freezecore.runtime.train.evaluate` computes them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Target = Literal["class", "value", "next-token", "tags", "boxes", "pixels"]


LARGEST_LOSS = 700.0  # of which the exponential is still a number


@dataclass(frozen=True)
class Metric:
    """One way to score.

    Attributes:
        target: what it scores: a class or a value of each sample, the next token at each place of a text, the tags of
            its words, the boxes of what a picture shows, or the class of each of its pixels.
        better: whether a high or a low score is the better one.
        label: what a page calls it.
    """

    name: str
    target: Target
    better: Literal["high", "low"]
    label: str

    def of_mean(self, score: float) -> float:
        """The metric in its own unit, from the mean of what each sample adds to it (see `Score.per_sample`)."""
        if self.name == "rmse":
            return math.sqrt(-score)
        if self.name == "perplexity":
            return math.exp(min(-score, LARGEST_LOSS))
        return -score if self.better == "low" else score


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("accuracy", "class", "high", "accuracy"),
        Metric("macro-f1", "class", "high", "macro F1"),
        Metric("qwk", "class", "high", "quadratic weighted kappa"),
        Metric("log-loss", "class", "low", "log loss"),
        Metric("rmse", "value", "low", "root mean squared error"),
        Metric("perplexity", "next-token", "low", "perplexity"),
        Metric("token-loss", "next-token", "low", "loss per token"),
        Metric("span-f1", "tags", "high", "span F1"),
        Metric("token-accuracy", "tags", "high", "accuracy per word"),
        Metric("map50", "boxes", "high", "mAP at an overlap of a half"),
        Metric("mean-iou", "pixels", "high", "mean overlap of the classes (IoU)"),
    )
}
