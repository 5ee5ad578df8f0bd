"""Entries: selections that were measured alike, and which differences between them are more than noise."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from freezecore.probe import ProbeResult


@dataclass(frozen=True)
class Candidate:
    """One selection to try.

    Attributes:
        rules: its rules as text.
        labels: what it is called; several where several families came to the same selection.
        frozen_blocks: how many blocks it freezes from the input side; None outside the depth family.
    """

    rules: str
    labels: tuple[str, ...]
    frozen_blocks: int | None = None


@dataclass(frozen=True)
class Entry:
    """One selection, measured.

    Attributes:
        accuracy_after: mean over the seeds, from 0 to 1; None where no run reached its end.
        spread: standard deviation over the seeds; None with fewer than two.
        noise: standard error of `accuracy_after` from the seeds and from the finite held-out set.
        accuracies: by seed.
        peak_bytes, step_s, seconds: mean over the seeds, None where not measured.
    """

    rules: str
    labels: tuple[str, ...]
    frozen_blocks: int | None
    accuracy_after: float | None
    spread: float | None
    noise: float | None
    accuracies: tuple[float, ...]
    peak_bytes: int | None
    step_s: float | None
    seconds: float | None
    trainable: int | None
    state: str = "done"
    message: str = ""


def entry(candidate: Candidate, results: Iterable[ProbeResult]) -> Entry:
    """One selection's runs, taken together."""
    results = list(results)
    done = [result for result in results if result.accuracy_after is not None]
    accuracies = tuple(result.accuracy_after for result in done)
    failed = next((result for result in results if result.state != "done"), None)
    return Entry(
        rules=candidate.rules,
        labels=candidate.labels,
        frozen_blocks=candidate.frozen_blocks,
        accuracy_after=mean(accuracies) if accuracies else None,
        spread=stdev(accuracies) if len(accuracies) > 1 else None,
        noise=noise(accuracies, max((result.test_size for result in done), default=0)),
        accuracies=accuracies,
        peak_bytes=_mean(results, lambda r: r.peak_bytes or r.estimated_peak_bytes, whole=True),
        step_s=_mean(results, lambda r: r.step_s),
        seconds=_mean(results, lambda r: r.seconds),
        trainable=next((result.trainable for result in results), None),
        state=failed.state if failed else "done",
        message=failed.message if failed else "",
    )


def noise(accuracies: Sequence[float], test_size: int) -> float | None:
    """Standard error of a mean accuracy: the larger of what the seeds show and what the held-out set allows.

    The held-out samples are the same for every seed, so more seeds do not make that part smaller.
    """
    if not accuracies or not test_size:
        return None
    centre = mean(accuracies)
    held_out = math.sqrt(max(centre * (1 - centre), 1 / test_size) / test_size)
    seeds = stdev(accuracies) / math.sqrt(len(accuracies)) if len(accuracies) > 1 else 0.0
    return max(held_out, seeds)


def no_better(one: Entry, other: Entry) -> bool:
    """Whether `one`'s accuracy exceeds `other`'s by no more than the noise of both."""
    if one.accuracy_after is None or other.accuracy_after is None:
        return False
    return one.accuracy_after - other.accuracy_after <= math.hypot(one.noise or 0.0, other.noise or 0.0)


def compared(entries: Sequence[Entry]) -> tuple[int | None, tuple[int, ...], tuple[int, ...]]:
    """Position of the most accurate, of those as good within the noise, and of the Pareto front."""
    measured = [i for i, e in enumerate(entries) if e.accuracy_after is not None]
    if not measured:
        return None, (), ()
    best = max(measured, key=lambda i: entries[i].accuracy_after)
    as_good = tuple(i for i in measured if no_better(entries[best], entries[i]))
    front = tuple(i for i in measured if not any(_dominates(entries[j], entries[i]) for j in measured if j != i))
    return best, as_good, front


def _dominates(one: Entry, other: Entry) -> bool:
    pairs = [(-one.accuracy_after, -other.accuracy_after)]
    pairs += [(one.peak_bytes, other.peak_bytes), (one.step_s, other.step_s)]
    known = [(a, b) for a, b in pairs if a is not None and b is not None]
    return all(a <= b for a, b in known) and any(a < b for a, b in known)


def _mean(results: Sequence[ProbeResult], value: Callable[[ProbeResult], float | None], whole: bool = False):
    values = [found for result in results if (found := value(result)) is not None]
    if not values:
        return None
    return round(mean(values)) if whole else mean(values)
