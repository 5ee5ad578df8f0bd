"""What the model can do before and after a run: predictions batch by batch, and their scores."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

import torch
from torch import Tensor, nn

from freezecore.errors import ProbeError, none_called, shortened
from freezecore.metrics import METRICS
from freezecore.probe import Emit, ProbeRequest, SampleChange
from freezecore.runtime.data.pictures import data_address
from freezecore.runtime.data.samples import Dataset, Raw
from freezecore.runtime.train.phase import TrainingPhase
from freezecore.runtime.train.scenes import SceneFeed, SceneScore
from freezecore.runtime.train.session import Session
from freezecore.runtime.train.token_score import TokenScore, token_sums
from freezecore.sentences import say
from freezecore.spans import has_prefixes
from freezecore.statistics import wilson

AT_ONCE = 64  # samples of a batch
MOST_SCORES = 2**26  # of a batch: a quarter of a gigabyte
POINTS = 5  # accuracies along the way, at most
ALONG_SHARE, ALONG_S = 0.12, 0.25  # of the steps' time, or these seconds in all, that measuring along the way may take
MOST_CHANGES = 12
THUMBNAIL = 64


AnyScore: TypeAlias = "Score | TokenScore | SceneScore"


class Evaluation:
    """Scores of one run.

    Attributes:
        metric: the one that was asked for, or the data's usual one.
        first: the score of the first weights; None until it was measured.
    """

    def __init__(self, session: Session, request: ProbeRequest, emit: Emit) -> None:
        self.session, self.seed, self.emit = session, request.seed, emit
        self.batch_size = min(request.batch_size, len(session.train))
        self.metric = metric_for(session.data.raw, request.metric)
        self.first: AnyScore | None = None
        self._plan: tuple[TrainingPhase, int, int] | None = None

    def before(self, phase: TrainingPhase, ask_to_stop: Callable[[], None] = lambda: None) -> dict:
        """Fields of the result that say what the first weights can do; measured once a seed in a session."""
        known = self.session.before
        if self.seed not in known:
            with self.session.first_weights():
                answers = self._answers(phase, "test", "before", each=ask_to_stop)
            assert answers is not None  # without a clock none is left out
            known[self.seed] = answers
        self.first = self._score("test", known[self.seed])
        found = {"accuracy_before": self.first.accuracy, "metric_before": self.first.metric(self.metric)}
        return found | _of_tokens(self.first, "before")

    def after(self, phase: TrainingPhase, until: float = math.inf) -> dict:
        """Fields of the result that say what the model can do now; fewer when the clock reaches `until`."""
        answers = self._answers(phase, "test", "after", until)
        if answers is None:
            return {}
        now = self._score("test", answers)
        found = {
            "accuracy_after": now.accuracy,
            "interval": now.interval,
            "metric_after": now.metric(self.metric),
            "per_sample": tuple(now.per_sample(self.metric)),
            "baseline": _baseline(now, self.metric),
            "metric_interval": now.metric_interval(self.metric),
            "changed_samples": changes(self.first, now) if isinstance(self.first, Score) else (),
        } | _of_tokens(now, "after")
        if self.session.training_scored and (answers := self._answers(phase, "train", "train", until)) is not None:
            trained = self._score("train", answers)
            found |= {"train_accuracy_after": trained.accuracy, "train_metric_after": trained.metric(self.metric)}
        return found

    def along(self, phase: TrainingPhase, step: int, steps: int) -> None:
        """Tell how good the model is after this of so many steps, where a point is due; changes nothing in the run.

        The held-out samples are as many as can be had for little beside the steps: all of them where the frozen part
        is kept, else the first of a fixed shuffle. A run too short for a batch of them has no point.
        """
        points, some = self._planned(phase, steps)
        due = step * (points + 1) // steps > (step - 1) * (points + 1) // steps
        if not due or step == steps or not some:
            return
        test = self.session.test
        positions = torch.randperm(len(test), generator=torch.Generator().manual_seed(0))[:some].to(test.device)
        forward = partial(phase.forward, "test")
        parts = positions.split(self._at_once)
        found = [
            self._answer(logits, test.targets[part])
            for part, logits in zip(parts, predict(phase.model, forward, positions, self._at_once), strict=True)
        ]
        now = self._scored(torch.cat(found), test.targets[positions].cpu())
        told = {"event": "eval", "when": "along", "step": step, "done": some, "total": some}
        self.emit({**told, **now.told(self.metric)})

    def _planned(self, phase: TrainingPhase, steps: int) -> tuple[int, int]:
        """How many points a run has at this phase's pace, and samples of each."""
        if self._plan is None or self._plan[0] is not phase:
            step_s = phase.step_s or math.inf
            least, count = min(AT_ONCE, len(self.session.test)), len(self.session.test)
            samples = int(max(ALONG_S / step_s, ALONG_SHARE * steps) * self.batch_size)
            points = max(1, min(POINTS, samples // least))
            self._plan = (phase, points, min(count, samples // points) if samples >= least else 0)
        return self._plan[1:]

    @property
    def _at_once(self) -> int:
        """Samples of a batch: fewer where each has scores of a whole vocabulary at each token."""
        feed = self.session.test
        each = feed.targets.shape[1] * self.session.data.outputs if feed.of_tokens else 1
        return max(1, min(AT_ONCE, MOST_SCORES // each))

    def _answer(self, logits: Tensor, targets: Tensor) -> Tensor:
        """What is kept of the model's answers to some samples, a row each: their logits, of tokens their sums."""
        feed = self.session.test
        if isinstance(feed, SceneFeed):
            return feed.answer(logits, targets)
        return token_sums(logits, targets, feed.names) if feed.of_tokens else logits.cpu()

    def _answers(
        self,
        phase: TrainingPhase,
        part: str,
        when: str,
        until: float = math.inf,
        each: Callable[[], None] = lambda: None,
    ) -> Tensor | None:
        """Answers to one part of the data; `each` is called after each batch and may raise to stop."""
        feed = phase.parts[part]
        count = self.session.training_scored if part == "train" else len(feed)
        positions = torch.arange(count, device=self.session.device)
        found, hits, done = [], 0, 0
        for logits in predict(phase.model, partial(phase.forward, part), positions, self._at_once):
            done += len(logits)
            found.append(self._answer(logits, feed.targets[done - len(logits) : done]))
            told = {"event": "eval", "when": when, "done": done, "total": count}
            if self.session.data.raw.target == "class":
                hits += int((logits.argmax(-1) == feed.targets[done - len(logits) : done]).sum())
                told["accuracy"] = hits / done
            elif done == count:
                told |= self._score(part, torch.cat(found)).told(self.metric)
            self.emit(told)
            each()
            if time.perf_counter() > until and done < count:
                return None
        return torch.cat(found)

    def _score(self, part: str, answers: Tensor) -> AnyScore:
        feed = self.session.train if part == "train" else self.session.test
        return self._scored(answers, feed.targets[: len(answers)].cpu())

    def _scored(self, answers: Tensor, targets: Tensor) -> AnyScore:
        if self.session.data.raw.scenes:
            return SceneScore(answers, targets, self.session.data)
        if self.session.test.of_tokens:
            return TokenScore(answers, self.session.data)
        return Score(answers, targets, self.session.data)


def _baseline(score: AnyScore, metric: str) -> float | None:
    """The score of what has learnt nothing, as the mean of what each sample adds to it where it is one."""
    if isinstance(score, SceneScore):
        return score.best_constant()
    return _mean(score.of_the_commonest().per_sample(metric))


def _of_tokens(score: AnyScore, when: str) -> dict:
    """The result's fields that only models have which answer at each token."""
    if not isinstance(score, TokenScore):
        return {}
    found: dict = {f"held_out_loss_{when}": score.loss}
    if score.data.raw.continues:
        found[f"perplexity_{when}"] = score.metric("perplexity")
    else:
        found[f"span_f1_{when}"] = score.metric("span-f1")
    return found


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
        return sum(self._right) if self.of_classes else 0

    @property
    def _right(self) -> list[bool]:
        """Whether each sample's class is predicted right."""
        return (self.logits.argmax(-1) == self.targets).tolist()

    @property
    def of_classes(self) -> bool:
        return self.data.raw.target == "class"

    @property
    def accuracy(self) -> float | None:
        """Share predicted right; None for values."""
        return self.hits / len(self.targets) if self.of_classes else None

    def told(self, metric: str) -> dict:
        """What an event says of it: the accuracy of classes, the metric of values."""
        return {"accuracy": self.accuracy} if self.of_classes else {"metric": metric, "score": self.metric(metric)}

    @property
    def interval(self) -> tuple[float, float] | None:
        """The accuracy's 95 % interval."""
        return wilson(self.hits, len(self.targets)) if self.of_classes else None

    def metric_interval(self, metric: str) -> tuple[float, float] | None:
        """The accuracy's interval; that of other metrics is not computed."""
        return self.interval if metric == "accuracy" else None

    def per_sample(self, metric: str) -> list[float]:
        """What each sample adds to the score by a metric, higher is better: their mean ranks as the metric does.

        Accuracy: 1 or 0. Log loss: the negated loss. RMSE: the negated squared error. Macro F1 and kappa are no means
        over samples: their jackknife pseudo-values n·θ − (n−1)·θ₋ᵢ (Efron and Tibshirani, An Introduction to the
        Bootstrap, 1993, section 11.5), moved so that their mean is θ itself. Empty where the metric is unknown.
        """
        match metric:
            case "accuracy":
                return [float(right) for right in self._right]
            case "rmse":
                return [-((p - t) ** 2) for p, t in zip(self.values, self.true_values, strict=True)]
            case "log-loss":
                likelihood = self.logits.double().log_softmax(-1).clamp(min=math.log(sys.float_info.epsilon))
                return likelihood.gather(1, self.targets[:, None].long()).squeeze(1).tolist()
            case _:
                return self._pseudo_values(metric)

    def _pseudo_values(self, metric: str) -> list[float]:
        """A sample weighs by its cell of the confusion matrix alone, so each cell is left out once, not each sample."""
        whole = self.metric(metric)
        if whole is None:
            return []
        targets, predicted, count = self.targets.tolist(), self.classes, len(self.targets)
        first = {cell: i for i, cell in reversed(list(enumerate(zip(targets, predicted, strict=True))))}
        without = {cell: _class_metric(metric, _but(targets, i), _but(predicted, i)) for cell, i in first.items()}
        values = [
            count * whole - (count - 1) * (whole if (left := without[cell]) is None else left)
            for cell in zip(targets, predicted, strict=True)
        ]
        shift = whole - sum(values) / count
        return [value + shift for value in values]

    def metric(self, name: str) -> float | None:
        """The score by one of `METRICS`; kappa is None where all samples and predictions are of one class."""
        match name:
            case "accuracy":
                return self.accuracy
            case "rmse":
                return math.sqrt(-sum(self.per_sample(name)) / len(self.targets))
            case "log-loss":
                return -sum(self.per_sample(name)) / len(self.targets)
            case _:
                return _class_metric(name, self.targets.tolist(), self.classes)

    def of_the_commonest(self) -> Score:
        """What a model would score that has learnt nothing but how common each class is, or the mean value."""
        if not self.of_classes:
            return replace(self, logits=torch.zeros_like(self.logits))
        counts = torch.bincount(self.targets, minlength=self.logits.shape[-1])
        return replace(self, logits=counts.clamp(min=1e-6).log().expand(len(self.targets), -1))


def _class_metric(name: str, targets: list[int], predicted: list[int]) -> float | None:
    """Macro F1 over the classes that occur in either, or quadratic kappa; None where that is undefined."""
    from sklearn import metrics  # takes a second to import

    if name == "macro-f1":
        return float(metrics.f1_score(targets, predicted, average="macro", zero_division=0))
    if len({*predicted, *targets}) == 1:
        return None
    return float(metrics.cohen_kappa_score(targets, predicted, weights="quadratic", labels=_scale(targets, predicted)))


def _scale(targets: list[int], predicted: list[int]) -> list[int]:
    """All grades up to the highest: kappa weighs by how far apart two are, also where one between never occurs."""
    return list(range(max(*targets, *predicted) + 1))


def _but(values: list[int], position: int) -> list[int]:
    return values[:position] + values[position + 1 :]


def metric_for(raw: Raw, asked: str | None) -> str:
    """The metric to score with.

    Raises:
        ProbeError: there is none of that name, or it does not fit the data.
    """
    if asked is None:
        usual = {"class": "accuracy", "value": "rmse", "next-token": "perplexity"}
        usual |= {"boxes": "map50", "pixels": "mean-iou"}
        return usual.get(raw.target) or ("span-f1" if has_prefixes(raw.classes) else "token-accuracy")
    if asked not in METRICS:
        raise none_called(ProbeError, "There is no metric called '{name}'.", asked, METRICS)
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
    nouns = {"class": say("classes"), "value": say("values"), "next-token": say("texts"), "tags": say("tags")}
    nouns |= {"boxes": say("boxes"), "pixels": say("masks")}
    return nouns[raw.target]


def changes(before: Score, after: AnyScore) -> tuple[SampleChange, ...]:
    """Held-out samples that went from wrong to right or back, both kinds in turn, a dozen at most."""
    if not before.of_classes or not isinstance(after, Score):
        return ()
    was, now = torch.tensor(before._right), torch.tensor(after._right)
    better = (now & ~was).nonzero().flatten().tolist()[:MOST_CHANGES]
    worse = (was & ~now).nonzero().flatten().tolist()[: MOST_CHANGES // 2]
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


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
