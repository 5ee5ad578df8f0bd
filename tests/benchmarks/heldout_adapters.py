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
import random
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

import peft

import freezecore as fc
from freezecore.adapter import parse_adapters
from freezecore.adapter_targets import adapter_targets
from freezecore.runtime.trace.loss import predicts_next
from freezecore.runtime.trace.trace_model import tracer_of
from freezecore.source import ModelSource
from tests.benchmarks import memory_truth
from tests.benchmarks.heldout import foretold, kept, run, spread, without_chance
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
    estimated = foretold(trace, mask)
    if "problem" in estimated:
        return estimated
    inputs = tracer_of(row.model.build(real=False), workload).inputs
    model = without_chance(row.model.build(real=True))
    (adapter,) = parse_adapters(source.adapter)
    targets = list(adapter_targets([adapter], fc.read_tree(source.base)))
    model = peft.get_peft_model(model, peft.LoraConfig(r=adapter.r, target_modules=targets)).base_model.model
    named = {name.replace(".base_layer.", "."): name for name, _ in model.named_parameters()}
    trains = {named[name] for name in mask.names()}
    true = memory_truth.on_cpu(model, trains, mask.held, workload, inputs, predicts_next(model))
    return estimated | {"true": true.peak_bytes}


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
    return summary() if options.what == "summary" else run(ROWS, FIELDS, rows(), figures, options.minutes)


if __name__ == "__main__":
    sys.exit(main())
