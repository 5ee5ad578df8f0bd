"""A notebook that tries several selections with several seeds on a person's own GPU, and the file it writes."""

from __future__ import annotations

import json
from collections.abc import Sequence

from freezecore._export.notebook import notebook
from freezecore._export.plan import ExportPlan
from freezecore._export.python import condition
from freezecore._resolve import resolve
from freezecore.errors import ExportError, shortened
from freezecore.probe import ProbeResult
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from freezecore.tree import LayerTree

FORMAT = "freeze-explorer-runs/1"
MOST_RUNS = 10_000
NUMBERS = ("accuracy_before", "accuracy_after", "loss_last", "step_s", "seconds", "peak_bytes", "trainable", "total")


def export_comparison(
    source: ModelSource, specs: Sequence[FreezeSpec | str], tree: LayerTree, *, seeds: int = 3, epochs: int = 3
) -> str:
    """A notebook that trains each selection with each seed and writes `runs.json`.

    Raises:
        ExportError: a selection is a schedule or has other settings than norms held and dropout off, or nothing
            trains in it, or no example data fits the model.
        RuleError: a rule hits nothing.
    """
    plans = [_plan(source, FreezeSpec.parse(spec) if isinstance(spec, str) else spec, tree) for spec in specs]
    if not plans or not 1 <= seeds <= 100 or not 1 <= epochs <= 1000:
        raise ExportError("A comparison needs a selection, 1 to 100 seeds and 1 to 1000 epochs.", "Choose some.")
    conditions = [condition(plan.selections[0][1], f"_{i}") for i, plan in enumerate(plans)]
    held = sorted({name for plan in plans for name in plan.held.classes})
    values = {
        "plans": plans,
        "conditions": conditions,
        "held": held,
        "seeds": seeds,
        "epochs": epochs,
        "format": FORMAT,
    }
    return notebook("comparison.jinja", plans[0], **values)


def _plan(source: ModelSource, spec: FreezeSpec, tree: LayerTree) -> ExportPlan:
    plan = ExportPlan(source, spec, tree, ((0, resolve(spec, tree)),))
    if spec.phases or spec.norms != "hold" or spec.dropout != "off":
        raise ExportError(
            "The comparison holds norms, keeps dropout off and does not change what trains; '{rules}' "
            "asks for something else.",
            "Export this selection as a notebook of its own.",
            rules=shortened(plan.rules),
        )
    plan.require_training()
    return plan


def read_runs(text: str) -> tuple[ProbeResult, ...]:
    """What a `runs.json` holds, as results; each request carries the source, the rules as `spec`, and the seed.

    Raises:
        ExportError: it is no such file.
    """
    try:
        data = json.loads(text)
        if data["format"] != FORMAT or len(data["runs"]) > MOST_RUNS:
            raise ValueError
        return tuple(_result(str(data["source"]), row) for row in data["runs"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ExportError("This is no runs.json of a comparison.", "Take the one that its notebook wrote.") from None


def _result(source: str, row: dict) -> ProbeResult:
    values = {key: row[key] for key in NUMBERS}
    if not all(value is None or isinstance(value, (int, float)) for value in values.values()):
        raise ValueError
    request = {"source": source, "spec": str(row["rules"]), "seed": int(row["seed"])}
    return ProbeResult("done", shortened(str(row["device"])), steps=int(row["steps"]), request=request, **values)
