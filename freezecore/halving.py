"""Successive halving under a clock: which arm runs next, for how many steps.

The search is our own and not a library's (Optuna has successive halving too) because here a trial's price differs
by a factor of hundreds between selections: a step of the head alone takes milliseconds once its prefix is stored, a
step of everything a second. The budget is therefore shared out in seconds, prices are predicted from the work of
each selection, and cheap trials are not starved by dear ones. The space is a small grid: nothing needs a sampler.

    rung 1   a ninth of the steps   coarse depths and presets first, then their other learning rates, then finer depths
    rung 2   a third of the steps   the best third of them
    rung 3   all steps              the best third of those
    then     all steps              further seeds of the best three, while time is left
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from statistics import median

from freezecore.entries import held_out_error, score_of
from freezecore.find import Arm, Choice, Trial, chosen
from freezecore.probe import ProbeResult

SHARES = (9, 3, 1)  # a rung's part of all steps, as a divisor
KEPT = 3
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
        self._found: list[tuple[Arm, Trial]] = []

    def run(self) -> tuple[Trial, ...]:
        """Search until the time is used; all trials in their order."""
        arms = self._arms
        for rung, share in enumerate(SHARES):
            steps = max(FEWEST_STEPS, self._steps // share)
            ran = self._rung(arms, rung, steps, (self._until - self._clock()) / (len(SHARES) - rung))
            if rung + 1 < len(SHARES):
                arms = [arm for arm, _ in ranked(ran)[: max(2, -(-len(ran) // KEPT))]]
        self._more_seeds()
        return tuple(trial for _, trial in self._found)

    def choices(self) -> tuple[Choice, ...]:
        """The selections by their longest runs, best first."""
        return chosen(self._found)

    def _rung(self, arms: Iterable[Arm], rung: int, steps: int, share_s: float) -> list[tuple[Arm, Trial]]:
        """Run the arms in their order; those that would not fit into the rung's time are passed over."""
        until, ran = self._clock() + share_s, []
        for arm in arms:
            left = until - self._clock()
            if self._should_stop() or left <= 0:
                break
            if ran and self.price(arm, steps) > left:
                continue
            ran.append(self._try(arm, rung, steps, self._seed))
        return ran

    def _more_seeds(self) -> None:
        finalists = [arm for arm, _ in ranked(pair for pair in self._found if pair[1].rung == len(SHARES) - 1)]
        for seed in range(self._seed + 1, self._seed + MOST_SEEDS):
            for arm in finalists[:FINALISTS]:
                if self._should_stop() or self.price(arm, self._steps) > self._until - self._clock():
                    return
                self._try(arm, len(SHARES), self._steps, seed)

    def _try(self, arm: Arm, rung: int, steps: int, seed: int) -> tuple[Arm, Trial]:
        began = self._clock()
        result = self._measure(arm, steps, seed)
        pair = arm, trial(arm, rung, steps, seed, result, self._clock() - began)
        self._found.append(pair)
        return pair

    def price(self, arm: Arm, steps: int) -> float:
        """Predicted seconds of a run: from this selection's last one, else from the work that this machine does in
        a second, which every run measures on its plain step, however little of it was left to do."""
        own = [t for a, t in self._found if a.candidate.rules == arm.candidate.rules and t.step_s]
        if own:
            return max(0.0, own[-1].seconds + (steps - own[-1].steps) * own[-1].step_s)
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
        plain_s=result.step_s and result.step_s * (result.cache.speedup or 1.0),
        state=result.state,
        learning_rate=result.learning_rate,
        head_learning_rate=result.head_learning_rate,
        message=result.message,
    )
