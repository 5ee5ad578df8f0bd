"""Selections that were measured alike: each one's runs taken together, the best, and those as good within the noise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from statistics import mean, stdev

from freezecore.probe import ProbeResult
from freezecore.statistics import mean_error, no_better, noise, share_error


@dataclass(frozen=True)
class Candidate:
    """One selection to try.

    Attributes:
        rules: its rules as text.
        labels: what it is called; several where several families came to the same selection.
        frozen_blocks: how many blocks it freezes from the input side; None outside the depth family.
        adapter: what trains beside the weights, where that is another than the model was asked for with.
        factor: multiplies the default learning rates.
    """

    rules: str
    labels: tuple[str, ...]
    frozen_blocks: int | None = None
    adapter: str | None = None
    factor: float = 1.0

    @property
    def key(self) -> tuple[str | None, str]:
        """What it is, whatever its learning rates."""
        return self.adapter, self.rules


@dataclass(frozen=True)
class MeasuredSelection:
    """One selection, measured.

    Attributes:
        accuracy_after: mean over the seeds, from 0 to 1; None where no run reached its end, or the data has values.
        metric, metric_after: the metric's name, and its mean over the seeds in its own unit.
        score: what selections are ranked by, higher is better: the mean over held-out samples of what each adds to
            the metric, which for accuracy is the accuracy itself.
        scores: by seed.
        spread: standard deviation of the scores; None with fewer than two.
        noise: standard error of `score`, from the seeds and from the finite held-out set.
        peak_bytes, step_s, seconds: mean over the seeds, None where not measured.
        adapter, factor: as its `Candidate` has them; `learning_rate`, `head_learning_rate`: what came of the factor.
        per_sample: score of each held-out sample, mean over the seeds; left out of `to_json`.
    """

    rules: str
    labels: tuple[str, ...]
    frozen_blocks: int | None
    accuracy_after: float | None
    metric: str | None
    metric_after: float | None
    score: float | None
    scores: tuple[float, ...]
    spread: float | None
    noise: float | None
    peak_bytes: int | None
    step_s: float | None
    seconds: float | None
    trainable: int | None
    state: str = "done"
    message: str = ""
    adapter: str | None = None
    factor: float = 1.0
    learning_rate: float | None = None
    head_learning_rate: float | None = None
    per_sample: tuple[float, ...] = field(default=(), repr=False)

    def to_json(self) -> dict:
        """Its fields as JSON values."""
        return {key: value for key, value in asdict(self).items() if key != "per_sample"}


def taken_together(candidate: Candidate, results: Iterable[ProbeResult]) -> MeasuredSelection:
    """One selection's runs, taken together."""
    results = list(results)
    scored = [(result, score) for result in results if (score := score_of(result)) is not None]
    done, scores = [result for result, _ in scored], tuple(score for _, score in scored)
    failed = next((result for result in results if result.state != "done"), None)
    return MeasuredSelection(
        rules=candidate.rules,
        labels=candidate.labels,
        frozen_blocks=candidate.frozen_blocks,
        accuracy_after=_mean(done, lambda r: r.accuracy_after),
        metric=next((result.metric for result in done), None),
        metric_after=_mean(done, lambda r: r.metric_after),
        score=mean(scores) if scores else None,
        scores=scores,
        spread=stdev(scores) if len(scores) > 1 else None,
        noise=noise(scores, _mean(done, held_out_error)),
        peak_bytes=_mean(results, lambda r: r.peak_bytes or r.estimated_peak_bytes, whole=True),
        step_s=_mean(results, lambda r: r.step_s),
        seconds=_mean(results, lambda r: r.seconds),
        trainable=next((result.trainable for result in results), None),
        state=failed.state if failed else "done",
        message=failed.message if failed else "",
        adapter=candidate.adapter,
        factor=candidate.factor,
        learning_rate=next((result.learning_rate for result in results), None),
        head_learning_rate=next((result.head_learning_rate for result in results), None),
        per_sample=tuple(map(mean, zip(*(r.per_sample for r in done), strict=True))) if done else (),
    )


def score_of(result: ProbeResult) -> float | None:
    """What a run is judged by, higher is better: a held-out sample's mean score, else its accuracy."""
    return mean(result.per_sample) if result.per_sample else result.accuracy_after


def held_out_error(result: ProbeResult) -> float | None:
    """Standard error of a run's score that the number of held-out samples alone brings with it."""
    if result.metric in (None, "accuracy"):
        count = len(result.per_sample) or result.test_size
        return share_error(result.accuracy_after, count) if count and result.accuracy_after is not None else None
    return mean_error(result.per_sample) if result.per_sample else None


def compared(selections: Sequence[MeasuredSelection]) -> tuple[int | None, tuple[int, ...], tuple[int, ...]]:
    """Position of the best, of those as good within the noise, and of the Pareto front."""
    scores = {i: selection.score for i, selection in enumerate(selections) if selection.score is not None}
    scored = list(scores)
    if not scored:
        return None, (), ()
    best = max(scored, key=scores.__getitem__)
    as_good = tuple(i for i in scored if no_better(selections[best], selections[i]))
    front = tuple(i for i in scored if not any(_dominates(selections[j], selections[i]) for j in scored if j != i))
    return best, as_good, front


def _dominates(one: MeasuredSelection, other: MeasuredSelection) -> bool:
    pairs = ((other.score, one.score), (one.peak_bytes, other.peak_bytes), (one.step_s, other.step_s))
    known = [(a, b) for a, b in pairs if a is not None and b is not None]
    return all(a <= b for a, b in known) and any(a < b for a, b in known)


def _mean(results: Sequence[ProbeResult], value: Callable[[ProbeResult], float | None], whole: bool = False):
    values = [found for result in results if (found := value(result)) is not None]
    if not values:
        return None
    return round(mean(values)) if whole else mean(values)
