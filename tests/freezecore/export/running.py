"""Exports many cases, runs them in one fresh interpreter, and compares what it reports with the masks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from freezecore._export import export
from freezecore._resolve import resolve
from freezecore.mask import Mask
from freezecore.spec import FreezeSpec
from freezecore.workload import Workload
from tests.freezecore.export.models import Small

EXECUTOR = Path(__file__).with_name("executor.py")


@dataclass(frozen=True)
class Case:
    """One exported script to run: the target, the model and its rules.

    With `resume`, from its own checkpoint; with `saves`, PEFT then saves it and loads it again.
    """

    id: str
    target: str
    small: Small
    rules: str
    resume: bool = False
    workload: Workload | None = None
    saves: bool = False

    @property
    def spec(self) -> FreezeSpec:
        return FreezeSpec.parse(self.rules)

    @property
    def masks(self) -> list[Mask]:
        """The mask of each epoch that is run."""
        return [resolve(self.spec, self.small.tree, epoch) for epoch in range(self.spec.epochs[-1] + 1)]


def run(cases: list[Case], folder: Path, *, timeout_s: float = 1800, hub: Path | None = None) -> dict[str, dict]:
    """What each exported script did, by case id; `hub` stands for the Hugging Face hub."""
    rows = []
    for case in cases:
        file = folder / f"{case.id}.py"
        file.write_text(export(case.small.source, case.spec, case.target, tree=case.small.tree, workload=case.workload))
        row = {"id": case.id, "file": str(file), "target": case.target}
        rows.append({**row, "kind": case.small.kind, "size": case.small.size, "epochs": len(case.masks)})
        rows[-1].update(resume=case.resume, adapter=case.saves)
    listed = folder / "cases.json"
    listed.write_text(json.dumps(rows))
    done = subprocess.run(
        [sys.executable, str(EXECUTOR), str(listed)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": "", "OMP_NUM_THREADS": "1", **({"HF_HOME": str(hub)} if hub else {})},
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )
    lines = [line.removeprefix("RESULT ") for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    found = {row["id"]: row for row in map(json.loads, lines)}
    lost = [case.id for case in cases if case.id not in found]
    assert not lost, f"{lost} did not report: {done.stderr[-2000:]}"
    return found


def difference(case: Case, found: dict) -> list[str]:
    """In which ways a run was not what the masks say; empty where it was."""
    if "error" in found:
        return [f"{found['error']} {found['trace'][-800:]}"]
    masks, wrong = case.masks, []
    parameters = case.small.tree.index
    ever = set().union(*(mask.names() for mask in masks))
    held = set.intersection(*(set(mask.held) for mask in masks))
    layers = case.small.tree.layer_at
    still_at_last = [path for path in masks[-1].held if layers[path].moves or layers[path].drops]
    still = {b.name for b in case.small.tree.buffers if b.owner in held}
    moved = set(found["moved"])
    told = {
        "trains at first": (found["first"], masks[0].names()),
        "trains at last": (found["epochs"][-1], masks[-1].names()),
        "stays in eval mode": (sorted(found["held"]), sorted(still_at_last)),
        "frozen, yet moved": (sorted((moved & set(parameters)) - ever), []),
        "held, yet moved": (sorted(moved & still), []),
        "trains, yet none of it moved": (bool(moved & ever), True),
    }
    for what, (is_, should) in told.items():
        if list(is_) != list(should) if isinstance(is_, list) else is_ != should:
            wrong.append(f"{what}: {str(is_)[:300]} instead of {str(should)[:300]}")
    return wrong
