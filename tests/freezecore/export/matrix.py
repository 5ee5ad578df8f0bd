"""The whole matrix: every target with every preset on eight models, run or refused; its results are data.

`python -m tests.freezecore.export.matrix [TARGET …]` runs it and writes `matrix.json`. Its column `resumed` says how a
run that starts again from its own checkpoint came out, for one selection that stays and one that changes.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import yaml

from freezecore._export import TARGETS, export
from freezecore._presets import presets
from freezecore._resolve import resolve
from freezecore.errors import ExportError
from freezecore.importing import import_rules
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from tests.freezecore.export.models import MODELS, Small, small
from tests.freezecore.export.running import Case, difference, run
from tests.freezecore.export.test_yaml_trainers import as_axolotl, as_llama_factory

RESULTS = Path(__file__).with_name("matrix.json")
RESUMED = ("linear-probe", "gradual")
EXECUTED = ("pytorch", "timm", "transformers-trainer", "trl", "lightning", "fastai", "accelerate")


def cells(folder: Path) -> list[tuple[str, str, str, Small, str]]:
    """Target, model, preset, the model read, and the preset's rules."""
    rows = []
    for name in MODELS:
        model = small(name, folder)
        for preset in presets(model.tree):
            rows += [(target, name, preset.key, model, preset.rules) for target in TARGETS]
    return rows


def read_back(target: str, model: Small, rules: str) -> str:
    """For targets that are read and not run: `same`, or what is different; raises ExportError where refused."""
    spec = FreezeSpec.parse(rules)
    source = model.source
    if target in ("axolotl", "llama-factory") and source.scheme == "config":
        source = ModelSource.parse("hf:some/model", task=source.task)
    text = export(source, spec, target, tree=replace(model.tree, source=str(source)))
    names = [p.name for p in model.tree.parameters]
    wanted = [set(resolve(spec, model.tree, epoch).names()) for epoch in spec.epochs]
    if target == "axolotl":
        found = [as_axolotl(yaml.safe_load(text)["unfrozen_parameters"], names)]
    elif target == "llama-factory":
        found = [as_llama_factory(yaml.safe_load(text), names, len(model.tree.blocks))]
    else:
        if target == "notebook":
            text = next("".join(c["source"]) for c in json.loads(text)["cells"] if "def freeze" in "".join(c["source"]))
        back = import_rules(text, model.tree).spec
        found = [set(resolve(back, model.tree, epoch).names()) for epoch in spec.epochs]
    return "same" if found == wanted else "different"


def outcome_of_reading(target: str, model: Small, rules: str) -> str:
    """`same`, `different`, or `refused: ` and the reason."""
    try:
        return read_back(target, model, rules)
    except ExportError as error:
        return f"refused: {error.problem.replace(str(model.source), model.source.label)}"


def run_all(
    folder: Path, targets: tuple[str, ...], chosen: tuple[str, ...] | None = None, resume: bool = False
) -> dict[str, str]:
    """The outcome of every cell of these targets (and of the `chosen` presets), by `target/model/preset`."""
    found: dict[str, str] = {}
    cases: dict[str, tuple[str, Case]] = {}
    for target, name, preset, model, rules in cells(folder):
        key = f"{target}/{name}/{preset}"
        if target not in targets or (chosen and preset not in chosen):
            continue
        if target not in EXECUTED:
            found[key] = outcome_of_reading(target, model, rules)
            continue
        try:
            export(model.source, rules, target, tree=model.tree)
        except ExportError as error:
            found[key] = f"refused: {error.problem.replace(str(model.source), model.source.label)}"
        else:
            cases[key] = (target, Case(f"case{len(cases)}", target, model, rules, resume))
    for target in targets:
        ours = [case for kind, case in cases.values() if kind == target]
        if ours:
            done = run(ours, folder, timeout_s=3600)
            for key, (kind, case) in cases.items():
                if kind == target:
                    wrong = difference(case, done[case.id])
                    found[key] = "ran: exact" if not wrong else f"ran: {wrong[0]}"
            print(f"{target}: {len(ours)} ran", flush=True)
    return found


def run_resumed(folder: Path, targets: tuple[str, ...] = EXECUTED) -> dict[str, str]:
    """The outcome of every cell of the column `resumed`."""
    return run_all(folder, tuple(target for target in targets if target in EXECUTED), RESUMED, resume=True)


def summary(found: dict[str, str]) -> dict[str, int]:
    """How many cells came out in which way."""
    return dict(Counter(value.split(":")[0] if value.startswith("refused") else value for value in found.values()))


if __name__ == "__main__":
    began = time.perf_counter()
    chosen = tuple(sys.argv[1:]) or tuple(TARGETS)
    earlier = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    table: dict[str, dict] = {}
    for column, how in (("cells", run_all), ("resumed", run_resumed)):
        kept = {key: value for key, value in earlier.get(column, {}).items() if key.split("/")[0] not in chosen}
        with tempfile.TemporaryDirectory() as made:
            whole = {**kept, **how(Path(made), chosen)}
        table |= {"summary" if column == "cells" else f"summary of {column}": summary(whole)}
        table |= {column: dict(sorted(whole.items()))}
    RESULTS.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n")
    print(table["summary"], table["summary of resumed"], f"{time.perf_counter() - began:.0f} s")
