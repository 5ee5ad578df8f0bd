"""Other estimators beside ours on the same cases: `python -m tests.benchmarks.memory_beside [fake|cpu] [MODEL …]`.

Reads the truth and our estimate from memory_cpu.csv (or memory_fake.csv), asks the others about each model, writes
memory_beside_cpu.csv (or …_fake.csv) and prints each one's errors. Building 20 models takes some minutes.

torchinfo              `summary(model, …)`: parameters, all outputs twice, input (its "Estimated Total Size"); only
                       where it is installed (`pip install torchinfo` in an environment of its own)
accelerate             `accelerate.commands.estimate.estimate_training_usage`, its figure for a training step with Adam
DeepSpeed              `estimate_zero2_model_states_mem_needs` without offload on one GPU: 4 + 16 bytes a parameter
                       (deepspeed/runtime/zero/stage_1_and_2.py, written out here)
weights + 3 × trainable  what most hand calculations do: gradients and Adam's two moments of what trains
"""

from __future__ import annotations

import argparse
import csv
import statistics
from itertools import groupby
from pathlib import Path

from accelerate.commands.estimate import estimate_training_usage
from torch import nn

from freezecore.runtime.build.source import build, meta
from freezecore.runtime.trace.trace_model import tracer_of
from freezecore.runtime.tree.read import read_module
from freezecore.source import ModelSource
from tests.benchmarks.memory import FAKE, HERE, REAL, cases, read
from tests.benchmarks.memory_models import FITTED_ON, MASKS, REAL_MASKS

OTHERS = ("torchinfo", "accelerate", "deepspeed", "weights_and_3_trainable")
FIELDS = ("model", "task", "mask", "true", "ours", *OTHERS)
BYTES = 4


def of_model(name: str, task: str | None, rows: list[dict], place: str) -> list[dict]:
    """Every estimator's figure for each mask of one model."""
    source = ModelSource.parse(name, task=task)
    model = meta(source).model
    tree = read_module(model, name)
    masks = dict(cases(tree, MASKS if place == "fake" else REAL_MASKS))
    total = sum(p.numel() for p in model.parameters())
    fixed = {
        "torchinfo": torchinfo_bytes(source, model, place),
        "accelerate": estimate_training_usage(total * BYTES, "float32")["step"],
        "deepspeed": 4 * total + 16 * total,
    }
    return [
        {
            **{"model": name, "task": task or "", "mask": row["mask"], "true": row["true"], "ours": row["estimated"]},
            **fixed,
            "weights_and_3_trainable": BYTES * (total + 3 * masks[row["mask"]].trainable),
        }
        for row in rows
    ]


def torchinfo_bytes(source: ModelSource, model: nn.Module, place: str) -> int | str:
    """torchinfo's estimated total size; an empty text where it is not installed or does not get through the model."""
    try:
        from torchinfo import summary
    except ImportError:
        return ""
    workload = FAKE if place == "fake" else REAL
    args, kwargs = tracer_of(model, workload).inputs(workload.batch_size, "cpu")
    real = build(source.with_(weights="random")).model
    try:
        found = summary(real, input_data=args or kwargs, verbose=0, mode="train")
    except RuntimeError:
        return ""
    return found.total_input + found.total_output_bytes + found.total_param_bytes


def summary_of(rows: list[dict]) -> None:
    """Each estimator's median, 95th percentile and worst error, and how its figure moves when things are frozen."""
    for name in ("ours", *OTHERS):
        errors = sorted(abs(int(r[name]) / int(r["true"]) - 1) * 100 for r in rows if str(r[name]))
        if errors:
            p95 = errors[int(len(errors) * 0.95)]
            print(f"{name}: {len(errors)} cases, median {statistics.median(errors):.3f} %", end="")
            print(f", p95 {p95:.3f} %, worst {errors[-1]:.3f} %")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("truth", nargs="?", choices=("cpu", "fake"), default="cpu")
    parser.add_argument("models", nargs="*", help="only models whose name contains one of these")
    options = parser.parse_args()
    known = [r for r in read(HERE / f"memory_{options.truth}.csv") if r["true"] and r["model"] not in FITTED_ON]
    known = [r for r in known if not options.models or any(word in r["model"] for word in options.models)]
    if not known:
        return print(f"no truth yet: run `python -m tests.benchmarks.memory {options.truth}` first")
    rows: list[dict] = []
    for (name, task), of in groupby(known, lambda row: (row["model"], row["task"])):
        rows += of_model(name, task or None, list(of), options.truth)
        print(name, task, flush=True)
    write(HERE / f"memory_beside_{options.truth}.csv", rows)
    return summary_of(rows)


def write(file: Path, rows: list[dict]) -> None:
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, FIELDS)
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
