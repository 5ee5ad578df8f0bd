"""Find: the best selection within a time and a memory budget; what is asked for and what came of it, as plain data.

The search is `freezecore.search.halving`, the runs are made by `freezecore.runtime.search.find`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from statistics import mean, variance

from freezecore.errors import ProbeError, none_called
from freezecore.metrics import METRICS
from freezecore.probe import ProbeRequest
from freezecore.report import bytes_text, html_table, number_text, seconds_text
from freezecore.search.measured import Candidate
from freezecore.search.sweep import OVER
from freezecore.sentences import say
from freezecore.statistics import mean_error, noise


@dataclass(frozen=True)
class FindRequest:
    """What to look for.

    Attributes:
        base: the probe whose selection, learning rates and seed are sought; `steps` are those of the final rung.
        minutes: how long the search may take.
        budget_bytes: peak training memory that a selection may need by the estimate; None for no limit.
        over: families of selections, as a sweep has them.
    """

    base: ProbeRequest
    minutes: float = 5.0
    budget_bytes: int | None = None
    over: tuple[str, ...] = ("depth", "presets")

    def __post_init__(self) -> None:
        for name in self.over:
            if name not in OVER:
                raise none_called(ProbeError, "A search cannot go over '{name}'.", name, OVER)
        if not self.over:
            raise ProbeError("There is nothing to search over.", "Choose depth, presets or rank.")
        if not 0.1 <= self.minutes <= 24 * 60:
            raise ProbeError(
                "{minutes:g} minutes are out of range.", "Choose between 0.1 and 1440.", minutes=self.minutes
            )

    def to_json(self) -> dict:
        """The request as JSON values."""
        base = self.base.to_json()
        rest = {"minutes": self.minutes, "budget_bytes": self.budget_bytes, "over": list(self.over)}
        return {**rest, "base": base, "source": base["source"], "data": base["data"], "seconds": 60 * self.minutes}

    @classmethod
    def from_json(cls, data: dict) -> FindRequest:
        """Rebuild a request from `to_json`'s dictionary."""
        over = tuple(data.get("over", ("depth", "presets")))
        return cls(ProbeRequest.from_json(data["base"]), data["minutes"], data["budget_bytes"], over)


@dataclass(frozen=True)
class Arm:
    """A selection at one learning rate.

    Attributes:
        factor: multiplies the default learning rates.
        work: FLOPs of a training step without what a stored prefix saves.
        plain_work: FLOPs of a step with all of it.
        peak_bytes: peak memory by the estimate.
    """

    candidate: Candidate
    factor: float = 1.0
    work: float = 1.0
    plain_work: float = 1.0
    peak_bytes: int | None = None


@dataclass(frozen=True)
class SearchTrial:
    """One run of one arm.

    Attributes:
        plain_s: seconds of a step without a stored prefix.
        capture_s: seconds spent on the prefix, which later runs of the selection share.
        score: what arms are ranked by, higher is better (see `MeasuredSelection`), on every other held-out sample; None
            where the run did not end well.
        error: standard error of the score that those samples alone bring with it.
        baseline: the score of a model that has learnt nothing but how common each class is.
        metric: which one `score` follows.
    """

    rules: str
    labels: tuple[str, ...]
    factor: float
    rung: int
    steps: int
    seed: int
    accuracy_after: float | None
    seconds: float
    step_s: float | None
    state: str
    plain_s: float | None = None
    capture_s: float = 0.0
    score: float | None = None
    error: float | None = None
    learning_rate: float | None = None
    head_learning_rate: float | None = None
    message: str = ""
    baseline: float | None = None
    metric: str | None = None
    adapter: str | None = None
    per_sample: tuple[float, ...] = field(default=(), repr=False)  # of the other half, which nothing is chosen by

    @property
    def has_learnt(self) -> bool | None:
        """Whether it is above the baseline by more than noise; None where that is not known."""
        if self.score is None or self.baseline is None or self.error is None:
            return None
        return self.score - self.baseline > 2 * self.error

    def to_json(self) -> dict:
        """Its fields as JSON values, but for the score of each held-out sample."""
        return _without_samples(self)


@dataclass(frozen=True)
class Choice:
    """A selection that the search arrived at, with its evidence.

    Attributes:
        accuracy_after: mean over its seeds at the longest run it had, on the held-out samples that the search did not
            choose by; None where the data has values.
        chosen_by: mean score on the samples that it did choose by: what selections are ranked by.
        score, scores: mean and by seed, on the samples that it did not choose by.
        metric, metric_after: the metric's name, and the score in its own unit.
        noise: standard error of `score`.
        steps, seeds: what the mean rests on.
        per_sample: score of each held-out sample, mean over the seeds; left out of `to_json`.
    """

    rules: str
    labels: tuple[str, ...]
    accuracy_after: float | None
    chosen_by: float
    score: float
    scores: tuple[float, ...]
    metric: str | None
    metric_after: float | None
    noise: float | None
    learning_rate: float | None
    head_learning_rate: float | None
    peak_bytes: int | None
    step_s: float | None
    steps: int
    seeds: int
    adapter: str | None = None
    per_sample: tuple[float, ...] = field(default=(), repr=False)

    def to_json(self) -> dict:
        """Its fields as JSON values."""
        return _without_samples(self)


def _without_samples(one: SearchTrial | Choice) -> dict:
    return {key: value for key, value in asdict(one).items() if key != "per_sample"}


