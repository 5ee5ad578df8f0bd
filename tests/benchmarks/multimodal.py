"""Multimodal families on small configurations: the parts found, and estimates by parts against the CPU's own allocator.

`python -m tests.benchmarks.multimodal [FAMILY …]` writes multimodal.csv: a row for each family and selection. A batch
has one sample that is shorter, as in training: of a mask of ones alone transformers makes nothing.
"""

from __future__ import annotations

import copy
import csv
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch

from freezecore import FreezeSpec, resolve
from freezecore._presets import presets
from freezecore.runtime.build.source import build
from freezecore.runtime.trace import module_pricer
from freezecore.runtime.trace.trace_model import tracer_of
from freezecore.runtime.tree.read import read_module
from freezecore.source import ModelSource
from freezecore.workload import Workload
from tests.benchmarks.memory_truth import on_cpu
from tests.freezecore import multimodal

FILE = Path(__file__).with_suffix(".csv")
PRESETS = ("full", "projector-only", "vision-frozen", "language-frozen")
FIELDS = ("family", "parts", "selection", "rules", "estimated", "true", "error_percent", "why")


def rows_of(family: str, names: tuple[str, ...] = PRESETS) -> Iterator[dict]:
    """The estimate and the allocator's peak for each of these presets that the family has."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "config.json"
        place.write_text(json.dumps(multimodal.config(family)))
        model = build(ModelSource.parse(f"config:{place}", task=multimodal.task(family), weights="random")).model
    workload = Workload(
        batch_size=2, sequence_length=16, image_size=multimodal.SIDES.get(family), implementation="loop"
    )
    tree, pricer, tracer = read_module(model, family), module_pricer(model, workload), tracer_of(model, workload)

    def padded(size: int, device: str) -> tuple[tuple, dict]:
        args, kwargs = tracer.inputs(size, device)
        if "attention_mask" in kwargs:
            kwargs["attention_mask"] = kwargs["attention_mask"].clone()
            kwargs["attention_mask"][0, -1] = 0
        return args, kwargs

    offered = {preset.key: preset.rules for preset in presets(tree)}
    for name in names:
        if name not in offered:
            continue
        mask = resolve(FreezeSpec.parse(offered[name]), tree)
        told = pricer.estimate(mask)
        estimated = getattr(told, "peak_with_scratch", None)
        real = on_cpu(copy.deepcopy(model), set(mask.names()), mask.held, workload, padded, tracer.shifted).peak_bytes
        yield {
            "family": family,
            "parts": " ".join(part.name for part in tree.parts),
            "selection": name,
            "rules": offered[name],
            "estimated": estimated,
            "true": real,
            "error_percent": f"{100 * (estimated / real - 1):+.2f}" if estimated else "",
            "why": pricer.trace.problem,
        }


def main() -> None:
    torch.set_num_threads(1)
    chosen = sys.argv[1:] or list(multimodal.FAMILIES)
    kept = list(csv.DictReader(FILE.open())) if FILE.exists() else []
    for family in chosen:
        found = list(rows_of(family))
        kept = [row for row in kept if row["family"] != family] + found
        order = list(multimodal.FAMILIES)
        with FILE.open("w", newline="") as out:
            writer = csv.DictWriter(out, FIELDS)
            writer.writeheader()
            writer.writerows(sorted(kept, key=lambda row: order.index(row["family"])))
        for row in found:
            print(family, row["selection"], row["error_percent"] or row["why"], flush=True)


if __name__ == "__main__":
    main()
