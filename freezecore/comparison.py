"""Comparing selections honestly: on the same held-out samples, with what chance would do beside the difference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from statistics import stdev

from freezecore.errors import ProbeError
from freezecore.probe import ProbeResult, Proof
from freezecore.report import html_table, seconds_text, table
from freezecore.sentences import say
from freezecore.statistics import beyond_noise, bootstrap_wins, seed_error

HEADER = ("score", "spread", "trainable", "step", "rate", "rules")


@dataclass(frozen=True)
class Duel:
    """Two selections on the same held-out samples.

    Attributes:
        difference: mean score of A less that of B, in the score's own unit.
        wins: share of the resamples in which A beats B; a tie counts half.
        seed_error: standard error that the seeds give the difference; 0 with one seed each.
    """

    difference: float
    wins: float
    seed_error: float = 0.0

    @property
    def better(self) -> str | None:
        """`a`, `b`, or None where the difference is within the noise."""
        if beyond_noise(self.difference, self.wins, self.seed_error):
            return "a"
        return "b" if beyond_noise(-self.difference, 1 - self.wins, self.seed_error) else None

    def sentence(self, a: str, b: str) -> str:
        """What the duel says, in resamples of a hundred."""
        if self.better is None:
            return say(
                "No difference beyond the noise: '{a}' beats '{b}' in {wins:.0f} of 100 resamples.",
                a=a,
                b=b,
                wins=self.wins * 100,
            )
        if self.better == "b":
            a, b = b, a
        return say(
            "'{a}' beats '{b}' in {wins:.0f} of 100 resamples.", a=a, b=b, wins=max(self.wins, 1 - self.wins) * 100
        )


def duel(a: Sequence[float], b: Sequence[float]) -> Duel:
    """Paired bootstrap of two selections' scores on the same samples, higher is better.

    Raises:
        ProbeError: they were not scored on the same samples.
    """
    if len(a) != len(b) or not a:
        raise ProbeError(
            "The two were scored on {count:,} and {other:,} held-out samples, so they cannot be paired.",
            "Run both on the same data with the same test size.",
            count=len(a),
            other=len(b),
        )
    return Duel(sum(x - y for x, y in zip(a, b, strict=True)) / len(a), bootstrap_wins(a, b))


def duel_of(a: ProbeResult, b: ProbeResult) -> Duel:
    """The same for two probes.

    Raises:
        ProbeError: they were not scored on the same samples.
    """
    for name in ("data", "train_size", "test_size", "group", "fold", "held_out_fold", "target"):
        if a.request.get(name) != b.request.get(name):
            raise ProbeError(
                "The two probes differ in their {name}.", "Run both on the same data.", name=name.replace("_", " ")
            )
    return duel(a.per_sample, b.per_sample)


@dataclass(frozen=True)
class TriedSelection:
    """One selection on a person's own model and data, at the learning rate that suited it best.

    Attributes:
        score: mean of `per_sample` over all seeds.
        per_sample: a held-out sample's score, mean over the seeds; higher is better.
        by_seed: the mean score of each seed.
        step_s: median seconds of a step.
        proof: of the last seed.
        factor: of the default learning rates.
        message: what went wrong, else empty.
    """

    rules: str
    trainable: int
    score: float
    per_sample: tuple[float, ...] = field(repr=False)
    by_seed: tuple[float, ...]
    step_s: float
    proof: Proof = field(repr=False)
    factor: float = 1.0
    message: str = ""

    @property
    def seed_error(self) -> float:
        """Standard error of the score over the seeds; 0 with one seed."""
        return seed_error(self.by_seed)


@dataclass(frozen=True)
class Comparison:
    """Selections tried side by side, in the order they were given."""

    tried: tuple[TriedSelection, ...]

    @property
    def best(self) -> TriedSelection:
        return max(self.tried, key=lambda one: one.score)

    def duels(self) -> tuple[tuple[str, str, Duel], ...]:
        """The best against each of the others."""
        best = self.best
        return tuple(
            (best.rules, other.rules, _duel_of_tried(best, other)) for other in self.tried if other is not best
        )

    def __str__(self) -> str:
        return "\n".join([table(HEADER, self._rows(), right=[0, 1, 2, 3, 4]), *self._sentences()])

    def _repr_html_(self) -> str:
        return html_table(HEADER, self._rows(), right=[0, 1, 2, 3, 4], below=self._sentences())

    def _rows(self) -> list[list[str]]:
        return [
            [
                f"{one.score:.3f}",
                f"±{stdev(one.by_seed):.3f}" if len(one.by_seed) > 1 else "",
                f"{one.trainable:,}",
                seconds_text(one.step_s),
                f"×{one.factor:g}",
                one.rules,
            ]
            for one in self.tried
        ]

    def _sentences(self) -> list[str]:
        lines = [found.sentence(a, b) for a, b, found in self.duels()]
        lines += [f"'{one.rules}': {one.proof.sentence()}" for one in self.tried if not one.proof.ok]
        return [*lines, *(f"'{one.rules}': {one.message}" for one in self.tried if one.message)]

    def to_json(self) -> dict:
        """The comparison as JSON values."""
        return {**asdict(self), "duels": [{"a": a, "b": b, **asdict(found)} for a, b, found in self.duels()]}


def _duel_of_tried(a: TriedSelection, b: TriedSelection) -> Duel:
    return replace(duel(a.per_sample, b.per_sample), seed_error=math.hypot(a.seed_error, b.seed_error))
