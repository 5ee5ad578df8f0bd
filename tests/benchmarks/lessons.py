"""What each lesson of the page measures, run by run as a visitor's click starts it.

    python tests/benchmarks/lessons.py                # all seven, written to lessons.json beside this (6 minutes)
    python tests/benchmarks/lessons.py twenty 0 1 2   # one lesson with these seeds

Accuracies and counts repeat; seconds are this machine's, at this load.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from dataclasses import replace
from pathlib import Path

from app.service import lessons
from freezecore.runtime.train.run import run_probe

OUT = Path(__file__).with_suffix(".json")
FIELDS = (
    "accuracy_before",
    "accuracy_after",
    "train_accuracy_after",
    "trainable",
    "step_s",
    "seconds",
    "learning_rate",
    "peak_bytes",
)


def measured(lesson: lessons.Lesson, seed: int) -> list[dict]:
    """One row for each run of the lesson."""
    rows = []
    for one in lesson.runs:
        began = time.process_time()
        result = run_probe(replace(lesson.request(one), seed=seed), lambda event: None)
        row = {"lesson": lesson.key, "seed": seed, "run": one.name, "state": result.state}
        row |= {name: getattr(result, name) for name in FIELDS}
        row |= {"buffers_still": result.proof.buffers if result.proof else None, "cpu_s": time.process_time() - began}
        rows.append({name: round(value, 4) if isinstance(value, float) else value for name, value in row.items()})
        print(json.dumps(rows[-1]), flush=True)
    return rows


def main() -> None:
    key, *seeds = sys.argv[1:] or [None]
    chosen = [lessons.BY_KEY[key]] if key else lessons.LESSONS
    kept = json.loads(OUT.read_text())["rows"] if OUT.exists() else []
    for lesson in chosen:
        for seed in map(int, seeds or [0]):
            rows = measured(lesson, seed)
            kept = [row for row in kept if (row["lesson"], row["seed"]) != (lesson.key, seed)] + rows
            machine = {"cpus": os.cpu_count(), "machine": platform.machine(), "load": os.getloadavg()}
            OUT.write_text(json.dumps({"machine": machine, "rows": kept}, indent=1) + "\n")


if __name__ == "__main__":
    main()
