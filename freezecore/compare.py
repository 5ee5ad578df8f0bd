"""Comparing selections honestly: on the same held-out samples, with what chance would do beside the difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from freezecore.errors import ProbeError
from freezecore.metrics import bootstrap_wins
from freezecore.probe import ProbeResult, Proof

SURE = 0.95  # of the resamples that one has to win


@dataclass(frozen=True)
class Duel:
    """Two selections on the same held-out samples.

    Attributes:
        difference: mean score of A less that of B, in the score's own unit.
        wins: share of the resamples in which A beats B; a tie counts half.
    """

    difference: float
    wins: float

    @property
    def better(self) -> str | None:
        """`a`, `b`, or None where the difference is within the noise."""
        return "a" if self.wins >= SURE else "b" if self.wins <= 1 - SURE else None

    def sentence(self, a: str, b: str) -> str:
        """What the duel says, in resamples of a hundred."""
        if self.better is None:
            return f"No difference beyond the noise: '{a}' beats '{b}' in {self.wins * 100:.0f} of 100 resamples."
        if self.better == "b":
            a, b = b, a
        return f"'{a}' beats '{b}' in {max(self.wins, 1 - self.wins) * 100:.0f} of 100 resamples."


def duel(a: Sequence[float], b: Sequence[float]) -> Duel:
    """Paired bootstrap of two selections' scores on the same samples, higher is better.

    Raises:
        ProbeError: they were not scored on the same samples.
    """
    if len(a) != len(b) or not a:
        raise ProbeError(
            f"The two were scored on {len(a):,} and {len(b):,} held-out samples, so they cannot be paired.",
            "Run both on the same data with the same test size.",
        )
    return Duel(sum(x - y for x, y in zip(a, b, strict=True)) / len(a), bootstrap_wins(a, b))


def duel_of(a: ProbeResult, b: ProbeResult) -> Duel:
    """The same for two probes.

    Raises:
        ProbeError: they were not scored on the same samples.
    """
    for name in ("data", "train_size", "test_size", "group", "fold", "held_out_fold", "target"):
        if a.request.get(name) != b.request.get(name):
            raise ProbeError(f"The two probes differ in their {name.replace('_', ' ')}.", "Run both on the same data.")
    return duel(a.per_sample, b.per_sample)


@dataclass(frozen=True)
class Tried:
    """One selection on a person's own model and data.

    Attributes:
        score: mean of `per_sample` over all seeds.
        per_sample: a held-out sample's score, mean over the seeds; higher is better.
        by_seed: the mean score of each seed.
        step_s: median seconds of a step.
        proof: of the last seed.
    """

    rules: str
    trainable: int
    score: float
    per_sample: tuple[float, ...]
    by_seed: tuple[float, ...]
    step_s: float
    proof: Proof


@dataclass(frozen=True)
class Comparison:
    """Selections tried side by side, in the order they were given."""

    tried: tuple[Tried, ...]

    @property
    def best(self) -> Tried:
        return max(self.tried, key=lambda one: one.score)

    def duels(self) -> tuple[tuple[str, str, Duel], ...]:
        """The best against each of the others."""
        best = self.best
        return tuple(
            (best.rules, other.rules, duel(best.per_sample, other.per_sample))
            for other in self.tried
            if other is not best
        )

    def __str__(self) -> str:
        rows = [f"{one.score:8.3f}  {one.trainable:12,}  {one.step_s * 1e3:8.1f} ms  {one.rules}" for one in self.tried]
        said = [found.sentence(a, b) for a, b, found in self.duels()]
        return "\n".join([f"{'score':>8}  {'trainable':>12}  {'step':>11}  rules", *rows, *said])

    def to_json(self) -> dict:
        """The comparison as JSON values."""
        return {**asdict(self), "duels": [{"a": a, "b": b, **asdict(found)} for a, b, found in self.duels()]}
