"""Find: the best selection within a time and a memory budget; what is asked for and what came of it, as plain data.

The search is `freezecore.search.halving`, the runs are made by `freezecore.live.find`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from statistics import mean

from freezecore.errors import ProbeError
from freezecore.probe import ProbeRequest
from freezecore.search.entries import Candidate, noise


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
            raise ProbeError(f"{self.minutes:g} minutes are out of range.", "Choose between 0.1 and 1440.")

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
class Trial:
    """One run of one arm.

    Attributes:
        plain_s: seconds of a step without a stored prefix.
        capture_s: seconds spent on the prefix, which later runs of the selection share.
        score: what arms are ranked by, higher is better (see `Entry.score`); None where the run did not end well.
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


@dataclass(frozen=True)
class Choice:
    """A selection that the search arrived at, with its evidence.

    Attributes:
        accuracy_after: mean over its seeds at the longest run it had; None where the data has values.
        score: the same of the score by which selections are ranked.
        noise: standard error of that mean.
        steps, seeds: what the mean rests on.
    """

    rules: str
    labels: tuple[str, ...]
    accuracy_after: float | None
    score: float
    noise: float | None
    learning_rate: float | None
    head_learning_rate: float | None
    peak_bytes: int | None
    step_s: float | None
    steps: int
    seeds: int


@dataclass(frozen=True)
class FindResult:
    """The recommended selection, the runner-up, and what the search cost.

    `within_noise` says that the two differ by no more than the noise.
    """

    state: str
    best: Choice | None = None
    runner_up: Choice | None = None
    within_noise: bool = False
    tried: int = 0
    seconds: float | None = None
    trials: tuple[Trial, ...] = ()
    left_out: tuple[str, ...] = ()
    message: str = ""
    hint: str = ""
    request: dict = field(default_factory=dict)

    def to_json(self) -> dict:
        """The last line that the command line's `find --json` prints."""
        best = asdict(self.best) if self.best else {"rules": None, "accuracy_after": None, "peak_bytes": None}
        rest = {key: value for key, value in asdict(self).items() if key != "best"}
        return {"event": "result", **best, **rest}


def chosen(found: Iterable[tuple[Arm, Trial]]) -> tuple[Choice, ...]:
    """Each selection at its best learning rate, judged by its longest runs; longer runs stand before shorter ones."""
    by_arm: dict[tuple[str, float], list[tuple[Arm, Trial]]] = {}
    for arm, tried in found:
        if tried.score is not None:
            by_arm.setdefault((arm.candidate.rules, arm.factor), []).append((arm, tried))
    choices = sorted(map(_choice, by_arm.values()), key=lambda c: (c.steps, c.score), reverse=True)
    best: dict[str, Choice] = {}
    for choice in choices:
        best.setdefault(choice.rules, choice)
    return tuple(best.values())


def _choice(pairs: Sequence[tuple[Arm, Trial]]) -> Choice:
    longest = max(tried.steps for _, tried in pairs)
    runs = [tried for _, tried in pairs if tried.steps == longest]
    arm, first = pairs[0][0], runs[0]
    scores, accuracies = [run.score for run in runs], [run.accuracy_after for run in runs]
    return Choice(
        rules=first.rules,
        labels=first.labels,
        accuracy_after=None if None in accuracies else mean(accuracies),
        score=mean(scores),
        noise=noise(scores, first.error),
        learning_rate=first.learning_rate,
        head_learning_rate=first.head_learning_rate,
        peak_bytes=arm.peak_bytes,
        step_s=first.step_s,
        steps=longest,
        seeds=len(runs),
    )
