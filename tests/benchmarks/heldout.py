"""Held-out models against the CPU's real allocator: `python -m tests.benchmarks.heldout run|forget|summary`.

60 models that `heldout_models` drew by a seed and kept before the first result, 5 masks, three precisions, a plain
loop: AdamW as torch takes it, batch 2, the smallest input that each takes. A row is a process of its own, ended at
3 GB estimated or 300 s; rows come in an order drawn too, so that any beginning of the table is a sample of the whole.
Rows in heldout.csv are kept: a run goes on where the last one ended.

    run      what the table lacks, for `--minutes`
    forget   rows with a problem or off by more than `--over` percent, to run them again after a mend
    summary  the figures, and each row off by over 1 percent
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import select
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import timm  # noqa: F401 imported once, before the rows' processes are made
import torch
import torchvision  # noqa: F401
import transformers
from torch import nn
from torch.utils._pytree import tree_map

from freezecore._estimate.cost import estimate_names, trained
from freezecore._trace import Trace
from freezecore.mask import Mask
from freezecore.runtime.inputs.own import own_batch
from freezecore.runtime.trace import module_pricer
from freezecore.runtime.trace.loss import predicts_next
from freezecore.runtime.trace.trace_model import tracer_of
from freezecore.runtime.tree.read import read_module
from tests.benchmarks import memory_models, memory_truth
from tests.benchmarks.heldout_models import SEED, HeldOut, drawn
from tests.benchmarks.memory import cases, off

HERE = Path(__file__).parent
ROWS = HERE / "heldout.csv"
PRECISIONS = ("fp32", "bf16-autocast", "bf16")
LOOPS = ("plain",)
LONGEST_S, MOST_BYTES = 300, 3 * 10**9
FIELDS = ("model", "task", "mask", "precision", "loop", "estimated", "with_scratch", "true", "seconds", "problem")


@dataclass(frozen=True)
class Row:
    """One row to be: a model under a mask, in a precision, by a loop."""

    model: HeldOut
    mask: str
    precision: str
    loop: str

    @property
    def key(self) -> tuple[str, ...]:
        return f"{self.model.kind}:{self.model.name}", self.model.task, self.mask, self.precision, self.loop


def rows() -> list[Row]:
    """All rows, in the order in which they run."""
    models, masks = drawn(), memory_models.REAL_MASKS
    every = [Row(m, mask, p, loop) for loop in LOOPS for m in models for mask in masks for p in PRECISIONS]
    return random.Random(f"{SEED} rows").sample(every, len(every))


def figures(row: Row) -> dict:
    """What is estimated, and what the step really takes, in bytes."""
    workload = row.model.workload(precision=row.precision)
    shapes, batch = row.model.build(real=row.model.kind != "timm" and row.model.kind != "config"), row.model.batch()
    tree = read_module(shapes, row.model.name)
    mask = dict(cases(tree, (row.mask,)))[row.mask]
    pricer = module_pricer(shapes, workload, batch=batch)
    trace = pricer.complete([mask])
    estimated = foretold(trace, mask)
    if "problem" in estimated:
        return estimated
    inputs = tracer_of(shapes, workload).inputs if batch is None else own_batch(batch)[1]
    model = without_chance(row.model.build(real=True))
    if row.precision == "bf16":
        model, inputs = model.bfloat16(), in_half(inputs)
    trains = set(mask.names())
    true = memory_truth.on_cpu(model, trains, mask.held, workload, inputs, predicts_next(model))
    return estimated | {"true": true.peak_bytes}


def foretold(trace: Trace, mask: Mask) -> dict:
    """What a step is estimated to take, in bytes, with a problem where that is not known or too much to be tried."""
    cost = estimate_names(trace, trained(trace, mask), mask.held)
    if not cost.known:
        return {"problem": trace.problem or f"{len(cost.missing)} combinations missing"}
    estimated = {"estimated": cost.peak_bytes, "with_scratch": cost.peak_with_scratch}
    return estimated | ({"problem": "over 3 GB"} if cost.peak_bytes > MOST_BYTES else {})


def without_chance(model: nn.Module) -> nn.Module:
    """The model with every layer in each step: one that chance skips would make the true figure chance's too."""
    for module in model.modules():
        if hasattr(getattr(module, "config", None), "layerdrop"):
            module.config.layerdrop = 0.0
    return model


def in_half(inputs):
    """Inputs of the model's own type, as a person gives them to a model in bfloat16."""

    def half(item: object) -> object:
        return item.bfloat16() if isinstance(item, torch.Tensor) and item.is_floating_point() else item

    return lambda size, device: tree_map(half, inputs(size, device))


