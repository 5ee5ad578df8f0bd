"""Compare the blocks that the layer map counts with what each transformers configuration says of itself.

    python tests/benchmarks/block_counts.py --seconds 800     a part of the model types; call again to go on
    python tests/benchmarks/block_counts.py --only xlm        those whose name contains a word; nothing is written

Each type is built from its default configuration on the meta device, as in `zoo.py`. The judge is the configuration's
own JSON and nothing of ours: whatever it calls `num_hidden_layers`, `encoder_layers`, `depths` and so on has to be the
number of blocks of a tower, or of all; and the number of a tower's blocks has to stand somewhere in it, or be a sum of
stages that does. Writes `block_counts.json`: what agrees, and every type that does not, with both numbers.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import zoo  # noqa: E402

SAID = (
    "num_hidden_layers", "n_layer", "n_layers", "num_layers", "encoder_layers", "decoder_layers", "num_decoder_layers",
    "num_encoder_layers", "depth", "depths", "num_encoder_blocks", "num_blocks",
)  # fmt: skip
RESULTS = HERE / "block_counts.json"


def counted(text: str) -> dict:
    """The blocks of each tower, and all numbers of layers, depths and blocks in the configuration."""
    import torch

    from freezecore.runtime.build.source import build
    from freezecore.runtime.tree.read import read_module
    from freezecore.source import ModelSource

    torch.set_num_threads(1)
    built = build(ModelSource.parse(text))
    tree = read_module(built.model, text, own=True)
    said = dict(numbers(json.loads(built.model.config.to_json_string(use_diff=False))))
    return {"order": tree.order, "towers": {tower.path: len(tower.blocks) for tower in tree.towers}, "said": said}


def numbers(config: dict, prefix: str = ""):
    """Whole numbers, and lists of such, whose name speaks of layers, depths or blocks."""
    for name, value in config.items():
        if isinstance(value, dict):
            yield from numbers(value, f"{prefix}{name}.")
        elif any(word in name for word in ("layer", "depth", "block")):
            listed = value if isinstance(value, list) else [value]
            if listed and all(isinstance(one, int) and not isinstance(one, bool) for one in listed):
                yield prefix + name, value


def disagreement(row: dict) -> dict:
    """Towers of which the configuration has no such number, and numbers of its that no tower has; empty if none."""
    totals = {name: sum(value) if isinstance(value, list) else value for name, value in row["said"].items()}
    towers = row["towers"]
    known = {*totals.values(), *(len(value) for value in row["said"].values() if isinstance(value, list))}
    found = {*towers.values(), sum(towers.values())}
    ours = {path: count for path, count in towers.items() if count not in known}
    theirs = {n: count for n, count in totals.items() if n.rpartition(".")[2] in SAID and count and count not in found}
    return {key: value for key, value in (("ours", ours), ("theirs", theirs)) if value}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="")
    parser.add_argument("--seconds", type=float, default=6 * 3600)
    options = parser.parse_args()
    zoo.opened = counted
    names = [(source, family) for source, family in zoo.everything() if source.startswith("config:")]
    done = json.loads(RESULTS.read_text())["rows"] if RESULTS.is_file() and not options.only else {}
    end = time.monotonic() + options.seconds
    for source, _ in names:
        if source not in done and options.only in source and time.monotonic() < end:
            row = zoo.in_a_process(source)
            done[source] = row if "problem" in row else {k: row[k] for k in ("order", "towers")} | disagreement(row)
            print(source, json.dumps(done[source]), flush=True)
    if not options.only:
        counts = {"types": len(names), "opened": sum("problem" not in row for row in done.values()), "tried": len(done)}
        counts["agree"] = sum(not {"problem", "ours", "theirs"} & set(row) for row in done.values())
        RESULTS.write_text(json.dumps(counts | {"rows": done}, indent=1) + "\n")


if __name__ == "__main__":
    main()
