"""Runs as the Compare page lists them: those of this server and those from a notebook's file, filtered and sorted."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from freezecore.probe import ProbeResult

from . import gallery
from .rule_words import one_line

if TYPE_CHECKING:
    from freezecore.serving.runs import Run  # only a server has them

BYTE_ORDER_MARK = "\ufeff"  # Excel reads what begins otherwise in the machine's own code page
CSV_FIELDS = (
    "token", "model", "rules", "data", "weights", "learning_rate", "head_learning_rate", "steps", "seed", "device",
    "state", "accuracy_before", "accuracy_after", "train_accuracy_after", "trainable", "total", "peak_bytes",
    "estimated_peak_bytes", "step_s", "seconds", "metric", "metric_before", "metric_after",
)  # fmt: skip
SORTS: dict[str, tuple[str, bool]] = {
    "newest": ("created", True),
    "accuracy": ("accuracy_after", True),
    "peak": ("peak_bytes", False),
    "step": ("step_s", False),
}


@dataclass(frozen=True)
class RunRow:
    """One run with its result.

    Attributes:
        token: names a run of this server; None for one from a file.
        owner: who started it; None for one from a file.
        model: the source as text.
        created: seconds since 1970; 0 for one from a file.
        saved_as: the name under which whoever looks keeps this selection.
    """

    token: str | None
    owner: str | None
    model: str
    rules: str
    request: dict
    result: dict
    created: float = 0.0
    saved_as: str | None = None

    @property
    def data(self) -> str:
        """Its data's name; of an uploaded file the name that its owner gave it."""
        return name_of_data(self.request.get("data") or "")

    @property
    def weights(self) -> str | None:
        source = self.request.get("source")
        return source.get("weights") if isinstance(source, dict) else None

    @property
    def adapter(self) -> str | None:
        """What was put into the model; None where nothing was."""
        source = self.request.get("source")
        return source.get("adapter") if isinstance(source, dict) else None

    @property
    def told(self) -> str:
        """Its selection in a line: the name that it is kept under, else its adapter and rules."""
        return self.saved_as or " · ".join(filter(None, (self.adapter, one_line(self.rules))))

    @property
    def scored_by(self) -> str:
        """The metric of its score; of classes the accuracy, whatever else was asked for."""
        return "accuracy" if self.result.get("accuracy_after") is not None else self.result.get("metric") or "accuracy"

    @property
    def score(self) -> float | None:
        return self.result.get("accuracy_after" if self.scored_by == "accuracy" else "metric_after")

    def value(self, name: str) -> object:
        """What was measured, by its name; None where it was not."""
        return self.created if name == "created" else self.result.get(name)


def name_of_data(name: str) -> str:
    """A data set's name for people: the path of an upload begins with its digest, which nobody needs to read."""
    last = PurePath(name).name
    digest, dash, given = last.partition("-")
    return given if dash and len(digest) == 32 else last


def model_of(request: dict) -> str:
    """The model that a stored request names, as the source's text."""
    source = request.get("source", {})
    return f"{source.get('scheme', '')}:{source.get('name', '')}"


def of_run(run: Run) -> RunRow:
    """A finished run of this server."""
    rules = run.request.get("spec", "")
    return RunRow(run.token, run.owner, model_of(run.request), rules, run.request, run.result, run.created)


def of_result(result: ProbeResult) -> RunRow:
    """A run of a comparison notebook."""
    asked = result.request
    return RunRow(None, None, str(asked.get("source", "")), str(asked.get("spec", "")), asked, result.to_json())


def filtered(rows: Sequence[RunRow], text: str) -> list[RunRow]:
    """Those in which every word occurs: in the model, its name, the rules, the data or the state."""
    words = text.lower().split()

    def matches(one: RunRow) -> bool:
        fields = (
            one.model,
            gallery.name_of(one.model),
            one.saved_as or "",
            one.rules,
            one.data,
            str(one.result.get("state")),
        )
        return all(word in " ".join(fields).lower() for word in words)

    return [one for one in rows if matches(one)]


def ordered(rows: Sequence[RunRow], by: str) -> list[RunRow]:
    """By a key of `SORTS`; what was not measured comes last."""
    name, down = SORTS[by]
    known = [one for one in rows if one.value(name) is not None]
    unknown = [one for one in rows if one.value(name) is None]
    return sorted(known, key=lambda one: one.value(name), reverse=down) + unknown


def as_csv(rows: Sequence[RunRow]) -> str:
    """All of them as a table that a spreadsheet opens, after the mark by which it knows UTF-8."""
    text = io.StringIO()
    writer = csv.DictWriter(text, CSV_FIELDS, extrasaction="ignore")
    writer.writeheader()
    for one in rows:
        own = {"token": one.token, "model": one.model, "rules": one.rules, "weights": one.weights, "data": one.data}
        row = {**one.request, **one.result, **own}
        writer.writerow({name: plain_cell(row.get(name)) for name in CSV_FIELDS})
    return BYTE_ORDER_MARK + text.getvalue()


def plain_cell(value: object) -> object:
    """A spreadsheet takes a text that begins like a formula for one."""
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" else value
