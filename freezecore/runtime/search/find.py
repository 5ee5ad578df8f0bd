"""Runs a search for the best selection: builds its arms, measures them on one session, and concludes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from freezecore._resolve import resolve
from freezecore.errors import ProbeError
from freezecore.probe import Emit, ProbeResult, ShouldStop, never
from freezecore.report import bytes_text
from freezecore.rules.grammar import parse_spec
from freezecore.runtime.search.attempt import Sessions
from freezecore.runtime.train.price import Priced
from freezecore.search.find import Arm, Choice, FindRequest, FindResult
from freezecore.search.halving import Search
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

    sessions = Sessions(request.base, emit)
    try:
        arms, left_out = arms_of(sessions, request)
        emit({"event": "plan", "arms": len(arms), "left_out": list(left_out), "seconds": 60 * request.minutes})
        search = Search(
            arms,
            lambda arm, steps, seed: measured(sessions, arm, steps, seed, over),
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
    return concluded(request, search.choices(), trials, left_out, stopped, clock() - began)


def arms_of(sessions: Sessions, request: FindRequest) -> tuple[list[Arm], tuple[str, ...]]:
    """All arms in the order of their importance, and what was left out and why.

    Raises:
        ProbeError: no selection fits in the memory budget.
    """
    plain = sessions.plain
    priced, kept, dear, schedules = Priced(plain, request.base), [], [], 0
    whole, adapter = priced, request.base.source.adapter
    offered = candidates(plain.tree, request.over, adapter=adapter, keeps_head=plain.keeps_head)
    for candidate in offered:
        spec = parse_spec(candidate.rules)
        if spec.phases:
            schedules += 1
            continue
        session = sessions.of(candidate.adapter)
        priced = Priced(session, request.base) if candidate.adapter else whole
        mask = resolve(spec, session.tree)
        peak = priced.peak_bytes(mask)
        if request.budget_bytes and peak is not None and peak > request.budget_bytes:
            dear.append(peak)
        else:
            kept.append(Arm(candidate, 1.0, *priced.work(mask), peak))
    if not kept and dear:
        raise ProbeError(
            "None of {count} selections fits in {budget}: the smallest needs {least}.",
            "Choose a smaller batch or input size, or a larger budget.",
            count=len(dear),
            budget=bytes_text(request.budget_bytes),
            least=bytes_text(min(dear)),
        )
    left_out, budget = [], bytes_text(request.budget_bytes)
    if schedules:
        left_out.append(say("Schedules were not tried: short runs end before their later phases."))
    if dear:
        left_out.append(say("{count} selections need more than {budget}.", count=len(dear), budget=budget))
    if whole.why:
        left_out.append(say("Memory and work are unknown, so no selection was left out for them. {why}", why=whole.why))
    return ordered(kept, len(plain.tree.blocks)), tuple(left_out)


def ordered(arms: Sequence[Arm], blocks: int) -> list[Arm]:
    """Coarse depths and presets from the cheapest up, then the same at other learning rates, then finer depths."""
    coarse_depths = {min(blocks, max(0, math.ceil(share * blocks))) for share in COARSE} | {max(0, blocks - 1)}
    is_coarse = [arm.candidate.frozen_blocks is None or arm.candidate.frozen_blocks in coarse_depths for arm in arms]
    coarse = sorted((arm for arm, is_ in zip(arms, is_coarse, strict=True) if is_), key=lambda arm: arm.work)
    fine = sorted((arm for arm, is_ in zip(arms, is_coarse, strict=True) if not is_), key=lambda arm: arm.work)
    return [replace(arm, factor=factor) for group in (coarse, fine) for factor in FACTORS for arm in group]


def measured(sessions: Sessions, arm: Arm, steps: int, seed: int, should_stop: ShouldStop) -> ProbeResult:
    """One run of an arm."""
    candidate = replace(arm.candidate, factor=arm.factor)
    return sessions.attempt(candidate, seed, should_stop=should_stop, steps=steps)


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
    if runner_up and not no_better(runner_up, best):  # what nothing was chosen by says otherwise, beyond the noise
        best, runner_up = runner_up, best
    beaten = wins(best, runner_up) if runner_up else None
    close = runner_up is not None and no_better(best, runner_up)
    state = "stopped" if stopped else "done"
    return FindResult(state, best, runner_up, beaten, close, request=request.to_json(), **told)