@dataclass(frozen=True)
class FindResult:
    """The recommended selection, the runner-up, and what the search cost.

    Attributes:
        wins: share of the resampled unseen samples on which the best beats the runner-up; None where there is none.
        within_noise: on them the two differ by no more than the noise.
        left_out: what was not tried, and why.
    """

    state: str
    best: Choice | None = None
    runner_up: Choice | None = None
    wins: float | None = None
    within_noise: bool = False
    tried: int = 0
    seconds: float | None = None
    trials: tuple[SearchTrial, ...] = ()
    left_out: tuple[str, ...] = ()
    message: str = ""
    hint: str = ""
    request: dict = field(default_factory=dict)

    def _repr_html_(self) -> str:
        rows = [
            (
                name,
                number_text(one.score if one.metric_after is None else one.metric_after, 4),
                "" if one.noise is None else f"±{one.noise:.3f}",
                bytes_text(one.peak_bytes),
                seconds_text(one.step_s),
                " · ".join(filter(None, (one.adapter, one.rules))),
            )
            for name, one in (("recommended", self.best), ("runner-up", self.runner_up))
            if one is not None
        ]
        metric = self.best.metric if self.best and self.best.metric else "score"
        close = say("The two do not differ beyond the noise.") if self.within_noise and self.runner_up else ""
        header = ("", f"unseen {metric}", "noise", "peak", "step", "rules")
        return html_table(header, rows, right=[1, 2, 3, 4], below=[close, *self.left_out, self.message, self.hint])

    def to_json(self) -> dict:
        """The last line that the command line's `find --json` prints."""
        best = (
            self.best.to_json()
            if self.best
            else {"rules": None, "accuracy_after": None, "peak_bytes": None, "adapter": None}
        )
        plain = replace(self, best=None, runner_up=None, trials=())
        rest = {key: value for key, value in asdict(plain).items() if key not in ("best", "runner_up", "trials")}
        runner_up = self.runner_up.to_json() if self.runner_up else None
        trials = [trial.to_json() for trial in self.trials]
        return {"event": "result", **best, **rest, "runner_up": runner_up, "trials": trials}


def chosen(found: Iterable[tuple[Arm, SearchTrial]]) -> tuple[Choice, ...]:
    """Each selection at its best learning rate, judged by its longest runs, best first.

    The highest lower end counts, a mean less its standard error over seeds, so that one lucky seed does not beat the
    mean of several; of equals, the longer run.
    """
    by_arm: dict[tuple[str | None, str, float], list[tuple[Arm, SearchTrial]]] = {}
    for arm, tried in found:
        if tried.score is not None:
            by_arm.setdefault((*arm.candidate.key, arm.factor), []).append((arm, tried))
    longest = [_longest(pairs) for pairs in by_arm.values()]
    spread = _typical_spread([_scores(pairs) for pairs in longest])

    def lower_end(choice: Choice) -> float:
        return choice.chosen_by - spread / math.sqrt(choice.seeds)

    best: dict[tuple[str | None, str], Choice] = {}
    for choice in sorted(map(_choice, longest), key=lambda one: (one.steps, lower_end(one)), reverse=True):
        best.setdefault((choice.adapter, choice.rules), choice)
    return tuple(sorted(best.values(), key=lambda one: (lower_end(one), one.steps), reverse=True))


def _scores(pairs: Iterable[tuple[Arm, SearchTrial]]) -> list[float]:
    return [tried.score for _, tried in pairs if tried.score is not None]


def _longest(pairs: Sequence[tuple[Arm, SearchTrial]]) -> list[tuple[Arm, SearchTrial]]:
    steps = max(tried.steps for _, tried in pairs)
    return [pair for pair in pairs if pair[1].steps == steps]


def _typical_spread(scores: Iterable[Sequence[float]]) -> float:
    """Standard deviation over seeds, pooled over the arms that have several; 0 where none has."""
    several = [of for of in scores if len(of) > 1]
    degrees = sum(len(of) - 1 for of in several)
    return math.sqrt(sum(variance(of) * (len(of) - 1) for of in several) / degrees) if degrees else 0.0


def _choice(pairs: Sequence[tuple[Arm, SearchTrial]]) -> Choice:
    (arm, first), runs = pairs[0], [tried for _, tried in pairs]
    chosen_by, accuracies = mean(_scores(pairs)), [run.accuracy_after for run in runs]
    unseen = tuple(map(mean, zip(*(run.per_sample for run in runs), strict=True)))
    scores = tuple(mean(run.per_sample) for run in runs) if unseen else tuple(_scores(pairs))
    score, metric = mean(scores), METRICS.get(first.metric or "")
    known = [accuracy for accuracy in accuracies if accuracy is not None]
    accuracy = mean(known) if len(known) == len(runs) else None
    return Choice(
        rules=first.rules,
        labels=first.labels,
        accuracy_after=score if unseen and first.metric == "accuracy" else accuracy,
        chosen_by=chosen_by,
        score=score,
        scores=scores,
        metric=first.metric,
        metric_after=metric.of_mean(score) if metric else None,
        noise=noise(scores, mean_error(unseen) if len(unseen) > 1 else first.error),
        learning_rate=first.learning_rate,
        head_learning_rate=first.head_learning_rate,
        peak_bytes=arm.peak_bytes,
        step_s=first.step_s,
        steps=first.steps,
        seeds=len(runs),
        adapter=arm.candidate.adapter,
        per_sample=unseen,
    )
