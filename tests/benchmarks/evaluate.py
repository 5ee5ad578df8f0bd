"""How long an estimate takes, in processor time: `python -m tests.benchmarks.evaluate [resnet18|bert|llama|traces …]`.
And beside the model's own step: `python -m tests.benchmarks.evaluate ratios [--models N]`.

resnet18 (62 parameters), a BERT of 312 narrow layers (5,001 parameters) and the shape of Llama-3-70B in bf16. Of each:
the first estimate (trace and warm-up), an evaluation of a mask met before, of one never met, of one that differs in a
single leaf from one met before, every card with its largest batch, the depth curve, and the price of every block. Some
seconds for resnet18, some minutes for the others. `traces` takes the first estimate of each of the 100 models of
`memory_models` and an evaluation of eight masks never met before; about ten minutes. All go to evaluate.json.

`ratios` draws 30 models of at most a billion parameters from the catalog by a seed and takes, of each in a process of
its own with one thread, the first trace (float32 on the CPU, the page's own workload) over one bare forward and
backward of the same module in train mode on the meta device, with the same inputs and loss. Before either is timed a
small net is traced, and the bare step has run once: what Python and torch load on first use counts on neither side.
The bare step is the median of three, the trace the only one. Then, of the 5,001 parameters, the depth curve, every
block's price and a mask never met, over that model's first trace. N takes the first so many of the 30.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

import freezecore as fc
from freezecore import catalog
from freezecore._estimate import depth_curve, prices
from freezecore._estimate.budget import fits
from freezecore.mask import Mask
from freezecore.runtime.build.source import meta
from freezecore.runtime.trace import trace_module, trace_source
from freezecore.runtime.trace.loss import find_output, loss_function, predicts_next, targets
from freezecore.runtime.trace.trace_model import tracer_of
from freezecore.runtime.tree.read import read_module
from tests.benchmarks import memory_models as models
from tests.benchmarks.memory import cases
from tests.benchmarks.tick import NARROW_BERT

OUT = Path(__file__).with_suffix(".json")
WORKLOAD = fc.Workload(sequence_length=64)

LLAMA = {
    "model_type": "llama",
    "hidden_size": 8192,
    "num_hidden_layers": 80,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "intermediate_size": 28672,
    "vocab_size": 128256,
    "max_position_embeddings": 8192,
}
WORKLOADS = {"llama": fc.Workload(batch_size=1, sequence_length=2048, precision="bf16", device="cuda")}
TIMES = 5
SEED, DRAWN, LARGEST = 19, 30, 10**9  # of the models that ratios are taken of
LONGEST_S = 600
TASKS = {"bert": "sequence-classification", "llama": "causal-lm"}


def seconds(run: Callable[[], object], times: int = 1) -> float:
    """Median of the processor time of so many runs."""
    taken = []
    for _ in range(times):
        began = time.process_time()
        run()
        taken.append(time.process_time() - began)
    return sorted(taken)[times // 2]


def ticked(mask: Mask, position: int) -> Mask:
    """The mask after one tick."""
    return Mask(mask.tree, tuple(trains != (i == position) for i, trains in enumerate(mask.trains)))


def measure(name: str, folder: Path) -> dict[str, float]:
    """Seconds of processor time per question."""
    text = "timm:resnet18"
    if name != "resnet18":
        config = folder / f"{name}.json"
        config.write_text(json.dumps(LLAMA if name == "llama" else NARROW_BERT))
        text = f"config:{config}"
    source, workload = fc.ModelSource.parse(text, task=TASKS.get(name)), WORKLOADS.get(name, fc.Workload())
    began = time.process_time()
    tree, trace = fc.read_tree(source), trace_source(source, workload)
    full = Mask(tree, (True,) * len(tree.parameters))
    fc.estimate(trace, full)
    found = {"first": time.process_time() - began}
    draw = random.Random(0)
    masks = [Mask(tree, tuple(draw.random() < 0.5 for _ in tree.parameters)) for _ in range(TIMES)]
    fresh, near = iter(masks), iter([ticked(mask, draw.randrange(len(tree.parameters))) for mask in masks])
    found["full, again"] = seconds(lambda: fc.estimate(trace, full), TIMES)
    found["random, never met"] = seconds(lambda: fc.estimate(trace, next(fresh)), TIMES)
    found["one tick away"] = seconds(lambda: fc.estimate(trace, next(near)), TIMES)
    found["every card"] = seconds(lambda: fits(trace, full))
    found["depth curve"] = seconds(lambda: depth_curve(trace, tree))
    found["every block's price"] = seconds(lambda: prices(trace, tree, tree.blocks))
    return found


def measure_traces() -> dict[str, float]:
    """Median, 95th percentile and worst over many models: of the first estimate, and of one mask more."""
    firsts, evaluations = {}, []
    for text, task in models.MODELS:  # a text's batch has 64 tokens, as in the tables of memory.py
        source = fc.ModelSource.parse(text, task=task)
        model = meta(source).model
        began = time.process_time()
        trace = trace_module(model, WORKLOAD, text)
        tree = read_module(model, text)
        if trace.problem:
            continue
        fc.estimate(trace, Mask(tree, (True,) * len(tree.parameters)))
        firsts[text, task] = time.process_time() - began
        for _, mask in cases(tree, models.MASKS):
            evaluations.append(seconds(lambda trace=trace, mask=mask: fc.estimate(trace, mask)))
        print(text, task or "", f"{firsts[text, task]:.1f} s", flush=True)
    return {
        f"{what}, {name}": value
        for what, values in (("first", list(firsts.values())), ("one mask more", evaluations))
        for name, value in zip(("median", "p95", "worst"), _spread(values), strict=True)
    } | {"models": len(firsts)}


def _spread(values: list[float]) -> tuple[float, float, float]:
    ordered = sorted(values)
    return statistics.median(ordered), ordered[int(len(ordered) * 0.95)], ordered[-1]


def drawn() -> list[str]:
    """The models of the ratios, in the order in which they were drawn."""
    texts = [entry.source for entry in catalog.read() if entry.parameters and entry.parameters <= LARGEST]
    return random.Random(SEED).sample(sorted(texts), DRAWN)


def bare_step(model: nn.Module, workload: fc.Workload) -> Callable[[], None]:
    """One forward and backward on the meta device, with the inputs and the loss that a trace takes."""
    args, kwargs = tracer_of(model, workload).inputs(workload.batch_size, "meta")
    kwargs.pop("attention_mask", None)  # of ones: transformers asks it for values, which nothing on meta has
    shifted = predicts_next(model)
    model.train()

    def step() -> None:
        kind, outputs = find_output(model(*args, **kwargs))
        loss_function(kind, shifted)(outputs, targets(kind, outputs)).backward()
        model.zero_grad()

    return step


def measure_ratio(text: str) -> dict[str, float | str]:
    """The first trace of a model over its own bare step; of the model of 5,001 parameters what follows, over that."""
    torch.set_num_threads(1)
    workload = fc.Workload()
    pool = nn.AdaptiveAvgPool2d(1), nn.Flatten()
    small = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), *pool, nn.Linear(4, 4), nn.LayerNorm(4))
    trace_module(small, workload)
    with tempfile.TemporaryDirectory() as folder:
        if text == "bert":
            config = Path(folder, "bert.json")
            config.write_text(json.dumps(NARROW_BERT))
        source = fc.ModelSource.parse(f"config:{config}" if text == "bert" else text, task=TASKS.get(text))
        model = meta(source).model
    began = time.process_time()
    trace = trace_module(model, workload, text)
    first = time.process_time() - began
    if trace.problem:
        return {"problem": str(trace.problem)}
    step = bare_step(model, workload)
    step()
    bare = seconds(step, 3)
    found: dict[str, float | str] = {"trace": first, "bare": bare, "ratio": first / bare}
    if text == "bert":
        tree = read_module(model, text)
        draw = random.Random(0)
        masks = iter([Mask(tree, tuple(draw.random() < 0.5 for _ in tree.parameters)) for _ in range(TIMES)])
        found["depth curve"] = seconds(lambda: depth_curve(trace, tree)) / first
        found["every block's price"] = seconds(lambda: prices(trace, tree, tree.blocks)) / first
        found["mask never met"] = seconds(lambda: fc.estimate(trace, next(masks)), TIMES) / first
    return found


def measure_ratios(count: int) -> dict[str, object]:
    """Each of the first so many models in a process of its own, and of all the median and the worst."""
    rows: dict[str, dict] = {}
    for text in (*drawn()[:count], "bert"):
        command = [sys.executable, "-m", "tests.benchmarks.evaluate", "ratio", text]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        try:
            done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=LONGEST_S)
            answer = done.stdout if not done.returncode else json.dumps({"problem": done.stderr.strip()[-200:]})
            rows[text] = json.loads(answer.strip().splitlines()[-1])
        except subprocess.TimeoutExpired:
            rows[text] = {"problem": f"over {LONGEST_S} s"}
        rows[text] = {what: round(v, 4) if isinstance(v, float) else v for what, v in rows[text].items()}
        print(text, rows[text], flush=True)
    large = rows.pop("bert")
    ratios = sorted(row["ratio"] for row in rows.values() if "ratio" in row)
    return {
        "seed": SEED,
        "drawn": DRAWN,
        "run": len(rows),
        "measured": len(ratios),
        "median": statistics.median(ratios),
        "worst": ratios[-1],
        "load average": round(os.getloadavg()[1], 1),
        "5,001 parameters": large,
        "models": rows,
    }


def keep(name: str, found: dict) -> None:
    kept = json.loads(OUT.read_text()) if OUT.exists() else {}
    kept[name] = found
    OUT.write_text(json.dumps(kept, indent=1) + "\n")


def main() -> None:
    if sys.argv[1:2] == ["ratio"]:
        print(json.dumps(measure_ratio(sys.argv[2])))
        return
    if sys.argv[1:2] == ["ratios"]:
        parser = argparse.ArgumentParser()
        parser.add_argument("--models", type=int, default=DRAWN)
        keep("ratios", measure_ratios(parser.parse_args(sys.argv[2:]).models))
        return
    for name in sys.argv[1:] or ("resnet18", "bert", "llama", "traces"):
        with tempfile.TemporaryDirectory() as folder:
            found = measure_traces() if name == "traces" else measure(name, Path(folder))
        print(name, ", ".join(f"{what} {taken:,.4f}" for what, taken in found.items()), flush=True)
        keep(name, {what: round(taken, 4) for what, taken in found.items()})


if __name__ == "__main__":
    main()
