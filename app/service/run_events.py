"""A run's events as the page draws them: losses by step, whole evaluations at their step, and where it stands."""

from __future__ import annotations

from collections.abc import Sequence

from freezecore.statistics import wilson


def losses(events: Sequence[dict]) -> list[dict]:
    """`{step, loss}` of every step so far."""
    return [event for event in events if event.get("event") == "step"]


def scores(events: Sequence[dict]) -> list[dict]:
    """`{step, value, low, high}` of every finished evaluation on held-out data, by step.

    Values are accuracies with their 95 % interval; where the data has values, the metric, `low` and `high` None.
    """
    points, step = [], 0
    for event in events:
        if event.get("event") == "step":
            step = event["step"]
        elif event.get("event") == "eval" and event.get("when") != "train" and event.get("done") == event.get("total"):
            value, total = event.get("accuracy"), event["total"]
            low, high = wilson(round(value * total), total) if value is not None else (None, None)
            value = event.get("score") if value is None else value
            point = {"step": 0 if event.get("when") == "before" else step, "value": value, "low": low, "high": high}
            points += [point] if value is not None else []
    return sorted(points, key=lambda point: point["step"])


def step_times(events: Sequence[dict]) -> list[float]:
    """Seconds of each step but the first two, which warm up and whose memory is watched."""
    return [event["step_s"] for event in losses(events) if event["step"] > 2 and event.get("step_s")]


def metric(events: Sequence[dict]) -> str:
    """What the scores are: `accuracy`, or the metric of data with values."""
    return next((event["metric"] for event in events if event.get("score") is not None), "accuracy")


def phase(events: Sequence[dict]) -> str:
    """What the run is doing: the last phase or evaluation it spoke of; `starting` before the first."""
    for event in reversed(_without_points(events)):
        if event.get("event") == "phase":
            return str(event.get("phase", "starting"))
        if event.get("event") == "eval":
            return f"eval_{event.get('when', '')}"
        if event.get("event") == "step":
            return "step"
    return "starting"


def share(events: Sequence[dict]) -> float | None:
    """How much is done of what goes on besides steps; None while there is nothing of a known size."""
    last = (_without_points(events) or [{}])[-1]
    if last.get("event") in ("eval", "phase") and last.get("total"):
        return last["done"] / last["total"]
    return None


def _without_points(events: Sequence[dict]) -> list[dict]:
    """Those of what goes on: a score along the way is over when it is told."""
    return [event for event in events if event.get("when") != "along"]
