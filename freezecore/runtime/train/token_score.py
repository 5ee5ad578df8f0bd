"""Scores of models that answer at each token: loss and perplexity of language models, F1 of the spans that tags mark.

All of them are functions of sums over the held-out texts, so each text is kept as a row of a few numbers, and the
scores of its vocabulary are forgotten batch by batch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from freezecore.runtime.data.samples import IGNORED, Dataset
from freezecore.spans import spans
from freezecore.statistics import Z95, mean_error, share_error

LOSS, TOKENS, RIGHT, HITS, FOUND, TRUE = range(6)  # columns: of tokens the last three are 0


def token_sums(logits: Tensor, targets: Tensor, names: tuple[str, ...]) -> Tensor:
    """For each text its summed loss in nats, tokens with a target, tokens predicted right; and where `names` are the
    tags, spans predicted right, spans predicted, true spans: float64 [batch, 6]."""
    loss = F.cross_entropy(logits.float().flatten(0, -2), targets.flatten(), ignore_index=IGNORED, reduction="none")
    return _sums(loss.view(targets.shape), logits.argmax(-1), targets, names)


def _sums(loss: Tensor, best: Tensor, targets: Tensor, names: tuple[str, ...]) -> Tensor:
    asked = targets != IGNORED
    sums = torch.zeros((len(targets), 6), dtype=torch.float64)
    sums[:, LOSS], sums[:, TOKENS] = loss.double().sum(1).cpu(), asked.sum(1).cpu()
    sums[:, RIGHT] = ((best == targets) & asked).sum(1).cpu()
    if names:
        for i, (wanted, said, here) in enumerate(zip(targets.cpu(), best.cpu(), asked.cpu(), strict=True)):
            true, found = (spans([names[tag] for tag in of[here].tolist()]) for of in (wanted, said))
            sums[i, HITS:] = torch.tensor([len(true & found), len(found), len(true)])
    return sums


@dataclass(frozen=True)
class TokenScore:
    """What the model says about one part of the data: `sums` [n, 6], a row a text."""

    sums: Tensor
    data: Dataset

    accuracy: None = None  # of texts none is right or wrong as a whole
    interval: None = None

    def metric(self, name: str) -> float | None:
        """The score by one of `METRICS`."""
        value = float(_of(self.sums.sum(0), name))
        return math.exp(min(-value, 700.0)) if name == "perplexity" else -value if name == "token-loss" else value

    @property
    def loss(self) -> float:
        """Mean loss of a token, in nats."""
        return -float(_of(self.sums.sum(0), "token-loss"))

    def per_sample(self, metric: str) -> list[float]:
        """What each text adds to the score, higher is better: their mean is F1, the share, or the negated mean loss.

        None of them is a mean over texts: jackknife pseudo-values n·θ − (n−1)·θ₋ᵢ (Efron and Tibshirani, An
        Introduction to the Bootstrap, 1993, section 11.5), moved so that their mean is θ itself.
        """
        count, total = len(self.sums), self.sums.sum(0)
        whole = _of(total, metric)
        if count < 2:
            return [float(whole)] * count
        without = _of(total - self.sums, metric)
        values = count * whole - (count - 1) * torch.where(without.isnan(), whole, without)
        return (values + (whole - values.mean())).tolist()

    def metric_interval(self, metric: str) -> tuple[float, float] | None:
        """The 95 % interval of the score, from how texts differ; None of a single text.

        Of a share, no narrower than that of as many independent answers, of which at least one is wrong.
        """
        if len(self.sums) < 2:
            return None
        values, value = self.per_sample(metric), float(_of(self.sums.sum(0), metric))
        error = mean_error(values)
        if metric in ("span-f1", "token-accuracy"):
            total = self.sums.sum(0)
            answers = total[TOKENS] if metric == "token-accuracy" else (total[FOUND] + total[TRUE]) / 2
            error = max(error, share_error(value, max(1, int(answers))))
            return max(0.0, value - Z95 * error), min(1.0, value + Z95 * error)
        low, high = -value - Z95 * error, -value + Z95 * error
        return (math.exp(min(low, 700.0)), math.exp(min(high, 700.0))) if metric == "perplexity" else (low, high)

    def told(self, metric: str) -> dict:
        """What an event says of it."""
        return {"metric": metric, "score": self.metric(metric)}

    def of_the_commonest(self) -> TokenScore:
        """What a model would score that has learnt nothing but how common each token is, or that says everywhere the
        commonest tag; the shares are those of the training data, with one more of each."""
        train, test = self.data.train.targets, self.data.test.targets
        counts = torch.bincount(train[train != IGNORED], minlength=self.data.outputs).double() + 1
        likelihood = (counts / counts.sum()).log()
        loss = -likelihood[test.clamp(min=0)] * (test != IGNORED)
        best = torch.full_like(test, int(counts.argmax()))
        return replace(self, sums=_sums(loss, best, test, self.data.raw.classes))


def _of(sums: Tensor, metric: str) -> Tensor:
    """The score of sums [6] or of many [n, 6], higher is better; not a number where there is nothing to score."""
    if metric == "span-f1":
        return (2 * sums[..., HITS] / (sums[..., FOUND] + sums[..., TRUE])).nan_to_num(0.0)
    if metric == "token-accuracy":
        return sums[..., RIGHT] / sums[..., TOKENS]
    return -sums[..., LOSS] / sums[..., TOKENS]
