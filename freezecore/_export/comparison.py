"""A notebook that tries several selections with several seeds on a person's own GPU, and the file it writes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from string import Template

from freezecore._export import freezing, notebook
from freezecore._export.model import building
from freezecore._export.plan import Plan, number, one_line
from freezecore._export.python import imports, quoted
from freezecore._resolve import resolve
from freezecore.errors import ExportError, shortened
from freezecore.probe import ProbeResult
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from freezecore.tree import LayerTree

FORMAT = "freeze-explorer-runs/1"
MOST_RUNS = 10_000
NUMBERS = ("accuracy_before", "accuracy_after", "loss_last", "step_s", "seconds", "peak_bytes", "trainable", "total")

TITLE = Template("""\
# $label: $count selections, $seeds seeds each

Run all cells; the last one writes `runs.json`, which the Compare page of the Freeze Explorer reads.""")

BUILD = Template("""\
$imports


def build():
    \"\"\"The model, new for each run.\"\"\"
$build
    return model


model = build()""")

RUN = Template("""\
import json
import time

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def accuracy(model):
    \"\"\"Share of the held-out answers that are right.\"\"\"
    model.eval()
    with torch.no_grad():
        hits = [loss_and_hits(model, batch, device)[1] for batch in test_loader]
    return torch.cat(hits).float().mean().item()


runs = []
for seed in range($seeds):
    for rules, (trains, rate) in SELECTIONS.items():
        torch.manual_seed(seed)
        model = build()
        freeze(model, trains)
        model.to(device)
        trainable = [p for p in model.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(trainable, lr=rate)
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        before, began, steps = accuracy(model), time.perf_counter(), 0
        for _ in range($epochs):
            model.train()
            for batch in train_loader:
                loss, _ = loss_and_hits(model, batch, device)
                loss.backward()
                optimizer.step()
                optimizer.zero_grad()
                steps += 1
        loss_last, seconds = loss.item(), time.perf_counter() - began
        run = {
            "rules": rules,
            "seed": seed,
            "device": device.type,
            "steps": steps,
            "accuracy_before": before,
            "accuracy_after": accuracy(model),
            "loss_last": loss_last,
            "seconds": seconds,
            "step_s": seconds / steps,
            "peak_bytes": torch.cuda.max_memory_allocated() if device.type == "cuda" else None,
            "trainable": sum(p.numel() for p in trainable),
            "total": sum(p.numel() for p in model.parameters()),
        }
        runs.append(run)
        print(f"seed {seed}, {rules}: {before:.3f} -> {run['accuracy_after']:.3f}")

with open("runs.json", "w") as file:
    json.dump({"format": "$format", "source": $source, "runs": runs}, file)""")


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
    made = building(source, tree.layers[0].type)
    lines = imports({"import torch", *made.imports, *freezing.imports(plans[0]), "from types import MethodType"})
    build = "\n".join(f"    {line}" for line in made.lines.splitlines())
    model = BUILD.substitute(imports=lines, build=build)
    run = RUN.substitute(seeds=seeds, epochs=epochs, format=FORMAT, source=quoted(str(source)))
    title = TITLE.substitute(label=notebook.plain(source.label), count=len(plans), seeds=seeds)
    return notebook.book(
        [
            ("markdown", title),
            ("code", notebook.install(plans[0])),
            ("code", model),
            ("code", _selections(plans)),
            ("code", notebook.data_cell(plans[0])),
            ("code", run),
        ]
    )


def _plan(source: ModelSource, spec: FreezeSpec, tree: LayerTree) -> Plan:
    plan = Plan(source, spec, tree, ((0, resolve(spec, tree)),))
    if spec.phases or spec.norms != "hold" or spec.dropout != "off":
        raise ExportError(
            "The comparison holds norms, keeps dropout off and does not change what trains; '{rules}' "
            "asks for something else.",
            "Export this selection as a notebook of its own.",
            rules=shortened(one_line(spec)),
        )
    plan.require_training()
    return plan


def _selections(plans: Sequence[Plan]) -> str:
    """One function a selection, and what freezes by it."""
    parts = [freezing.named(plan.selections[0][1], f"trains_{i}", f"_{i}") for i, plan in enumerate(plans)]
    rows = [f"    {quoted(one_line(plan.spec))}: (trains_{i}, {number(plan.rate)}),\n" for i, plan in enumerate(plans)]
    return "\n\n\n".join([*parts, freezing.GENERAL, "SELECTIONS = {\n" + "".join(rows) + "}"])


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
