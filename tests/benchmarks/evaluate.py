"""How long an estimate takes, in processor time: `python -m tests.benchmarks.evaluate [resnet18|bert|llama|traces …]`.

resnet18 (62 parameters), a BERT of 312 narrow layers (5,001 parameters) and the shape of Llama-3-70B in bf16. Of each:
the first estimate (trace and warm-up), an evaluation of a mask met before, of one never met, of one that differs in a
single leaf from one met before, every card with its largest batch, the depth curve, and the price of every block. Some
seconds for resnet18, some minutes for the others. `traces` takes the first estimate of each of the 100 models of
`memory_models` and an evaluation of eight masks never met before; about ten minutes. All go to evaluate.json.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import freezecore as fc
from freezecore._estimate import depth_curve, prices
from freezecore._estimate.budget import fits
from freezecore.mask import Mask
from freezecore.runtime.build.source import meta
from freezecore.runtime.trace import trace_module, trace_source
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


def main() -> None:
    for name in sys.argv[1:] or ("resnet18", "bert", "llama", "traces"):
        with tempfile.TemporaryDirectory() as folder:
            found = measure_traces() if name == "traces" else measure(name, Path(folder))
        print(name, ", ".join(f"{what} {taken:,.4f}" for what, taken in found.items()), flush=True)
        kept = json.loads(OUT.read_text()) if OUT.exists() else {}
        kept[name] = {what: round(taken, 4) for what, taken in found.items()}
        OUT.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
