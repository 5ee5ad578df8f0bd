"""A run's events as the page draws them: losses by step, whole evaluations at their step, and where it stands."""

from __future__ import annotations

from collections.abc import Sequence


def losses(events: Sequence[dict]) -> list[dict]:
    """`{step, loss}` of every step so far."""
    return [event for event in events if event.get("event") == "step"]


def accuracies(events: Sequence[dict]) -> list[dict]:
    """`{step, accuracy}` of every evaluation on held-out data that went through all of it."""
    points, step = [], 0
    for event in events:
        if event.get("event") == "step":
            step = event["step"]
        elif event.get("event") == "eval" and event.get("when") != "train" and event.get("done") == event.get("total"):
            points.append({"step": 0 if event.get("when") == "before" else step, "accuracy": event["accuracy"]})
    return points


def phase(events: Sequence[dict]) -> str:
    """What the run is doing: the last phase or evaluation it spoke of; `starting` before the first."""
    for event in reversed(events):
        if event.get("event") == "phase":
            return str(event.get("phase", "starting"))
        if event.get("event") == "eval":
            return f"eval_{event.get('when', '')}"
        if event.get("event") == "step":
            return "step"
    return "starting"


def share(events: Sequence[dict]) -> float | None:
    """How much is done of what goes on besides steps; None while there is nothing of a known size."""
    last = events[-1] if events else {}
    if last.get("event") in ("eval", "phase") and last.get("total"):
        return last["done"] / last["total"]
    return None
