"""What the lessons' runs measured where it was recorded, and the layers that the lessons draw; `record` writes both."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path

from app.link import Link
from app.service.lessons import Lesson
from app.service.selection import source_of
from freezecore.tree import LayerTree

RESULTS = Path(__file__).with_name("recorded.json")
TREES = Path(__file__).with_name("recorded_trees.json.gz")


def key_of(link: Link) -> str:
    """What names a model with everything that changes its layers."""
    return " ".join(str(part) for part in (source_of(link), link.task, link.labels, link.adapter) if part)


@cache
def results() -> dict[str, dict]:
    """By lesson: when and where it was measured, and `runs`, what each came to."""
    return json.loads(RESULTS.read_text(encoding="utf-8"))


def of_lesson(lesson: Lesson) -> list[dict]:
    """What its runs came to, in their order, as a server gives it."""
    runs = results()[lesson.key]["runs"]
    return [{**runs[run.name], "per_sample": [int(one) for one in runs[run.name]["per_sample"]]} for run in lesson.runs]


@cache
def _trees() -> dict[str, dict]:
    return json.loads(gzip.decompress(TREES.read_bytes()))


@cache
def tree_of(link: Link) -> LayerTree:
    """The layers of a lesson's model."""
    return LayerTree.from_json(_trees()[key_of(link)])
