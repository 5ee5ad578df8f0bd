"""Estimates of memory and FLOPs against the truth: `python -m tests.benchmarks.memory fake|cpu|gpu|summary [MODEL …]`.

    fake     100 models x 8 masks against the same step run on fake tensors         -> memory_fake.csv
    cpu      20 models x 5 masks (and those to fit on) against the CPU's allocator  -> memory_cpu.csv
    gpu      20 models x 5 masks x fp32 and bf16 autocast against a GPU's allocator -> memory_gpu.csv
    summary  the figures of all that has been run, printed and kept in memory.json

Rows already in a file are kept, so that a run goes on where the last one ended; `--again` forgets them.
"""

from __future__ import annotations

import argparse
import csv
import gc
import json
import signal
import statistics
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import torch

from freezecore._estimate.cost import Estimate, estimate_names, trained
from freezecore._trace import Trace
from freezecore.mask import Mask
from freezecore.runtime.build.source import build, meta
from freezecore.runtime.trace import module_pricer
from freezecore.runtime.trace.loss import predicts_next
from freezecore.runtime.trace.trace_model import tracer_of
from freezecore.runtime.tree.read import read_module
from freezecore.source import ModelSource
from freezecore.tree import LayerTree
from freezecore.workload import Workload
from tests.benchmarks import memory_models as models
from tests.benchmarks import memory_truth as truth

HERE = Path(__file__).parent
FAKE = Workload(4, sequence_length=64, optimizer="adamw", implementation="loop")
REAL = Workload(4, optimizer="adamw", implementation="loop")
FIELDS = ("model", "task", "mask", "precision", "estimated", "true", "flops_estimated", "flops_true")
FIELDS += ("corrected", "trace_s", "evaluate_s", "truth_s", "problem")
LONGEST_S = 900


def cases(tree: LayerTree, masks: tuple[str, ...]) -> Iterator[tuple[str, Mask]]:
    names = [p.name for p in tree.parameters if not p.frozen_by_author]
    head = [tree.parameters[i].name for path in tree.head for i in tree.under(path)] or names[-2:]
    for mask in masks:
        yield mask, Mask.from_names(tree, models.chosen(names, head, mask))


def evaluated(trace: Trace, mask: Mask, in_place: bool) -> tuple[Estimate, float]:
    """The estimate, and seconds of its second evaluation."""
    for _ in range(2):
        started = time.perf_counter()
        cost = estimate_names(trace, trained(trace, mask), mask.held, in_place=in_place)
        seconds = time.perf_counter() - started
    return cost, seconds


def compare(source: ModelSource, workload: Workload, masks: tuple[str, ...], place: str) -> Iterator[dict]:
    """One row per mask."""
    model = meta(source).model
    tree = read_module(model, str(source))
    started = time.perf_counter()
    pricer = module_pricer(model, workload)
    trace_s = time.perf_counter() - started
    chosen = list(cases(tree, masks))
    trace = pricer.complete(mask for _, mask in chosen)
    inputs = tracer_of(model, workload).inputs
    for name, mask in chosen:
        cost, evaluate_s = evaluated(trace, mask, in_place=place != "fake")
        row = dict.fromkeys(FIELDS, "") | {"model": str(source), "task": source.task or "", "mask": name}
        row |= {"precision": workload.precision, "estimated": getattr(cost, "peak_bytes", None)}
        row |= {"flops_estimated": getattr(cost, "flops_backward", None)}
        row |= {"corrected": getattr(cost, "peak_with_scratch", None) if place == "cpu" else ""}
        row |= {"trace_s": f"{trace_s:.2f}", "evaluate_s": f"{evaluate_s:.4f}"}
        row["problem"] = trace.problem or (f"{len(cost.missing)} combinations missing" if cost.missing else "")
        started = time.perf_counter()
        try:
            measured = run_truth(place, source, model, mask, workload, inputs)
            row |= {"true": measured.peak_bytes, "flops_true": measured.flops_backward}
        except Exception as error:  # the model's own code
            row["problem"] = f"truth: {type(error).__name__}: {str(error)[:120]}"
        yield row | {"truth_s": f"{time.perf_counter() - started:.2f}"}
        gc.collect()


def run_truth(place: str, source: ModelSource, model, mask: Mask, workload: Workload, inputs) -> truth.Truth:
    shifted = predicts_next(model)
    trains = set(mask.names())
    if place == "fake":
        return truth.on_fake(model, trains, mask.held, workload, inputs, shifted)
    real = build(source.with_(weights="random")).model
    if place == "cpu":
        return truth.on_cpu(real, trains, mask.held, workload, inputs, shifted)
    return truth.on_cuda(real, trains, mask.held, workload, inputs, shifted)[0]


