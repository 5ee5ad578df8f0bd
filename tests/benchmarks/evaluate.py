"""How long an estimate takes, in processor time: `python -m tests.benchmarks.evaluate [resnet18|bert|llama …]`.

resnet18 (62 parameters), a BERT of 312 narrow layers (5,001 parameters) and the shape of Llama-3-70B in bf16. Of each:
the first estimate (trace and warm-up), an evaluation of a mask met before, of one never met, of one that differs in a
single leaf from one met before, every card with its largest batch, the depth curve, and the price of every block. Some
seconds for resnet18, some minutes for the others.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import freezecore as fc
from freezecore.estimate import depth_curve, prices
from freezecore.estimate.budget import fits
from freezecore.live.tracer import trace_source
from freezecore.mask import Mask
from tests.benchmarks.tick import NARROW_BERT

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


def main() -> None:
    for name in sys.argv[1:] or ("resnet18", "bert", "llama"):
        with tempfile.TemporaryDirectory() as folder:
            found = measure(name, Path(folder))
        print(name, ", ".join(f"{what} {1000 * taken:,.1f} ms" for what, taken in found.items()), flush=True)


if __name__ == "__main__":
    main()
