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
    then     all steps              the best three, and further seeds of them
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import median

from freezecore.probe import ProbeResult
from freezecore.search.entries import held_out_error, score_of
from freezecore.search.find import Arm, Choice, Trial, chosen

SHARES = (9, 3, 1)  # a rung's part of all steps, as a divisor
KEPT = 3
EXPLORING = 0.6  # share of the time in which new arms go before more certainty about the best
FEWEST_STEPS = 4
FINALISTS = 3
MOST_SEEDS = 5
CHECKS = 5  # plain steps that a run spends on checking its prefix and on measuring

Measure = Callable[[Arm, int, int], ProbeResult]


class Search:
    """Successive halving under a clock.

    Args:
        arms: in the order of their importance to the first rung.
        measure: runs an arm for a number of steps with a seed.
        budget_s: seconds for everything.
        steps: of the last rung.
        seed: of the first run of each arm; further seeds follow it.
        evaluation: what scoring the samples costs, in steps.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        arms: Sequence[Arm],
        measure: Measure,
        *,
        budget_s: float,
        steps: int,
        seed: int = 0,
        evaluation: float = 0.0,
        should_stop: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._arms, self._measure, self._steps, self._seed = list(arms), measure, steps, seed
        self._should_stop, self._clock, self._evaluation = should_stop, clock, evaluation
        self._until = clock() + budget_s
        self._explore_until = clock() + EXPLORING * budget_s
        self._found: list[tuple[Arm, Trial]] = []

    def run(self) -> tuple[Trial, ...]:
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
        promoted, seeds, tries = self._promoted(exploring), self._more_seeds(), self._first_tries()
        if exploring:
            ways = [promoted, *tries, *seeds]
        elif len(self._at(len(SHARES) - 1)) < 2:  # somebody to compare the best with
            ways = [promoted, *seeds, *tries]
        else:  # settle who wins before anybody new is tried
            ways = [*seeds, promoted, *tries]
        return next((way for way in ways if way), None)

    def _promoted(self, exploring: bool) -> tuple[Arm, int, int] | None:
        """An arm that has earned the next rung, from the highest rung down."""
        for rung in reversed(range(len(SHARES) - 1)):
            best = self._at(rung)
            for arm in best[: len(best) // KEPT if exploring else FINALISTS]:
                if not self._ran(arm, rung + 1) and self._fits(arm, rung + 1):
                    return arm, rung + 1, self._seed
        return None

    def _first_tries(self) -> Iterator[tuple[Arm, int, int]]:
        for arm in self._arms:
            if not self._ran(arm, 0) and (not self._found or self._fits(arm, 0)):
                yield arm, 0, self._seed

    def _more_seeds(self) -> Iterator[tuple[Arm, int, int]]:
        last = len(SHARES) - 1
        for seed in range(self._seed + 1, self._seed + MOST_SEEDS):
            for arm in self._at(last)[:FINALISTS]:
                if not self._ran(arm, last, seed) and self._fits(arm, last):
                    yield arm, last, seed

    def _at(self, rung: int) -> list[Arm]:
        """The arms that ran on this rung, best first."""
        return [arm for arm, _ in ranked(p for p in self._found if p[1].rung == rung and p[1].seed == self._seed)]

    def _ran(self, arm: Arm, rung: int, seed: int | None = None) -> bool:
        seed = self._seed if seed is None else seed
        return any(a == arm and t.rung == rung and t.seed == seed for a, t in self._found)

    def _steps_at(self, rung: int) -> int:
        return max(FEWEST_STEPS, self._steps // SHARES[rung])

    def _fits(self, arm: Arm, rung: int) -> bool:
        return self.price(arm, self._steps_at(rung)) <= self._until - self._clock()

    def _try(self, arm: Arm, rung: int, seed: int) -> None:
        began, steps = self._clock(), self._steps_at(rung)
        result = self._measure(arm, steps, seed)
        self._found.append((arm, trial(arm, rung, steps, seed, result, self._clock() - began)))

    def price(self, arm: Arm, steps: int) -> float:
        """Predicted seconds of a run: from this selection's last one, else from the work that this machine does in
        a second, which every run measures on its plain step, however little of it was left to do."""
        own = [t for a, t in self._found if a.candidate.rules == arm.candidate.rules and t.step_s]
        if own:  # the first of them also captured the prefix
            return min(max(0.0, t.seconds + (steps - t.steps) * t.step_s - t.capture_s) for t in own)
        rates = [a.plain_work / t.plain_s for a, t in self._found if t.plain_s]
        if not rates:
            return 0.0
        return ((steps + self._evaluation) * arm.work + CHECKS * arm.plain_work) / median(rates)


def ranked(pairs: Iterable[tuple[Arm, Trial]]) -> list[tuple[Arm, Trial]]:
    """The best first; of equals, the one with less work; runs without a score are left out."""
    measured = [pair for pair in pairs if pair[1].score is not None]
    return sorted(measured, key=lambda pair: (-pair[1].score, pair[0].work))


def trial(arm: Arm, rung: int, steps: int, seed: int, result: ProbeResult, seconds: float) -> Trial:
    """What one run tells the search."""
    return Trial(
        rules=arm.candidate.rules,
        labels=arm.candidate.labels,
        factor=arm.factor,
        rung=rung,
        steps=steps,
        seed=seed,
        accuracy_after=result.accuracy_after if result.state == "done" else None,
        score=score_of(result) if result.state == "done" else None,
        error=held_out_error(result),
        seconds=seconds,
        step_s=result.step_s,
        capture_s=result.cache.capture_s or 0.0,
        plain_s=result.step_s and result.step_s * (result.cache.speedup or 1.0),
        state=result.state,
        learning_rate=result.learning_rate,
        head_learning_rate=result.head_learning_rate,
        message=result.message,
    )