def run(place: str, chosen: list[tuple[str, str | None]], workload: Workload, masks: tuple[str, ...]) -> None:
    """Run what the file does not have yet, and append it."""
    file = HERE / f"memory_{place}.csv"
    done = {(row["model"], row["task"]) for row in read(file)}
    with file.open("a", newline="") as out:
        writer = csv.DictWriter(out, FIELDS)
        if not done:
            writer.writeheader()
        for name, task in chosen:
            if (name, task or "") in done:
                continue
            signal.alarm(LONGEST_S)
            try:
                rows = list(compare(ModelSource.parse(name, task=task), workload, masks, place))
            except Exception as error:  # one model's trouble must not end the run
                traceback.print_exc()
                rows = [dict.fromkeys(FIELDS, "") | {"model": name, "task": task or "", "problem": str(error)[:160]}]
            signal.alarm(0)
            writer.writerows(rows)
            out.flush()
            print(name, task or "", *(told(row) for row in rows), flush=True)


def _too_long(number: int, frame: object) -> None:
    raise TimeoutError(f"given up after {LONGEST_S} s")


def told(row: dict) -> str:
    if row["problem"] or not row["true"]:
        return row["problem"][:60] or "?"
    return f"{100 * (int(row['estimated']) / int(row['true']) - 1):+.4f}%"


def read(file: Path) -> list[dict]:
    if not file.exists():
        return []
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


def summary() -> None:
    kept: dict[str, dict] = {}
    for place in ("fake", "cpu", "gpu"):
        rows = read(HERE / f"memory_{place}.csv")
        good = [row for row in rows if row["true"] and row["estimated"]]
        if not good:
            continue
        flops = [off(r["flops_estimated"], r["flops_true"]) for r in good if r["flops_true"] not in ("", "0")]
        traces = {(r["model"], r["task"]): float(r["trace_s"]) for r in good}
        print(f"{place}: {len(traces)} models, {len(good)} of {len(rows)} cases")
        figures = kept[place] = {"models": len(traces), "cases": len(good), "failed": len(rows) - len(good)}
        raw = [row for row in good if place != "cpu" or row["model"] not in models.FITTED_ON]
        figures |= spread("peak, %", [off(row["estimated"], row["true"]) for row in raw], 4)
        judged = [row for row in good if row["corrected"] and row["model"] not in models.FITTED_ON]
        figures |= spread("corrected peak, %", [off(row["corrected"], row["true"]) for row in judged], 4)
        figures |= spread("backward FLOPs, %", flops, 4)
        figures |= spread("evaluation, ms", [1000 * float(row["evaluate_s"]) for row in good], 1)
        figures |= spread("trace, s", list(traces.values()), 1)
        for row in rows:
            if row["problem"]:
                print(f"  {row['model']} {row['task']} {row['mask']}: {row['problem']}")
    (HERE / "memory.json").write_text(json.dumps(kept, indent=1) + "\n")


def off(estimated: str, true: str) -> float:
    """Relative error in percent."""
    return abs(int(estimated) / int(true) - 1) * 100


def spread(name: str, values: list[float], digits: int) -> dict[str, dict[str, float]]:
    if not values:
        return {}
    ordered = sorted(values)
    shown = (statistics.median(ordered), ordered[int(len(ordered) * 0.95)], ordered[-1])
    print(f"  {name}: median {shown[0]:.{digits}f}, p95 {shown[1]:.{digits}f}, worst {shown[2]:.{digits}f}")
    return {name: dict(zip(("median", "p95", "worst"), (round(value, 6) for value in shown), strict=True))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("fake", "cpu", "gpu", "summary"))
    parser.add_argument("models", nargs="*", help="only models whose name contains one of these")
    parser.add_argument("--again", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.what == "summary":
        return summary()
    if options.what == "gpu" and not torch.cuda.is_available():
        return print("skipped: this machine has no CUDA device", file=sys.stderr)
    signal.signal(signal.SIGALRM, _too_long)
    if options.again:
        (HERE / f"memory_{options.what}.csv").unlink(missing_ok=True)
    chosen = list(models.MODELS if options.what == "fake" else models.REAL_MODELS)
    if options.what == "cpu":
        chosen += [(name, None) for name in models.FITTED_ON]
    chosen = [c for c in chosen if not options.models or any(word in c[0] for word in options.models)]
    masks = models.MASKS if options.what == "fake" else models.REAL_MASKS
    return run(options.what, chosen, FAKE if options.what == "fake" else REAL, masks)


if __name__ == "__main__":
    main()
