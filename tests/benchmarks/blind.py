"""Sixty models that neither code nor tests name, opened and held against labels written from the libraries' source.

    python tests/benchmarks/blind.py               all of them; some minutes on one core
    python tests/benchmarks/blind.py --only WORD   those whose name contains a word; nothing is written

`blind_labels.json` was written before any of them was opened: for each the blocks of each tower, the head, and the
parts of a model that takes in more than one kind of thing; `or` has what else is right, and `why`. The names were drawn
by a seed (20261130) from timm's, torchvision's and transformers' lists. Writes `blind.json`: what is right, what not.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent))
sys.path.insert(0, str(HERE))
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import zoo  # noqa: E402

from freezecore.tree import LayerTree  # noqa: E402


def wrong(tree: LayerTree, row: dict) -> list[str]:
    """Which of parts, blocks and head differ from a label and from each of its alternatives."""

    def under(text: str) -> frozenset[int]:
        return frozenset(i for path in zoo.expanded(text) for i in tree.under(path))

    def blocks(texts) -> set:
        return {tuple(frozenset(tree.under(path)) for path in _each(text)) for text in texts}

    labels = [row, *row.get("or", ())]
    ours = {tuple(frozenset(tree.under(path)) for path in tower.blocks) for tower in tree.towers if tower.blocks}
    parts = {part.name: frozenset(tree.under_each(part.paths)) for part in tree.parts if part.name != "other"}
    right = {
        "blocks": any(ours == blocks(each["blocks"]) for each in labels if "blocks" in each),
        "head": any(frozenset(tree.under_each(tree.head)) == under(each["head"]) for each in labels if "head" in each),
        "parts": any(
            parts == {name: under(text) for name, text in each.get("parts", {}).items()}
            for each in labels
            if each is row or "parts" in each
        ),
    }
    return [part for part, well in right.items() if not well]


def _each(text: str):
    """Paths of a text in which a word may hold several ranges."""
    for word in text.split():
        words = [word]
        while any("{" in each for each in words):
            words = [path for each in words for path in zoo.expanded(each)]
        yield from words


def opened(row: dict) -> LayerTree:
    """The tree of a label's model, built without weights."""
    from freezecore.runtime.build.source import build
    from freezecore.runtime.tree.read import read_module
    from freezecore.source import ModelSource

    return read_module(build(ModelSource.parse(row["source"], task=row.get("task"))).model, row["source"], own=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    misses = {}
    rows = json.loads((HERE / "blind_labels.json").read_text())
    for row in rows:
        if options.only in row["source"]:
            try:
                found = wrong(opened(row), row)
            except Exception as error:
                found = [f"{type(error).__name__}: {error}"]
            print(row["source"], "right" if not found else f"WRONG in {found}", flush=True)
            if found:
                misses[row["source"]] = found
    if not options.only:
        summary = {"right": len(rows) - len(misses), "of": len(rows), "misses": misses}
        (HERE / "blind.json").write_text(json.dumps(summary, indent=1) + "\n")
        print(json.dumps(summary))


if __name__ == "__main__":
    main()
