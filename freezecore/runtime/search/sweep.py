"""Runs a sweep: every selection for every seed, on one model kept in memory, or spread over a Ray cluster."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

from freezecore.probe import Emit, ProbeResult, ShouldStop, never
from freezecore.runtime.search.attempt import Sessions, Task
from freezecore.search.measured import Candidate, MeasuredSelection, compared, taken_together
from freezecore.search.sweep import SweepRequest, SweepResult, at_rates, candidates
from freezecore.sentences import say


def run(request: SweepRequest, emit: Emit, should_stop: ShouldStop = never) -> SweepResult:
    """Try every selection; `emit` hears a `run` event as each run ends, and the steps of each in between.

    Raises:
        FreezeError: it could not start. A run that fails is a selection that says so.
    """
    began = time.perf_counter()
    sessions = Sessions(request.base, emit)
    adapter = request.base.source.adapter
    offered = candidates(
        sessions.plain.tree, request.over, request.specs, adapter, keeps_head=sessions.plain.keeps_head
    )
    found = at_rates(offered, request.factors)
    emit({"event": "plan", "candidates": [c.rules for c in found], "total": len(found) * request.seeds})
    results: dict[Task, ProbeResult] = {}

    def note(task: Task, result: ProbeResult) -> None:
        results[task] = result
        emit(run_event(found[task[0]], task[1], result, len(results), len(found) * request.seeds))

    tasks = planned(found, [request.base.seed + i for i in range(request.seeds)])
    try:
        if request.ray:
            from freezecore.runtime.search.cluster import spread

            spread(request, found, tasks, note, emit, should_stop)
        else:
            carry_out(sessions, found, tasks, note, emit, should_stop)
    finally:
        sessions.close()
    selections = tuple(
        taken_together(c, [r for (at, _), r in sorted(results.items()) if at == i]) for i, c in enumerate(found)
    )
    return concluded(request, selections, len(results) == len(tasks), time.perf_counter() - began)


def planned(found: Sequence[Candidate], seeds: Sequence[int]) -> list[Task]:
    """All runs, seed after seed, so that every selection has a first number soon.

    Depths go from shallow to deep, since a deeper prefix is computed from a shallower one; training everything,
    which has no prefix and takes longest, comes last; those with one adapter follow each other.
    """
    order = sorted(
        range(len(found)),
        key=lambda i: (found[i].frozen_blocks == 0, found[i].frozen_blocks is None, found[i].adapter or ""),
    )
    return [(i, seed) for seed in seeds for i in order]


def carry_out(
    sessions: Sessions,
    found: Sequence[Candidate],
    tasks: Sequence[Task],
    note: Callable[[Task, ProbeResult], None],
    emit: Emit,
    should_stop: ShouldStop,
) -> None:
    """Make these runs one after another, on sessions that are kept."""
    for at, seed in tasks:
        if should_stop():
            return
        about = {"rules": found[at].rules, "adapter": found[at].adapter, "seed": seed}
        result = sessions.attempt(found[at], seed, partial(_emit_about, emit, about), should_stop)
        if result.state != "stopped":
            note((at, seed), result)


def _emit_about(emit: Emit, about: dict, event: dict) -> None:
    emit({**event, **about})


def run_event(candidate: Candidate, seed: int, result: ProbeResult, done: int, total: int) -> dict:
    """What a finished run says to whoever watches the sweep."""
    measured = (
        "state",
        "accuracy_before",
        "accuracy_after",
        "metric",
        "metric_after",
        "peak_bytes",
        "step_s",
        "seconds",
    )
    return {
        "event": "run",
        "rules": candidate.rules,
        "adapter": candidate.adapter,
        "factor": candidate.factor,
        "labels": list(candidate.labels),
        "frozen_blocks": candidate.frozen_blocks,
        "seed": seed,
        "done": done,
        "total": total,
        **{name: getattr(result, name) for name in measured},
        "message": result.message,
    }


def concluded(
    request: SweepRequest, selections: tuple[MeasuredSelection, ...], whole: bool, seconds: float
) -> SweepResult:
    """The sweep's result from what was measured."""
    best, as_good, front = compared(selections)
    state, message = ("done", "") if whole else ("stopped", say("Stopped before its end; finished runs are kept."))
    if whole and best is None:
        state, message = "failed", say("No run reached its end: {message}", message=selections[0].message)
    return SweepResult(
        state, selections, front, best, as_good, seconds=seconds, message=message, request=request.to_json()
    )
