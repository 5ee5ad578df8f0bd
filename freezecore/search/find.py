"""Find: the best selection within a time and a memory budget; what is asked for and what came of it, as plain data.

The search is `freezecore.search.halving`, the runs are made by `freezecore.runtime.search.find`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from statistics import mean, variance

from freezecore.errors import ProbeError
from freezecore.probe import ProbeRequest
from freezecore.search.measured import Candidate
from freezecore.statistics import noise


@dataclass(frozen=True)
class FindRequest:
    """What to look for.

    Attributes:
        base: the probe whose selection, learning rates and seed are sought; `steps` are those of the final rung.
        minutes: how long the search may take.
        budget_bytes: peak training memory that a selection may need by the estimate; None for no limit.
    """

    base: ProbeRequest
    minutes: float = 5.0
    budget_bytes: int | None = None

    def __post_init__(self) -> None:
        if not 0.1 <= self.minutes <= 24 * 60:
            raise ProbeError(
                "{minutes:g} minutes are out of range.", "Choose between 0.1 and 1440.", minutes=self.minutes
            )

    def to_json(self) -> dict:
        """The request as JSON values."""
        base = self.base.to_json()
        rest = {"minutes": self.minutes, "budget_bytes": self.budget_bytes}
        return {**rest, "base": base, "source": base["source"], "data": base["data"], "seconds": 60 * self.minutes}

    @classmethod
    def from_json(cls, data: dict) -> FindRequest:
        """Rebuild a request from `to_json`'s dictionary."""
        return cls(ProbeRequest.from_json(data["base"]), data["minutes"], data["budget_bytes"])


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
        score: what arms are ranked by, higher is better (see `MeasuredSelection`); None where the run did not end well.
        error: standard error of the score that the held-out set alone brings with it.
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
    per_sample: tuple[float, ...] = field(default=(), repr=False)

    def to_json(self) -> dict:
        """Its fields as JSON values, but for the score of each held-out sample."""
        return _without_samples(self)


@dataclass(frozen=True)
class Choice:
    """A selection that the search arrived at, with its evidence.

    Attributes:
        accuracy_after: mean over its seeds at the longest run it had; None where the data has values.
        score, scores: mean and by seed, of what selections are ranked by.
        noise: standard error of that mean.
        steps, seeds: what the mean rests on.
        per_sample: score of each held-out sample, mean over the seeds; left out of `to_json`.
    """

    rules: str
    labels: tuple[str, ...]
    accuracy_after: float | None
    score: float
    scores: tuple[float, ...]
    noise: float | None
    learning_rate: float | None
    head_learning_rate: float | None
    peak_bytes: int | None
    step_s: float | None
    steps: int
    seeds: int
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
        wins: share of the resampled held-out sets on which the best beats the runner-up; None where there is none.
        within_noise: the two differ by no more than the noise.
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

    def to_json(self) -> dict:
        """The last line that the command line's `find --json` prints."""
        best = self.best.to_json() if self.best else {"rules": None, "accuracy_after": None, "peak_bytes": None}
        plain = replace(self, best=None, runner_up=None, trials=())
        rest = {key: value for key, value in asdict(plain).items() if key not in ("best", "runner_up", "trials")}
        runner_up = self.runner_up.to_json() if self.runner_up else None
        trials = [trial.to_json() for trial in self.trials]
        return {"event": "result", **best, **rest, "runner_up": runner_up, "trials": trials}


def chosen(found: Iterable[tuple[Arm, SearchTrial]]) -> tuple[Choice, ...]:
    """Each selection at its best learning rate, judged by its longest runs; longer runs stand before shorter ones.

    Of equally long runs the highest lower end counts, a mean less its standard error over seeds, so that one lucky
    seed does not beat the mean of several.
    """
    by_arm: dict[tuple[str, float], list[tuple[Arm, SearchTrial]]] = {}
    for arm, tried in found:
        if tried.score is not None:
            by_arm.setdefault((arm.candidate.rules, arm.factor), []).append((arm, tried))
    longest = [_longest(pairs) for pairs in by_arm.values()]
    spread = _typical_spread([_scores(pairs) for pairs in longest])

    def rank(choice: Choice) -> tuple[int, float]:
        return choice.steps, choice.score - spread / math.sqrt(choice.seeds)

    best: dict[str, Choice] = {}
    for choice in sorted(map(_choice, longest), key=rank, reverse=True):
        best.setdefault(choice.rules, choice)
    return tuple(best.values())


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
    scores, accuracies = _scores(pairs), [run.accuracy_after for run in runs]
    return Choice(
        rules=first.rules,
        labels=first.labels,
        accuracy_after=mean(known) if len(known := [a for a in accuracies if a is not None]) == len(runs) else None,
        score=mean(scores),
        scores=tuple(scores),
        noise=noise(scores, first.error),
        learning_rate=first.learning_rate,
        head_learning_rate=first.head_learning_rate,
        peak_bytes=arm.peak_bytes,
        step_s=first.step_s,
        steps=first.steps,
        seeds=len(runs),
        per_sample=tuple(map(mean, zip(*(run.per_sample for run in runs), strict=True))),
    )
