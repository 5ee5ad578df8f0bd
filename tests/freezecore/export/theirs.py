"""axolotl and LLaMA-Factory themselves on every model and preset: their own functions freeze, and give the mask.

`python -m tests.freezecore.export.theirs` makes an environment of its own, installs both packages without what they
depend on (a few MB), runs them on the matrix's models, and writes `theirs.json`. About five minutes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import venv
from dataclasses import replace
from pathlib import Path

from freezecore._export import export
from freezecore._resolve import resolve
from freezecore.errors import ExportError
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from tests.freezecore.export.matrix import cells

RESULTS = Path(__file__).with_name("theirs.json")
RUNNER = Path(__file__).with_name("theirs_runner.py")
ROOT = Path(__file__).parents[3]
PACKAGES = ("axolotl==0.21.0", "llamafactory==0.9.5")
CALLED = {
    "axolotl": "axolotl.utils.freeze.freeze_layers_except",
    "llama-factory": "llamafactory.model.adapter.init_adapter",
}


def environment(folder: Path) -> Path:
    """A Python that has both packages without their dependencies, and this one's libraries beside them."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    flags = ["-q", "--no-deps", "--ignore-requires-python"]  # one asks for 3.12; its freezing runs on any
    subprocess.run([python, "-m", "pip", "install", *flags, *PACKAGES], check=True, timeout=600)
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.strip()
    (Path(site) / "beside.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def cases(folder: Path) -> list[dict]:
    """Every cell of the two targets that is not refused: the exported text, the model, and what is to train."""
    found = []
    for target, name, preset, model, rules in cells(folder):
        if target not in CALLED:
            continue
        source = model.source
        if source.scheme == "config":
            source = ModelSource.parse("hf:some/model", task=source.task)
        try:
            text = export(source, FreezeSpec.parse(rules), target, tree=replace(model.tree, source=str(source)))
        except ExportError:
            continue
        wanted = resolve(FreezeSpec.parse(rules), model.tree).names()
        case = {"id": f"{target}/{name}/{preset}", "target": target, "text": text, "wanted": list(wanted)}
        found.append({**case, "source": str(model.source), "task": model.source.task})
    return found


def run_all(folder: Path) -> dict[str, str]:
    """`exact`, or what is different, by `target/model/preset`."""
    given = cases(folder)
    listed = folder / "cases.json"
    listed.write_text(json.dumps(given))
    env = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
    env["DISABLE_VERSION_CHECK"] = "1"  # LLaMA-Factory asks for an older transformers; its freezing needs none of it
    command = [environment(folder / "environment"), RUNNER, listed]
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=1800)
    lines = [line.removeprefix("RESULT ") for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    results = {row["id"]: row for row in map(json.loads, lines)}
    assert len(results) == len(given), done.stderr[-2000:]
    return {case["id"]: _compared(set(case["wanted"]), results[case["id"]]) for case in given}


def _compared(wanted: set[str], result: dict) -> str:
    if "error" in result:
        return result["error"]
    wrong = sorted(wanted ^ set(result["trains"]))
    return f"different: {', '.join(wrong[:3])}" if wrong else "exact"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        found = run_all(Path(made))
    table = {"packages": PACKAGES, "called": CALLED, "python": sys.version.split()[0], "cells": found}
    RESULTS.write_text(json.dumps(table, indent=1) + "\n")
    print(json.dumps(found, indent=1))
