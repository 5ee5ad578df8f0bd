"""How well drawn scenes are learnt on the packaged body, over three seeds: `python -m tests.benchmarks.scenes`."""

from __future__ import annotations

import csv
import sys
import time
from pathlib import Path

from freezecore.probe import ProbeRequest
from freezecore.runtime.train.run import run_probe
from freezecore.source import DENSE_TASKS, ModelSource
from freezecore.spec import FreezeSpec

FILE = Path(__file__).with_name("scenes.csv")
RULES, SEEDS = "freeze backbone.body", (0, 1, 2)
STEPS = {"semantic-segmentation": 60, "object-detection": 30}
FIELDS = ("task", "metric", "seed", "steps", "untrained", "best_constant", "after", "step_s", "cpu_s", "seconds")


def main() -> None:
    """Write a row a run, as it ends."""
    with FILE.open("w", newline="", encoding="utf-8") as out:
        rows = csv.DictWriter(out, FIELDS, lineterminator="\n")
        rows.writeheader()
        for task in reversed(DENSE_TASKS):
            source = ModelSource.parse("timm:tf_efficientnet_lite0", task=task, weights="pretrained")
            for seed in SEEDS:
                began, worked = time.perf_counter(), time.process_time()
                found = run_probe(ProbeRequest(source, FreezeSpec.parse(RULES), steps=STEPS[task], seed=seed))
                scores = (found.metric_before, found.baseline, found.metric_after)
                took = (
                    f"{found.step_s:.3f}",
                    f"{time.process_time() - worked:.0f}",
                    f"{time.perf_counter() - began:.0f}",
                )
                row = (task, found.metric, seed, found.steps, *(f"{score:.3f}" for score in scores), *took)
                rows.writerow(dict(zip(FIELDS, row, strict=True)))
                out.flush()
                print(*row, file=sys.stderr)


if __name__ == "__main__":
    main()
