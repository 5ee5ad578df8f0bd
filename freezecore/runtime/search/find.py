"""Runs a search for the best selection: builds its arms, measures them on one session, and concludes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from typing import Any, NoReturn

from freezecore._resolve import resolve
from freezecore.errors import FreezeError, ProbeError
from freezecore.probe import Emit, ProbeResult, ShouldStop, never
from freezecore.report import bytes_text, seconds_text
from freezecore.rules.grammar import parse_spec
from freezecore.runtime.search.attempt import Sessions
from freezecore.runtime.train.price import Priced
from freezecore.search.find import Arm, Choice, FindRequest, FindResult, SearchTrial
from freezecore.search.halving import Search
from freezecore.search.measured import Candidate
from freezecore.search.sweep import candidates
from freezecore.sentences import say
from freezecore.statistics import no_better, wins

FACTORS = (1.0, 0.3, 3.0)
COARSE = (1.0, 0.5, 0.0, 0.75, 0.25)  # frozen shares of the blocks that are tried before those between


def run(
    request: FindRequest,
    emit: Emit,
    should_stop: ShouldStop = never,
    clock: Callable[[], float] = time.monotonic,
) -> FindResult:
    """Search until the time is used; `emit` hears each run begin and end (see `freezecore.search`).

    Raises:
        FreezeError: it could not start, or nothing fits in the memory budget.
    """
    began = clock()
    until = began + 60 * request.minutes

    def over() -> bool:
        return should_stop() or clock() > until

    sessions, runs = Sessions(request.base, emit), list[ProbeResult]()

    def measure(arm: Arm, steps: int, seed: int) -> ProbeResult:
        runs.append(measured(sessions, arm, steps, seed, over))
        return runs[-1]

    try:
        arms = Arms(
            sessions,
            request,
            clock() - began,
            has_time=lambda seconds: not should_stop() and clock() + seconds < until,
            ran=lambda: len(runs),
        )
        emit({"event": "plan", "arms": arms.most, "left_out": list(arms.left_out), "seconds": 60 * request.minutes})
        search = Search(
            arms,
            measure,
            budget_s=until - clock(),
            clock=clock,
            steps=request.base.steps,
            seed=request.base.seed,
            evaluation=len(sessions.plain.data.test) / request.base.batch_size / 3,
            emit=emit,
            should_stop=should_stop,
        )
        trials = search.run()
    finally:
        sessions.close()
    stopped = should_stop()
    told = concluded(request, search.choices(), trials, arms.left_out, stopped, clock() - began)
    return told if told.best or stopped else replace(told, hint=_needed(runs, trials, clock() - began) or told.hint)


class Arms:
    """What a search tries, in the order of its importance, as often as it is gone through.

    An adapter's model is built and followed when its turn comes, after the coarse selections of the model as it was
    asked for: a search that is short of time has found something by then.

    Attributes:
        most: how many arms there are if all are built and fit.
    """

    def __init__(
        self,
        sessions: Sessions,
        request: FindRequest,
        build_s: float,
        has_time: Callable[[float], bool],
        ran: Callable[[], int],
    ) -> None:
        """`build_s` seconds were spent on the model as it was asked for; `has_time` says whether so many are left,
        `ran` how many runs there were.

        Raises:
            ProbeError: no selection fits in the memory budget.
        """
        plain, base = sessions.plain, request.base
        self._sessions, self._request, self._has_time, self._build_s = sessions, request, has_time, build_s
        self._whole = Priced(plain, base)
        adapter = base.source.adapter
        offered = candidates(plain.tree, request.over, adapter=adapter, keeps_head=plain.keeps_head)
        usual = [one for one in offered if not parse_spec(one.rules).phases]
        self._schedules = len(usual) < len(offered)
        self._dear: list[int] = []
        self._untried: list[str] = []
        self._plain = [arm for one in usual if not one.adapter if (arm := self._fitting(one, self._whole))]
        adapted = [one for one in usual if one.adapter]
        self._adapted = sorted(adapted, key=lambda one: " on " not in (one.adapter or ""))  # the cheaper ones first
        self._ran, self._ran_before = ran, -1
        self.most = len(FACTORS) * (len(self._plain) + len(self._adapted))
        self._made: list[Arm] = []
        self._coming = self._in_order()
        if self._dear and not self.most:
            self._refuse()

    def __iter__(self) -> Iterator[Arm]:
        for place in count():
            if place == len(self._made):
                if (arm := next(self._coming, None)) is None:
                    return
                self._made.append(arm)
            yield self._made[place]

    @property
    def left_out(self) -> tuple[str, ...]:
        """What was left out until now, and why."""
        found = []
        if self._schedules:
            found.append(say("Schedules were not tried: short runs end before their later phases."))
        if self._dear:
            budget = bytes_text(self._request.budget_bytes)
            found.append(say("{count} selections need more than {budget}.", count=len(self._dear), budget=budget))
        if why := self._whole.why:
            found.append(say("Memory and work are unknown, so no selection was left out for them. {why}", why=why))
        return (*found, *self._untried)

    def _in_order(self) -> Iterator[Arm]:
        coarse, fine = by_coarseness(self._plain, len(self._sessions.plain.tree.blocks))
        yield from coarse
        adapted: list[Arm] = []
        for candidate in self._adapted:
            if arm := self._built(candidate):
                adapted.append(arm)
                yield arm
        if not coarse and not fine and not adapted and self._dear:
            self._refuse()
        coarse = sorted((*coarse, *adapted), key=lambda arm: arm.work)
        groups = [(coarse, FACTORS[1:]), (fine, FACTORS)]
        yield from (replace(arm, factor=factor) for group, factors in groups for factor in factors for arm in group)

    def _built(self, candidate: Candidate) -> Arm | None:
        """The arm of an adapter, whose model is built for it; None, and a sentence, where it cannot be.

        Where the one before it was passed over for want of time, so would this be."""
        before, self._ran_before = self._ran_before, self._ran()
        if self._made and (before == self._ran_before or not self._has_time(2 * self._build_s)):
            why: str = say("there was no time left to build its model, and for a run")
        else:
            try:
                return self._fitting(candidate, Priced(self._sessions.of(candidate.adapter), self._request.base))
            except FreezeError as error:
                why = error.problem.rstrip(".")
        self._untried.append(say("'{adapter}' was not tried: {why}.", adapter=candidate.adapter, why=why))
        return None

    def _fitting(self, candidate: Candidate, priced: Priced) -> Arm | None:
        """The arm with its price; None where it needs more memory than there is."""
        tree, budget = self._sessions.of(candidate.adapter).tree, self._request.budget_bytes
        mask = resolve(parse_spec(candidate.rules), tree)
        peak = priced.peak_bytes(mask)
        if budget and peak is not None and peak > budget:
            self._dear.append(peak)
            return None
        return Arm(candidate, 1.0, *priced.work(mask), peak)

    def _refuse(self) -> NoReturn:
        raise ProbeError(
            "None of {count} selections fits in {budget}: the smallest needs {least}.",
            "Choose a smaller batch or input size, or a larger budget.",
            count=len(self._dear),
            budget=bytes_text(self._request.budget_bytes),
            least=bytes_text(min(self._dear)),
        )


def by_coarseness(arms: Sequence[Arm], blocks: int) -> tuple[list[Arm], list[Arm]]:
    """Coarse depths and presets, and finer depths, each from the cheapest up."""
    depths = {min(blocks, max(0, math.ceil(share * blocks))) for share in COARSE} | {max(0, blocks - 1)}
    both: tuple[list[Arm], list[Arm]] = [], []
    for arm in sorted(arms, key=lambda arm: arm.work):
        frozen = arm.candidate.frozen_blocks
        both[frozen is not None and frozen not in depths].append(arm)
    return both


def measured(sessions: Sessions, arm: Arm, steps: int, seed: int, should_stop: ShouldStop) -> ProbeResult:
    """One run of an arm."""
    candidate = replace(arm.candidate, factor=arm.factor)
    return sessions.attempt(candidate, seed, should_stop=should_stop, steps=steps)


def _needed(runs: Sequence[ProbeResult], trials: Sequence[SearchTrial], seconds: float) -> str:
    """How long a first run that was not through after so many seconds needs by itself; empty where something else
    kept it from its end."""
    if not runs or runs[0].state != "stopped":
        return ""
    if not runs[0].steps:
        told = seconds_text(round(seconds))
        return say("{time} went by before its first step: give it more minutes, or fewer samples.", time=told)
    whole = seconds + trials[0].seconds * (trials[0].steps / runs[0].steps - 1)
    return say(
        "The first run alone needs about {time} here: give it several times that, or fewer steps.",
        time=seconds_text(round(whole)),
    )


def _is_outdone(best: Choice, other: Choice) -> bool:
    """Whether another that is as good within the noise measured no worse and takes no more memory: then nothing speaks
    for the first but the samples that it was chosen by."""
    if best.peak_bytes is None or other.peak_bytes is None:
        return False
    return other.score >= best.score and other.peak_bytes <= best.peak_bytes


def concluded(
    request: FindRequest,
    choices: Sequence[Choice],
    trials: Sequence,
    left_out: tuple[str, ...],
    stopped: bool,
    seconds: float,
) -> FindResult:
    """The recommendation from what was tried."""
    told: dict[str, Any] = {"tried": len(trials), "seconds": seconds, "trials": tuple(trials), "left_out": left_out}
    if not choices:
        message = say(
            "The search was stopped before its first result." if stopped else "No run reached its end in time."
        )
        failed = (trial.message for trial in trials if trial.message and trial.state != "stopped")
        why = next(failed, say("Give it more minutes, or fewer steps."))
        return FindResult(
            "stopped" if stopped else "failed", message=message, hint=why, request=request.to_json(), **told
        )
    best, runner_up = choices[0], choices[1] if len(choices) > 1 else None
    # what nothing was chosen by says otherwise, beyond the noise, or at no price
    if runner_up and (not no_better(runner_up, best) or _is_outdone(best, runner_up)):
        best, runner_up = runner_up, best
    beaten = wins(best, runner_up) if runner_up else None
    close = runner_up is not None and no_better(best, runner_up)
    state = "stopped" if stopped else "done"
    return FindResult(state, best, runner_up, beaten, close, request=request.to_json(), **told)
