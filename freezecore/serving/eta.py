"""How long a run will take, said before it starts: from the step times of like runs that were measured here."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from freezecore.serving.runs import Run

ALIKE = ("source", "data", "batch_size", "image_size", "sequence_length", "device", "cache")
NEWEST = 5


def expected_s(runs: Sequence[Run], request: dict) -> float | None:
    """Seconds for a request: the fixed part of like runs plus their time per step for the steps asked for.

    `runs` are newest first. None where no run with the same source, data and sizes has finished here; runs under
    the same rules count before others. The request's `seconds` cap its steps.
    """
    alike = [run for run in runs if run.took_s and all(run.request.get(name) == request.get(name) for name in ALIKE)]
    same_rules = [run for run in alike if run.request.get("spec") == request.get("spec")]
    spans = [_scaled(run, request) for run in (same_rules or alike)[:NEWEST]]
    return median(spans) if spans else None


def typical_s(runs: Sequence[Run]) -> float | None:
    """Seconds that the newest finished runs took; None where there are none."""
    spans = [run.took_s for run in runs if run.took_s][:NEWEST]
    return median(spans) if spans else None


def _scaled(run: Run, request: dict) -> float:
    span, steps, result = run.took_s or 0.0, request.get("steps"), run.result or {}
    measured, step_s = result.get("steps"), result.get("step_s")
    if not (steps and measured and step_s):
        return span
    fixed = max(0.0, span - measured * step_s)
    return fixed + min(steps * step_s, request.get("seconds") or float("inf"))
