"""Sweeps and searches as the page draws them: rows of what was measured, how far a search is, what it recommends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .rule_words import one_line


@dataclass(frozen=True)
class SearchRow:
    """One selection that was measured.

    Attributes:
        frozen_blocks: from the input side; None outside the depth family.
        accuracy, spread: mean and standard deviation over the seeds, from 0 to 1; None where not measured.
        metric, metric_after: the metric's name and the score in its own unit where the data has values; there
            `accuracy` is what selections are ranked by.
        front: no other beats it in accuracy, memory and step time at once.
        as_good: the best beats it by no more than noise.
    """

    rules: str
    frozen_blocks: int | None
    accuracy: float | None
    spread: float | None
    peak_bytes: int | None
    step_s: float | None
    state: str = "done"
    message: str = ""
    front: bool = False
    as_good: bool = False
    metric: str | None = None
    metric_after: float | None = None
    adapter: str | None = None
    factor: float = 1.0

    @property
    def told(self) -> str:
        """The selection in a line, as `selection_of` has it."""
        return selection_of(self.adapter, self.rules, self.factor)

    @property
    def shown(self) -> float | None:
        """The accuracy, or the score in its metric's own unit."""
        return self.accuracy if self.metric is None else self.metric_after


def selection_of(adapter: str | None, rules: str, factor: float | None = None) -> str:
    """A selection in a line: the adapter, the rules, and the multiple of the learning rates where it is not 1."""
    rate = f"×{factor:g}" if factor not in (None, 1.0) else None
    return " · ".join(filter(None, (adapter, one_line(rules), rate)))


def rows_of(result: dict | None, events: Sequence[dict]) -> list[SearchRow]:
    """A sweep's selections: from its result, or as far as it has come."""
    if result is not None and "pareto" in result:
        front, as_good = set(result["pareto"]), set(result["as_good"])
        return [_row(run, i in front, i in as_good) for i, run in enumerate(result["runs"])]
    newest = {
        (event.get("adapter"), event["rules"], event.get("factor")): event
        for event in events
        if event.get("event") == "run"
    }
    return [_row(run) for run in newest.values()]


def _row(run: dict, front: bool = False, as_good: bool = False) -> SearchRow:
    accuracy = run.get("accuracy_after")
    return SearchRow(
        run["rules"],
        run.get("frozen_blocks"),
        accuracy if accuracy is not None else run.get("score"),
        run.get("spread"),
        run.get("peak_bytes"),
        run.get("step_s"),
        run.get("state", "done"),
        run.get("message", ""),
        front,
        as_good,
        run.get("metric") if accuracy is None else None,
        run.get("metric_after"),
        run.get("adapter"),
        run.get("factor") or 1.0,
    )


def recommended(rows: Sequence[SearchRow]) -> SearchRow | None:
    """Among those that the best does not really beat, the one that needs least memory; None before the end."""
    good = [row for row in rows if row.as_good]
    return min(good, key=lambda row: (row.peak_bytes or 0, row.step_s or 0), default=None)


def done_and_total(kind: str, request: dict, events: Sequence[dict]) -> tuple[int, int | None]:
    """How many runs or looks have ended, of how many; None where that cannot be known before the end."""
    names = {"sweep": "run", "find": "trial", "suggest": "suggestion"}
    done = sum(event.get("event") == names[kind] for event in events)
    if kind == "suggest":
        return done, len(request.get("by", ()))
    plan = next((event for event in events if event.get("event") == "plan"), {})
    return done, plan.get("total")


def share(kind: str, request: dict, events: Sequence[dict], running_s: float) -> float:
    """How much of it is done, from 0 to 1; of a search within minutes, how much of them is used."""
    if kind == "find":
        return min(1.0, running_s / (60 * request.get("minutes", 1)))
    done, total = done_and_total(kind, request, events)
    return min(1.0, done / total) if total else 0.0


def left_s(kind: str, request: dict, events: Sequence[dict], running_s: float) -> float | None:
    """Seconds until the end at the pace so far; None before the first run has ended."""
    if kind == "find":
        return max(0.0, 60 * request.get("minutes", 1) - running_s)
    done, total = done_and_total(kind, request, events)
    return running_s / done * (total - done) if done and total else None


def current_rules(events: Sequence[dict]) -> str | None:
    """Rules of the selection that is being measured."""
    return next((event["rules"] for event in reversed(events) if event.get("rules") is not None), None)


def best_so_far(events: Sequence[dict]) -> dict | None:
    """The selection that a search would recommend now."""
    return next((event["best"] for event in reversed(events) if event.get("best")), None)