def alone(row, figures: Callable[..., dict]) -> dict:
    """The figures of a row, found in a process of its own."""
    receiving, sending = os.pipe()
    child = os.fork()
    if not child:
        os.close(receiving)
        try:
            found = figures(row)
        except Exception as error:  # the model's own code, or ours: the table says it
            found = {"problem": f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"}
        with os.fdopen(sending, "w") as out:
            json.dump(found, out)
        os._exit(0)
    os.close(sending)
    ready = select.select([receiving], [], [], LONGEST_S)[0]
    with os.fdopen(receiving) as answer:
        text = answer.read() if ready else ""
    if not ready:
        os.kill(child, 9)
    status = os.waitpid(child, 0)[1]
    late = f"no result after {LONGEST_S} s" if not ready else f"ended by signal {os.WTERMSIG(status)}"
    return json.loads(text) if text else {"problem": late}


def run(table: Path, fields: Sequence[str], wanted: Iterable, figures: Callable[..., dict], minutes: float) -> None:
    """Run those of the wanted rows that the table does not have, for so many minutes."""
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    keys = fields[: fields.index("estimated")]
    done = {tuple(row[name] for name in keys) for row in kept(table)}
    until, new = time.monotonic() + 60 * minutes, not table.exists()
    with table.open("a", newline="") as out:
        writer = csv.DictWriter(out, fields, lineterminator="\n")
        if new:
            writer.writeheader()
        for row in (row for row in wanted if row.key not in done):
            if time.monotonic() > until:
                return
            started = time.monotonic()
            found = dict.fromkeys(fields, "") | dict(zip(keys, row.key, strict=True)) | alone(row, figures)
            writer.writerow(found | {"seconds": f"{time.monotonic() - started:.1f}"})
            out.flush()
            print(*row.key, told(found), flush=True)


def told(row: dict) -> str:
    return row["problem"] or f"{100 * (int(row['with_scratch']) / int(row['true']) - 1):+.3f} %"


def kept(table: Path) -> list[dict]:
    if not table.exists():
        return []
    with table.open(newline="") as lines:
        return list(csv.DictReader(lines))


def summary() -> None:
    """Errors with and without the stated correction for convolutions, by precision, and each row off by over 1 %."""
    every = kept(ROWS)
    good = [row for row in every if row["true"]]
    print(f"{len(every)} rows of {len(rows())}, {len({row['model'] for row in good})} models, {len(good)} compared")
    for precision in ("", *PRECISIONS):
        of = [row for row in good if precision in ("", row["precision"])]
        for column in ("with_scratch", "estimated"):
            print(f"  {precision or 'all'}, {column}: {spread([off(row[column], row['true']) for row in of])}")
    for row in sorted(good, key=lambda row: -off(row["with_scratch"], row["true"])):
        if off(row["with_scratch"], row["true"]) > 1:
            print("   ", *(row[name] for name in FIELDS[:5]), told(row))
    for row in every:
        if row["problem"]:
            print("    no figure:", *(row[name] for name in FIELDS[:5]), row["problem"])


def spread(errors: list[float]) -> str:
    if not errors:
        return "none"
    ordered = sorted(errors)
    p95 = ordered[int(len(ordered) * 0.95)]
    return f"{len(ordered)} rows, median {statistics.median(ordered):.4f}, p95 {p95:.3f}, worst {ordered[-1]:.3f} %"


def again(problems: bool, over: float) -> Iterator[dict]:
    """The rows to keep when those with a problem, or off by more than so many percent, are to run again."""
    for row in kept(ROWS):
        if row["problem"] and problems and "3 GB" not in row["problem"]:
            continue
        if row["true"] and off(row["with_scratch"], row["true"]) > over:
            continue
        yield row


def forget(problems: bool, over: float) -> None:
    stay = list(again(problems, over))
    with ROWS.open("w", newline="") as out:
        writer = csv.DictWriter(out, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(stay)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "summary", "forget"))
    parser.add_argument("words", nargs="*", help="only rows in which one of these stands")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--over", type=float, default=1.0, help="forget: rows off by more, in percent, and problems")
    options = parser.parse_args()
    if options.what == "summary":
        return summary()
    if options.what == "forget":
        return forget(problems=True, over=options.over)
    wanted = (row for row in rows() if not options.words or any(word in " ".join(row.key) for word in options.words))
    return run(ROWS, FIELDS, wanted, figures, options.minutes)


if __name__ == "__main__":
    sys.exit(main())
