"""Successive halving under a clock: which arm runs next, for how many steps.

The search is our own and not a library's (Optuna has successive halving too) because here a trial's price differs
by a factor of hundreds between selections: a step of the head alone takes milliseconds once its prefix is stored, a
step of everything a second. Prices are predicted from the work of each selection, and what would not fit into the
time that is left is passed over. The space is a small grid: nothing needs a sampler. Rungs are not filled one
after the other but as soon as an arm has earned the next (asynchronous halving, Li et al., arXiv 1810.05934), so
that there is a good answer at any moment.

    rung 1   a ninth of the steps   coarse depths and presets first, then their other learning rates, then finer depths
    rung 2   a third of the steps   the best third of rung 1 so far
    rung 3   all steps              the best third of rung 2 so far
    then     all steps              the best three, a second seed of each, and further ones

Where the first arms score no better than a model that has learnt nothing but how common each class is, a ninth of
the steps is too few to tell them apart: the first rungs get twice as many, until one does. Arms are chosen by every
other held-out sample; the others say what the choice is worth.

An arm that falls short of its rung's best third by no more than noise is not dropped: it moves up as soon as there
is nobody new to try. Ranks are means over the seeds, so that a lucky first seed is found out by the second.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from statistics import mean, median

from freezecore.probe import ProbeResult
from freezecore.search.find import Arm, Choice, SearchTrial, chosen
from freezecore.search.measured import held_out_error, score_of
from freezecore.statistics import mean_error, share_error

SHARES = (9, 3, 1)  # a rung's part of all steps, as a divisor
LAST = len(SHARES) - 1
KEPT = 3
EXPLORING = 0.6  # share of the time in which new arms go before more certainty about the best
FEWEST_STEPS = 4
FINALISTS = 3
MOST_SEEDS = 5
ENOUGH = 3  # arms that must have learnt nothing before a rung is made longer
CHECKS = 5  # plain steps that a run spends on checking its prefix and on measuring

Measure = Callable[[Arm, int, int], ProbeResult]


class Search:
    """Successive halving under a clock.

    Args:
        arms: in the order of their importance to the first rung; gone through again and again, and no further than
            needed, so that what makes them may wait until it is asked.
        measure: runs an arm for a number of steps with a seed.
        budget_s: seconds for everything.
        steps: of the last rung.
        seed: of the first run of each arm; further seeds follow it.
        evaluation: what scoring the samples costs, in steps.
        emit: hears `trying` as a run begins and `trial` as it ends (see `freezecore.search`).
        clock: monotonic seconds.
    """

    def __init__(
        self,
        arms: Iterable[Arm],
        measure: Measure,
        *,
        budget_s: float,
        steps: int,
        seed: int = 0,
        evaluation: float = 0.0,
        emit: Callable[[dict], None] = lambda event: None,
        should_stop: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._arms, self._measure, self._steps, self._seed = arms, measure, steps, seed
        self._should_stop, self._clock, self._evaluation = should_stop, clock, evaluation
        self._emit, self._budget_s, self._until = emit, budget_s, clock() + budget_s
        self._explore_until = clock() + EXPLORING * budget_s
        self._found: list[tuple[Arm, SearchTrial]] = []
        self._scale = 1  # of the first rungs' steps

    def run(self) -> tuple[SearchTrial, ...]:
        """Search until the time is used, or nothing is left to try; all trials in their order."""
        while not self._should_stop() and (step := self._next()):
            self._try(*step)
        return tuple(trial for _, trial in self._found)

    def choices(self) -> tuple[Choice, ...]:
        """The selections by their longest runs, best first."""
        return chosen(self._found)

    def _next(self) -> tuple[Arm, int, int] | None:
        """Arm, rung and seed of the next trial; None when nothing fits into the time that is left."""
        exploring = self._clock() < self._explore_until
        promoted, close = self._promoted(self._share if exploring else FINALISTS), self._promoted_for_noise()
        tries, seeds, second = self._first_tries(), self._more_seeds(MOST_SEEDS), self._more_seeds(2)
        ways: tuple[Iterator[tuple[Arm, int, int]], ...]
        if exploring:
            ways = (promoted, tries, close, seeds)
        elif len(self._standing(LAST)) < 2:  # somebody to compare the best with
            ways = (promoted, close, seeds, tries)
        else:  # settle who wins before anybody new is tried
            ways = (promoted, second, close, seeds, tries)
        return next(chain.from_iterable(ways), None)

    @staticmethod
    def _share(standing: Sequence) -> int:
        """How many of a rung have earned the next."""
        return len(standing) // KEPT

    def _promoted(self, count: int | Callable[[Sequence], int]) -> Iterator[tuple[Arm, int, int]]:
        """Arms that have earned the next rung, from the highest rung down."""
        for rung in reversed(range(LAST)):
            best = self._standing(rung)
            yield from self._upwards(best[: count if isinstance(count, int) else count(best)], rung)

    def _promoted_for_noise(self) -> Iterator[tuple[Arm, int, int]]:
        """Arms that miss the best third of their rung by no more than noise."""
        for rung in reversed(range(LAST)):
            best = self._standing(rung)
            if not best:
                continue
            last = best[max(1, len(best) // KEPT) - 1]
            close = [s for s in best if last.score - s.score <= math.hypot(last.error or 0.0, s.error or 0.0)]
            yield from self._upwards(close, rung)

    def _upwards(self, standing: Iterable[RankedArm], rung: int) -> Iterator[tuple[Arm, int, int]]:
        for one in standing:
            if not self._ran(one.arm, rung + 1) and self._fits(one.arm, rung + 1):
                yield one.arm, rung + 1, self._seed

    def _first_tries(self) -> Iterator[tuple[Arm, int, int]]:
        for arm in self._arms:
            if not self._ran(arm, 0) and (not self._found or self._fits(arm, 0)):
                yield arm, 0, self._seed

    def _more_seeds(self, most: int) -> Iterator[tuple[Arm, int, int]]:
        best = self._standing(LAST)[:FINALISTS]
        for seed in range(self._seed + 1, self._seed + most):
            for arm in (one.arm for one in best):
                if not self._ran(arm, LAST, seed) and self._fits(arm, LAST):
                    yield arm, LAST, seed

    def _standing(self, rung: int) -> list[RankedArm]:
        """The arms that ran on this rung, best first."""
        return ranked(pair for pair in self._found if self._is_on(pair[1], rung))

    def _is_on(self, tried: SearchTrial, rung: int) -> bool:
        """Whether a trial counts on a rung: those of a first rung that has been made longer do not."""
        return tried.rung == rung and tried.steps == self._steps_at(rung)

    def _ran(self, arm: Arm, rung: int, seed: int | None = None) -> bool:
        seed = self._seed if seed is None else seed
        return any(a == arm and t.seed == seed and self._is_on(t, rung) for a, t in self._found)

    def _steps_at(self, rung: int) -> int:
        return max(FEWEST_STEPS, min(self._steps, self._scale * self._steps // SHARES[rung]))

    def _lengthen(self) -> None:
        """Twice the steps on the first rungs, where those that are enough to judge by have learnt nothing in them."""
        first = [tried for _, tried in self._found if self._is_on(tried, 0) and tried.has_learnt is not None]
        if len(first) >= ENOUGH and not any(tried.has_learnt for tried in first) and self._scale < SHARES[0]:
            self._scale *= 2

    def _fits(self, arm: Arm, rung: int) -> bool:
        return self.price(arm, self._steps_at(rung)) < self._until - self._clock()

    def _try(self, arm: Arm, rung: int, seed: int) -> None:
        began, steps = self._clock(), self._steps_at(rung)
        told = {"rules": arm.candidate.rules, "labels": list(arm.candidate.labels), "factor": arm.factor}
        told |= {"rung": rung, "steps": steps, "seed": seed}
        self._emit({"event": "trying", **told, "expected_s": self.price(arm, steps) or None, **self._spent()})
        result = self._measure(arm, steps, seed)
        tried = trial(arm, rung, steps, seed, result, self._clock() - began)
        self._found.append((arm, tried))
        self._lengthen()
        best = next(iter(self.choices()), None)
        self._emit({"event": "trial", **tried.to_json(), "best": best and best.to_json(), **self._spent()})

    def _spent(self) -> dict:
        """How far the search is: runs that have ended, and seconds."""
        left_s = max(0.0, self._until - self._clock())
        return {"done": len(self._found), "spent_s": max(0.0, self._budget_s) - left_s, "left_s": left_s}

    def price(self, arm: Arm, steps: int) -> float:
        """Predicted seconds of a run: from this selection's last one, else from the work that this machine does in
        a second, which every run measures on its plain step, however little of it was left to do."""
        own = [t for a, t in self._found if a.candidate.key == arm.candidate.key and t.step_s]
        if own:  # the first of them also captured the prefix
            return min(max(0.0, t.seconds + (steps - t.steps) * (t.step_s or 0.0) - t.capture_s) for t in own)
        rates = [a.plain_work / t.plain_s for a, t in self._found if t.plain_s]
        if not rates:
            return 0.0
        return ((steps + self._evaluation) * arm.work + CHECKS * arm.plain_work) / median(rates)


@dataclass(frozen=True)
class RankedArm:
    """An arm on one rung: its mean score over the seeds, and what the held-out set alone makes of its error."""

    arm: Arm
    score: float
    error: float | None


def ranked(pairs: Iterable[tuple[Arm, SearchTrial]]) -> list[RankedArm]:
    """The best first; of equals, the one with less work; arms without a score are left out."""
    by_arm: dict[Arm, list[tuple[float, SearchTrial]]] = {}
    for arm, tried in pairs:
        if tried.score is not None:
            by_arm.setdefault(arm, []).append((tried.score, tried))
    standing = [RankedArm(arm, mean(score for score, _ in runs), runs[0][1].error) for arm, runs in by_arm.items()]
    return sorted(standing, key=lambda one: (-one.score, one.arm.work))


def trial(arm: Arm, rung: int, steps: int, seed: int, result: ProbeResult, seconds: float) -> SearchTrial:
    """What one run tells the search: its score on every other held-out sample, and the others to report on."""
    chosen_by, unseen = result.per_sample[::2], result.per_sample[1::2]
    done = result.state == "done"
    score: float | None
    error: float | None
    if unseen:
        score, error = mean(chosen_by), mean_error(chosen_by)
        if result.metric == "accuracy":
            error = share_error(mean(chosen_by), len(chosen_by))
    else:
        score, error = score_of(result), held_out_error(result)
    return SearchTrial(
        rules=arm.candidate.rules,
        adapter=arm.candidate.adapter,
        labels=arm.candidate.labels,
        factor=arm.factor,
        rung=rung,
        steps=steps,
        seed=seed,
        accuracy_after=result.accuracy_after if done else None,
        score=score if done else None,
        error=error,
        seconds=seconds,
        step_s=result.step_s,
        capture_s=result.cache.capture_s or 0.0,
        plain_s=result.step_s and result.step_s * (result.cache.speedup or 1.0),
        state=result.state,
        learning_rate=result.learning_rate,
        head_learning_rate=result.head_learning_rate,
        message=result.message,
        baseline=result.baseline,
        metric=result.metric,
        per_sample=unseen if done else (),
    )
