"""What the model can do before and after a run, told batch by batch while it is measured."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from freezecore.probe import ProbeRequest
from freezecore.runtime.train.score import Score, changes, metric_for
from freezecore.runtime.train.step import predict

if TYPE_CHECKING:
    from freezecore.runtime.train.phase import Phase
    from freezecore.runtime.train.session import Session

MOST_OF_TRAINING = 1_000  # samples of the training data that are scored afterwards


def silent() -> None:
    """Raises nothing."""


class Evaluation:
    """Scores of one run.

    Attributes:
        metric: the one that was asked for, or the data's usual one.
        first: the score of the first weights; None until it was measured.
    """

    def __init__(self, session: Session, request: ProbeRequest, emit: Callable[[dict], None]) -> None:
        self.session, self.seed, self.emit = session, request.seed, emit
        self.metric = metric_for(session.data.raw, request.metric)
        self.first: Score | None = None

    def before(self, phase: Phase, ask_to_stop: Callable[[], None] = silent) -> dict:
        """Fields of the result that say what the first weights can do; measured once a seed in a session."""
        known = self.session.before
        if self.seed not in known:
            with self.session.first_weights():
                known[self.seed] = self._logits(phase, "test", "before", each=ask_to_stop)
        self.first = self._score("test", known[self.seed])
        return {"accuracy_before": self.first.accuracy, "metric_before": self.first.metric(self.metric)}

    def after(self, phase: Phase, until: float = math.inf) -> dict:
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
        if self.session.scores_training and (logits := self._logits(phase, "train", "train", until)) is not None:
            found["train_accuracy_after"] = self._score("train", logits).accuracy
        return found

    def _logits(
        self, phase: Phase, part: str, when: str, until: float = math.inf, each: Callable[[], None] = silent
    ) -> Tensor | None:
        """Logits of one part of the data; `each` is called after each batch and may raise to stop."""
        feed = phase.parts[part]
        count = min(len(feed), MOST_OF_TRAINING) if part == "train" else len(feed)
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
