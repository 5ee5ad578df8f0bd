"""The result of a run that could not write one itself: killed, stopped, or out of memory; made from its events."""

from __future__ import annotations

from freezecore.probe import ProbeResult


def salvaged(kind: str, request: dict, events: list[dict], state: str, message: str, hint: str = "") -> dict:
    """A result with everything that was measured until then.

    `state` is a probe's state or `interrupted`: the server ended before the run did.
    """
    if kind == "probe":
        return _probe(request, events, state, message, hint)
    told = {"event": "result", "state": state, "message": message, "hint": hint, "request": request}
    return {**told, "runs": [event for event in events if event.get("event") == "run"]}


def _probe(request: dict, events: list[dict], state: str, message: str, hint: str) -> dict:
    known: dict = {"device": request.get("device", "")}
    for event in events:
        known.update({key: value for key, value in event.items() if key in ProbeResult.__dataclass_fields__})
        if event.get("event") == "eval" and event.get("done") == event.get("total"):
            known[f"accuracy_{event['when']}"] = event.get("accuracy")
    if steps := [event for event in events if event.get("event") == "step"]:
        known.update(steps=steps[-1]["step"], loss_first=steps[0].get("loss"), loss_last=steps[-1].get("loss"))
    # The proof and the accuracy on the training data come at the end, which this run did not reach.
    kept = {
        key: known[key] for key in known if key in ProbeResult.__dataclass_fields__ and key not in ("proof", "cache")
    }
    return ProbeResult(**{**kept, "state": state, "message": message, "hint": hint, "request": request}).to_json()
