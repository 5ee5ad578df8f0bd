"""How long the command line and an export take, each as a whole process: `python tests/benchmarks/commands.py`.

Every command runs `RUNS` times in turn after one run that is not counted; the tree of the first reading runs twice, in
an empty home. Processor seconds are the operating system's. Writes `commands.json`; about two minutes on a quiet
machine, ten at the most.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).with_name("commands.json")
RUNS, COLD_RUNS, MOST_S = 5, 2, 600
FREEZECORE = [sys.executable, "-m", "freezecore"]
TREE = [*FREEZECORE, "tree", "timm:resnet18"]
COMMANDS = {
    "python alone": [sys.executable, "-c", "pass"],
    "import freezecore": [sys.executable, "-c", "import freezecore"],
    "freezecore --help": [*FREEZECORE, "--help"],
    "tree, cached": TREE,
}
GOALS_S = {"import freezecore": 0.1, "freezecore --help": 0.3, "tree, cached": 0.5, "tree, cold": 8, "export": 0.05}
EXPORTS = """
import json, sys, time
from freezecore import FreezeError, export
from freezecore.tree import Layer, LayerTree, Parameter, Tower
inner = ("norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2")
blocks = tuple(f"blocks.{i}" for i in range(400))
paths = [f"{block}.{part}" for block in blocks for part in inner]
def made():
    names = [(path, kind) for path, kind in [("embed", "embedding"), *((p, "block") for p in paths), ("head", "head")]]
    parameters = tuple(
        Parameter(f"{path}.{leaf}", path, (8, 8) if leaf == "weight" else (8,), kind=kind, norm="norm" in path,
                  bias=leaf == "bias")
        for path, kind in names for leaf in ("weight", "bias")
    )
    linear = (Layer(path, "Linear", kind) for path, kind in names)
    layers = (Layer("", "Net"), *linear, Layer("drop", "Dropout", drops=True))
    return LayerTree("file:model.json", layers, parameters, towers=(Tower("model", "", ("embed",), blocks=blocks),),
                     head=("head",))
found = {"wall_s": {}, "cpu_s": {}}
for rules in ("freeze all; train head", "freeze embeddings; freeze blocks:0-200", "freeze all; train norms head",
              "freeze all; train biases", "freeze all; train head; from epoch 2: train blocks:last10"):
    for target in ("pytorch", "transformers-trainer", "lightning", "fastai", "accelerate", "spec"):
        times = []
        for _ in range(3):
            tree = made()
            began = time.perf_counter(), time.process_time()
            export("file:model.json", rules, target, tree=tree)
            times.append((time.perf_counter() - began[0], time.process_time() - began[1]))
        for i, clock in enumerate(("wall_s", "cpu_s")):
            found[clock][f"{target}: {rules}"] = sorted(each[i] for each in times)[1]
print(json.dumps({"parameters": len(made().parameters), **found}))
"""


def timed(command: list[str], home: str) -> dict[str, float]:
    """Wall and processor seconds of one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    env = {**os.environ, "PYTHONPATH": str(ROOT), "FREEZE_EXPLORER_HOME": home}
    subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=MOST_S)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_s": time.perf_counter() - began, "cpu_s": cpu}


def summed_up(runs: list[dict[str, float]]) -> dict:
    """Minimum, median and maximum of each figure."""
    return {
        key: {"min": min(values), "median": statistics.median(values), "max": max(values)}
        for key in runs[0]
        if (values := [round(run[key], 4) for run in runs])
    }


def measured() -> dict:
    """All figures."""
    found: dict[str, dict] = {}
    cold = []
    for _ in range(COLD_RUNS):
        with tempfile.TemporaryDirectory() as home:
            cold.append(timed(TREE, home))
    found["tree, cold"] = summed_up(cold)
    with tempfile.TemporaryDirectory() as home:
        runs: dict[str, list] = {name: [] for name in COMMANDS}
        for i in range(RUNS + 1):
            for name, command in COMMANDS.items():
                run = timed(command, home)
                if i:
                    runs[name].append(run)
    found |= {name: summed_up(rows) for name, rows in runs.items()}
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", EXPORTS], env=env, check=True, capture_output=True, timeout=MOST_S)
    exports = json.loads(done.stdout)
    found["export"] = {**exports, "slowest": {clock: max(exports[clock].values()) for clock in ("wall_s", "cpu_s")}}
    return found


if __name__ == "__main__":
    table = {
        "machine": f"{os.cpu_count()} cores, Python {sys.version.split()[0]}",
        "load": os.getloadavg()[0],
        "goals_s": GOALS_S,
        **measured(),
    }
    table["load at the end"] = os.getloadavg()[0]
    RESULTS.write_text(json.dumps(table, indent=1) + "\n")
    for name, goal in GOALS_S.items():
        row = table[name]
        wall, cpu = (row["slowest"][k] if name == "export" else row[k]["median"] for k in ("wall_s", "cpu_s"))
        print(f"{name}: {wall:.3f} s, {cpu:.3f} s of processor time (goal {goal} s)")
