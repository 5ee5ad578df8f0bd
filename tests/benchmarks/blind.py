"""Models that neither code nor tests name, opened and held against labels written from the libraries' source.

    python tests/benchmarks/blind.py               all lists of sixty; some minutes on one core
    python tests/benchmarks/blind.py --list third  one of them
    python tests/benchmarks/blind.py --only WORD   those whose name contains a word; nothing is written
    python tests/benchmarks/blind.py --draw SEED   sixty names of timm, torchvision and transformers for a new list

`blind_labels.json`, `…_2`, `…_3` and `…_4` were written before any of their models was opened: for each the blocks of
each tower, the head, and the parts of a model that takes in more than one kind of thing; `or` has what else is right,
and `why`; `refused` are models that the library itself cannot build. The names were drawn by seeds (20261130, 20261201,
20261202, 20261130400). Writes `blind.json`: for each list what was right at first sight, which stays as it was written,
and now.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(HERE))
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import zoo  # noqa: E402

from freezecore.errors import SourceError  # noqa: E402
from freezecore.tree import LayerTree  # noqa: E402

LISTS = {
    "first": "blind_labels.json",
    "second": "blind_labels_2.json",
    "third": "blind_labels_3.json",
    "fourth": "blind_labels_4.json",
}
DRAWN = {"timm": 20, "torchvision": 12, "config": 28}
NAME_ALL = {
    "freezecore/catalog.csv",
    *(f"tests/benchmarks/{name}" for name in ("zoo.csv", "zoo.json", "block_counts.json")),
}


def drawn(seed: int) -> list[str]:
    """Sources of a new list, from all names that no file of the code or the tests has, but for those that have all."""
    import timm
    import torchvision
    from transformers.models.auto.modeling_auto import MODEL_MAPPING_NAMES

    listed = subprocess.run(["git", "ls-files", "freezecore", "app", "tests"], cwd=ROOT, capture_output=True, text=True)
    files = [ROOT / name for name in listed.stdout.split() if name not in NAME_ALL]
    text = "\n".join(file.read_text(errors="ignore") for file in files if file.is_file())
    named = {word for pattern in (r"[\w.-]+", r"\w+") for word in re.findall(pattern, text)}
    every = {"timm": timm.list_models(), "torchvision": torchvision.models.list_models(), "config": MODEL_MAPPING_NAMES}
    draw = random.Random(seed)
    return [
        f"{library}:{name}"
        for library, names in every.items()
        for name in draw.sample(sorted(set(names) - named), DRAWN[library])
    ]


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
    parser.add_argument("--list", choices=LISTS)
    parser.add_argument("--draw", type=int)
    options = parser.parse_args()
    if options.draw is not None:
        print(*drawn(options.draw), sep="\n")
        return
    kept = json.loads((HERE / "blind.json").read_text())
    for name, file in LISTS.items():
        if options.list not in (None, name):
            continue
        rows = json.loads((HERE / file).read_text())
        misses = {}
        for row in rows:
            if options.only in row["source"]:
                try:
                    tree = opened(row)
                    found = ["refused"] if "refused" in row else wrong(tree, row)
                except Exception as error:
                    well = "refused" in row and isinstance(error, SourceError)
                    found = [] if well else [f"{type(error).__name__}: {error}"]
                print(row["source"], "right" if not found else f"WRONG in {found}", flush=True)
                if found:
                    misses[row["source"]] = found
        if not options.only:
            figures = {"right": len(rows) - len(misses), "of": len(rows), "misses": misses}
            kept[name] = {"at first sight": kept.get(name, {}).get("at first sight", figures), "now": figures}
            (HERE / "blind.json").write_text(json.dumps(kept, indent=1) + "\n")
            print(name, json.dumps(figures))


if __name__ == "__main__":
    main()
