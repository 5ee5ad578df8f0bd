"""An evaluation as numbers: accuracy and its interval, the metric that was chosen, which samples changed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from freezecore.errors import ProbeError, did_you_mean, shortened
from freezecore.metrics import METRICS
from freezecore.probe import SampleChange
from freezecore.runtime.data.picture import data_address
from freezecore.runtime.data.samples import Dataset, Raw
from freezecore.statistics import wilson

MOST_CHANGES = 12
THUMBNAIL = 64


@dataclass(frozen=True)
class Score:
    """What the model says about one part of the data: `logits` [n, outputs] and `targets` [n], on the host."""

    logits: Tensor
    targets: Tensor
    data: Dataset

    @property
    def classes(self) -> list[int]:
        """The class predicted for each sample."""
        return self.logits.argmax(-1).tolist()

    @property
    def values(self) -> list[float]:
        """The value predicted for each sample, in the targets' own unit."""
        return (self.logits.squeeze(-1).double() * self.data.spread + self.data.centre).tolist()

    @property
    def true_values(self) -> list[float]:
        return (self.targets.double() * self.data.spread + self.data.centre).tolist()

    @property
    def hits(self) -> int:
        return sum(self.per_sample) if self.of_classes else 0

    @property
    def of_classes(self) -> bool:
        return self.data.raw.target == "class"

    @property
    def accuracy(self) -> float | None:
        """Share predicted right; None for values."""
        return self.hits / len(self.targets) if self.of_classes else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The accuracy's 95 % interval."""
        return wilson(self.hits, len(self.targets)) if self.of_classes else None

    @property
    def per_sample(self) -> list[float]:
        """1 or 0 for a class, the negated squared error for a value."""
        if self.of_classes:
            return (self.logits.argmax(-1) == self.targets).int().tolist()
        return [-((p - t) ** 2) for p, t in zip(self.values, self.true_values, strict=True)]

    def metric(self, name: str) -> float | None:
        """The score by one of `METRICS`; kappa is None where all samples and predictions are of one class."""
        if name == "accuracy":
            return self.accuracy
        if name == "rmse":
            return math.sqrt(-sum(self.per_sample) / len(self.targets))
        from sklearn import metrics  # takes a second to import

        targets, every = self.targets.numpy(), range(self.logits.shape[-1])
        if name == "log-loss":
            return float(metrics.log_loss(targets, self.logits.double().softmax(-1).numpy(), labels=every))
        if name == "macro-f1":  # of the classes that occur in either
            return float(metrics.f1_score(targets, self.classes, average="macro", zero_division=0))
        if len({*self.classes, *targets.tolist()}) == 1:
            return None
        return float(metrics.cohen_kappa_score(targets, self.classes, labels=every, weights="quadratic"))


def metric_for(raw: Raw, asked: str | None) -> str:
    """The metric to score with.

    Raises:
        ProbeError: there is none of that name, or it does not fit the data.
    """
    if asked is None:
        return "accuracy" if raw.target == "class" else "rmse"
    if asked not in METRICS:
        hint = did_you_mean(asked, METRICS) or "Choose one of " + ", ".join(METRICS) + "."
        raise ProbeError("There is no metric called '{name}'.", hint, name=shortened(asked))
    if METRICS[asked].target != raw.target:
        fitting = ", ".join(m.name for m in METRICS.values() if m.target == raw.target)
        raise ProbeError(
            "{name} has {kind}, which '{asked}' does not score.",
            "Choose {fitting}.",
            name=raw.name,
            kind=_plural(raw),
            asked=asked,
            fitting=fitting,
        )
    return asked


def _plural(raw: Raw) -> str:
    return "classes" if raw.target == "class" else "values"


def changes(before: Score, after: Score) -> tuple[SampleChange, ...]:
    """Held-out samples that went from wrong to right or back, both kinds in turn, a dozen at most."""
    if not before.of_classes:
        return ()
    was, now = torch.tensor(before.per_sample), torch.tensor(after.per_sample)
    better = (now > was).nonzero().flatten().tolist()[:MOST_CHANGES]
    worse = (now < was).nonzero().flatten().tolist()[: MOST_CHANGES // 2]
    chosen = better[: MOST_CHANGES - len(worse)] + worse
    return tuple(_change(position, before, after) for position in chosen)


def _change(position: int, before: Score, after: Score) -> SampleChange:
    raw = before.data.raw
    name = raw.classes.__getitem__
    index = int(raw.test[position])
    return SampleChange(
        position,
        name(int(before.targets[position])),
        name(before.classes[position]),
        name(after.classes[position]),
        shortened(raw.texts[index], 200) if raw.texts else None,
        data_address(raw.images.at([index], THUMBNAIL)[0].numpy()) if raw.images else None,
    )
