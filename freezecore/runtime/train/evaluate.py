"""What the model can do before and after a run: predictions batch by batch, and their scores."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from freezecore.errors import ProbeError, did_you_mean, shortened
from freezecore.metrics import METRICS
from freezecore.probe import Emit, ProbeRequest, SampleChange
from freezecore.runtime.data.picture import data_address
from freezecore.runtime.data.samples import Dataset, Raw
from freezecore.runtime.train.phase import TrainingPhase
from freezecore.runtime.train.session import Session
from freezecore.sentences import say
from freezecore.statistics import wilson

AT_ONCE = 64  # samples of a batch
MOST_CHANGES = 12
THUMBNAIL = 64


class Evaluation:
    """Scores of one run.

    Attributes:
        metric: the one that was asked for, or the data's usual one.
        first: the score of the first weights; None until it was measured.
    """

    def __init__(self, session: Session, request: ProbeRequest, emit: Emit) -> None:
        self.session, self.seed, self.emit = session, request.seed, emit
        self.metric = metric_for(session.data.raw, request.metric)
        self.first: Score | None = None

    def before(self, phase: TrainingPhase, ask_to_stop: Callable[[], None] = lambda: None) -> dict:
        """Fields of the result that say what the first weights can do; measured once a seed in a session."""
        known = self.session.before
        if self.seed not in known:
            with self.session.first_weights():
                logits = self._logits(phase, "test", "before", each=ask_to_stop)
            assert logits is not None  # without a clock none is left out
            known[self.seed] = logits
        self.first = self._score("test", known[self.seed])
        return {"accuracy_before": self.first.accuracy, "metric_before": self.first.metric(self.metric)}

    def after(self, phase: TrainingPhase, until: float = math.inf) -> dict:
        """Fields of the result that say what the model can do now; fewer when the clock reaches `until`."""
        logits = self._logits(phase, "test", "after", until)
        if logits is None:
            return {}
        now = self._score("test", logits)
        found = {
            "accuracy_after": now.accuracy,
            "interval": now.interval,
            "metric_after": now.metric(self.metric),
            "per_sample": tuple(now.per_sample),
            "changed_samples": changes(self.first, now) if self.first else (),
        }
        if self.session.training_scored and (logits := self._logits(phase, "train", "train", until)) is not None:
            found["train_accuracy_after"] = self._score("train", logits).accuracy
        return found

    def _logits(
        self,
        phase: TrainingPhase,
        part: str,
        when: str,
        until: float = math.inf,
        each: Callable[[], None] = lambda: None,
    ) -> Tensor | None:
        """Logits of one part of the data; `each` is called after each batch and may raise to stop."""
        feed = phase.parts[part]
        count = self.session.training_scored if part == "train" else len(feed)
        positions = torch.arange(count, device=self.session.device)
        found, hits, done = [], 0, 0
        for logits in predict(phase.model, lambda some: phase.forward(part, some), positions):
            found.append(logits.cpu())
            done += len(logits)
            told = {"event": "eval", "when": when, "done": done, "total": count}
            if self.session.data.raw.target == "class":
                hits += int((logits.argmax(-1) == feed.targets[done - len(logits) : done]).sum())
                told["accuracy"] = hits / done
            self.emit(told)
            each()
            if time.perf_counter() > until and done < count:
                return None
        return torch.cat(found)

    def _score(self, part: str, logits: Tensor) -> Score:
        feed = self.session.train if part == "train" else self.session.test
        return Score(logits, feed.targets[: len(logits)].cpu(), self.session.data)


@torch.no_grad()
def predict(
    model: nn.Module, forward: Callable[[Tensor], Tensor], positions: Tensor, at_once: int = AT_ONCE
) -> Iterator[Tensor]:
    """Logits of these samples, part by part, in eval mode; the mode that was found is set again."""
    was_training = model.training
    model.eval()
    try:
        for part in positions.split(at_once):
            yield forward(part).float()
    finally:
        model.train(was_training)


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
        return int(sum(self.per_sample, 0.0)) if self.of_classes else 0

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
        raise ProbeError(
            "There is no metric called '{name}'.",
            did_you_mean(asked, METRICS) or "Choose one of {names}.",
            name=shortened(asked),
            names=", ".join(METRICS),
        )
    if METRICS[asked].target != raw.target:
        fitting = ", ".join(m.name for m in METRICS.values() if m.target == raw.target)
        raise ProbeError(
            "{name} has {kind}, which '{asked}' does not score.",
            "Choose {names}.",
            name=raw.name,
            kind=_plural(raw),
            asked=asked,
            names=fitting,
        )
    return asked


def _plural(raw: Raw) -> str:
    return say("classes") if raw.target == "class" else say("values")


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
