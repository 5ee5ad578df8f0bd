"""Held-out models with adapters against the CPU's real allocator: `python -m tests.benchmarks.heldout_adapters run`.

20 of the library models that `heldout_models` drew, drawn again by a seed, x ranks 4, 16, 64 x two sets of targets: all
that an adapter joins by itself, and the layers of the last half of the blocks. What trains is the adapters and the
head; AdamW, batch 2, the smallest input that each takes. The true figure is that of PEFT's own `get_peft_model` on the
model with random weights, of which nothing of ours knows. Rows run in an order drawn too; those in
heldout_adapters.csv are kept, and a run goes on where the last one ended.

    run      what the table lacks, for `--minutes`
    summary  the figures, and each row off by over 0.5 percent
"""

from __future__ import annotations

import argparse
import csv
import random
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import peft
import torch
import transformers

import freezecore as fc
from freezecore._estimate.cost import estimate_names, trained
from freezecore.adapter import parse_adapters
from freezecore.adapter_targets import adapter_targets
from freezecore.runtime.trace.loss import predicts_next
from freezecore.runtime.trace.trace_model import tracer_of
from freezecore.source import ModelSource
from tests.benchmarks import memory_truth
from tests.benchmarks.heldout import MOST_BYTES, alone, kept, spread
from tests.benchmarks.heldout_models import HeldOut, drawn
from tests.benchmarks.memory import off

ROWS = Path(__file__).parent / "heldout_adapters.csv"
SEED, MODELS, RANKS, TARGETS = "adapters held out", 20, (4, 16, 64), ("all", "last half")
FIELDS = ("model", "task", "rank", "targets", "estimated", "with_scratch", "true", "seconds", "problem")


@dataclass(frozen=True)
class Row:
    """One row to be: a model with adapters of a rank in some of its layers."""

    model: HeldOut
    rank: int
    targets: str

    @property
    def key(self) -> tuple[str, ...]:
        return f"{self.model.kind}:{self.model.name}", self.model.task, str(self.rank), self.targets

    @property
    def source(self) -> ModelSource:
        base: ModelSource = self.model.source
        words = f"lora r={self.rank}"
        if self.targets != "all":
            words += f" on blocks:last{max(1, len(fc.read_tree(base).blocks) // 2)}"
        return base.with_(adapter=words)


def rows() -> list[Row]:
    """All rows, in the order in which they run."""
    models = random.Random(SEED).sample([model for model in drawn() if model.of_library], MODELS)
    every = [Row(model, rank, targets) for model in models for rank in RANKS for targets in TARGETS]
    return random.Random(f"{SEED} rows").sample(every, len(every))


def figures(row: Row) -> dict:
    """What is estimated, and what the step really takes, in bytes."""
    source, workload = row.source, row.model.workload()
    tree = fc.read_tree(source)
    mask = fc.resolve("freeze all; train adapters" + "; train head" * bool(tree.head), tree)
    trace = fc.pricer(source, workload).complete([mask])
    cost = estimate_names(trace, trained(trace, mask), mask.held)
    if not cost.known:
        return {"problem": trace.problem or f"{len(cost.missing)} combinations missing"}
    estimated = {"estimated": cost.peak_bytes, "with_scratch": cost.peak_with_scratch}
    if cost.peak_bytes > MOST_BYTES:
        return estimated | {"problem": "over 3 GB"}
    inputs = tracer_of(row.model.build(real=False), workload).inputs
    model = row.model.build(real=True)
    for module in model.modules():  # a layer that chance skips would make the true figure chance's too
        if hasattr(getattr(module, "config", None), "layerdrop"):
            module.config.layerdrop = 0.0
    (adapter,) = parse_adapters(source.adapter)
    targets = list(adapter_targets([adapter], fc.read_tree(source.base)))
    model = peft.get_peft_model(model, peft.LoraConfig(r=adapter.r, target_modules=targets)).base_model.model
    named = {name.replace(".base_layer.", "."): name for name, _ in model.named_parameters()}
    trains = {named[name] for name in mask.names()}
    true = memory_truth.on_cpu(model, trains, mask.held, workload, inputs, predicts_next(model))
    return estimated | {"true": true.peak_bytes}


def run(minutes: float) -> None:
    """Run rows that the table does not have, for so many minutes."""
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    done = {tuple(row[name] for name in FIELDS[:4]) for row in kept(ROWS)}
    until, new = time.monotonic() + 60 * minutes, not ROWS.exists()
    with ROWS.open("a", newline="") as out:
        writer = csv.DictWriter(out, FIELDS, lineterminator="\n")
        if new:
            writer.writeheader()
        for row in (row for row in rows() if row.key not in done):
            if time.monotonic() > until:
                return
            started = time.monotonic()
            found = dict.fromkeys(FIELDS, "") | dict(zip(FIELDS, row.key, strict=False)) | alone(row, figures)
            writer.writerow(found | {"seconds": f"{time.monotonic() - started:.1f}"})
            out.flush()
            error = found["problem"] or f"{off(found['with_scratch'], found['true']):.4f} %"
            print(*row.key, error, flush=True)


def summary() -> None:
    """Errors by rank and by targets, and each row off by over 0.5 %."""
    every = kept(ROWS)
    good = [row for row in every if row["true"]]
    print(f"{len(every)} rows of {len(rows())}, {len({row['model'] for row in good})} models, {len(good)} compared")
    for name in ("", *map(str, RANKS), *TARGETS):
        of = [row for row in good if name in ("", row["rank"], row["targets"])]
        print(f"  {name or 'all rows'}: {spread([off(row['with_scratch'], row['true']) for row in of])}")
    for row in sorted(good, key=lambda row: -off(row["with_scratch"], row["true"])):
        if off(row["with_scratch"], row["true"]) > 0.5:
            print("   ", *(row[name] for name in FIELDS[:7]))
    for row in every:
        if row["problem"]:
            print("    no figure:", *(row[name] for name in FIELDS[:4]), row["problem"])
    print("seconds a row, median:", statistics.median(float(row["seconds"]) for row in every))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "summary", "list"))
    parser.add_argument("--minutes", type=float, default=60)
    options = parser.parse_args()
    if options.what == "list":
        return print("\n".join(" ".join(row.key) for row in rows()))
    return summary() if options.what == "summary" else run(options.minutes)


if __name__ == "__main__":
    sys.exit(main())
