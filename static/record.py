"""Measures every run of every lesson, as a visitor's click starts it on a server: `python -m static.record [LESSON…]`.

The page without a server shows these measurements where a reader's browser cannot make them. `recorded.json` holds
them with the date and the machine, `recorded_trees.json.gz` the layers that the lessons draw. Each run has a process
of its own, as on a server, so that no run's memory is another's.
"""

from __future__ import annotations

import gzip
import json
import os
import platform
import sys
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from multiprocessing import get_context
from pathlib import Path

from app.service import lessons, run_events
from app.service.lessons import Lesson
from app.service.selection import source_of
from freezecore.cache import whole_file
from freezecore.cache.keys import versions
from freezecore.statistics import median_interval
from static.lessons import MOST_SAMPLES
from static.recorded import RESULTS, TREES, key_of

KEPT = (
    "state", "accuracy_before", "accuracy_after", "interval", "train_accuracy_after", "trainable", "step_s", "seconds",
    "peak_bytes", "learning_rate", "head_learning_rate", "device", "test_size",
)  # fmt: skip
DIGITS = 5


def measured(key: str, place: int) -> dict:
    """What one run comes to: what the lessons show, which held-out samples it got right, and its steps' spread."""
    from freezecore.runtime.train.run import run_probe

    events: list[dict] = []
    lesson = lessons.BY_KEY[key]
    result = run_probe(lesson.request(lesson.runs[place]), events.append).to_json()
    found = {name: _short(result[name]) for name in KEPT}
    found["step_interval"] = _short(median_interval(run_events.step_times(events)))
    found["proof"] = {"buffers": result["proof"]["buffers"]} if result["proof"] else None
    found["per_sample"] = "".join(str(int(score)) for score in result["per_sample"])
    return found


def _short(value):
    if isinstance(value, list | tuple):
        return [_short(one) for one in value]
    return round(value, DIGITS) if isinstance(value, float) else value


def trees() -> dict:
    """The layers of every model in the lessons, by what names it."""
    from freezecore.api import read_tree

    links = {key_of(link): link for lesson in lessons.LESSONS for link in lesson.links}
    return {key: read_tree(source_of(link)).to_json() for key, link in links.items()}


def samples(lesson: Lesson) -> list[list[str]]:
    """Some of the texts that a lesson tells apart, each with its class; pictures are cut from the sheet of a site."""
    from freezecore.runtime.data.preview import preview

    found = preview(lesson.request(lesson.runs[0])).samples[:MOST_SAMPLES]
    return [[one.text, one.target] for one in found if one.text]


def record(lesson: Lesson) -> dict:
    """One lesson's runs in turn, with when and where."""
    cpu = next((line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), platform.machine())  # fmt: skip
    about = {"when": date.today().isoformat(), "cpu": cpu, "cores": os.cpu_count(), "load": round(os.getloadavg()[0])}
    about["versions"] = {
        name: number for name, number in versions().items() if name in ("torch", "timm", "transformers")
    }
    about["samples"] = samples(lesson)
    runs = {}
    for place, run in enumerate(lesson.runs):
        with ProcessPoolExecutor(1, get_context("spawn")) as alone:
            runs[run.name] = alone.submit(measured, lesson.key, place).result()
        print(lesson.key, run.name, {name: runs[run.name][name] for name in KEPT[:4]}, flush=True)
    return {**about, "runs": runs}


def main() -> None:
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    packed = json.dumps(trees(), separators=(",", ":")).encode()
    whole_file.write(TREES, gzip.compress(packed, 9, mtime=0))
    for lesson in [lessons.BY_KEY[key] for key in sys.argv[1:]] or lessons.LESSONS:
        kept[lesson.key] = record(lesson)
        ordered = {key: kept[key] for key in lessons.BY_KEY if key in kept}
        whole_file.write(RESULTS, (json.dumps(ordered, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
