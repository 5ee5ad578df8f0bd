"""How soon the pane "Freeze, or LoRA?" answers, against ten ticks: `python -m tests.benchmarks.versus [--write]`.

For a ViT-B/16, a BERT-base, a ResNet-50 and a causal model of a billion weights in the shape of Llama 3.2 1B (shapes
alone, no weights): all that the pane asks once every step was traced, its five ways, the depth that fits in what LoRA
takes and the rank that fits in what this selection takes. `first` asks it of nothing but the traces, of which nothing
was made yet, `again` as after a tick, with a selection that was not priced before. Beside them, in the same run, ten
ticks: a box changes, the rules are found, and the selection is priced. Processor seconds, medians of `RUNS`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

from app.link import Link
from app.service import pricing
from app.service.pricing import COMPLETE, cost_of, known_cost, stage_of
from app.service.selection import ModelSelection, select, source_of, ticked
from app.service.versus import as_deep_as, rank_as_large_as, ways
from freezecore._estimate.at_rank import rank_sources

DATA = Path(__file__).parent / "versus.json"
ADAPTER, TICKS, RUNS = "lora r=8", 10, 5
LLAMA_1B = {
    "model_type": "llama", "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16,
    "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64, "vocab_size": 128256,
    "max_position_embeddings": 131072, "tie_word_embeddings": True,
}  # fmt: skip


def models(folder: Path) -> dict[str, Link]:
    """What is measured, by name; half of the blocks train."""
    llama = folder / "llama-1b.json"
    llama.write_text(json.dumps(LLAMA_1B))
    return {
        "vit_base_patch16_224": Link("timm:vit_base_patch16_224", rules="freeze embeddings; freeze blocks:0-5"),
        "bert-base": Link("config:bert", task="sequence-classification", labels=2, rules="freeze blocks:0-5"),
        "resnet50": Link("timm:resnet50", rules="freeze blocks:0-7"),
        "llama 1B": Link(f"config:{llama}", task="causal-lm", rules="freeze embeddings; freeze blocks:0-7"),
    }


def answer(selection: ModelSelection) -> dict:
    """What the pane shows."""
    rank_as_large_as.cache_clear()
    found = {way.key: way for way in ways(selection, ADAPTER)}
    peaks = {key: way.peak_bytes for key, way in found.items()}
    deep = as_deep_as(peaks["lora"], selection)
    return {"peaks": peaks, "as_deep": deep, "rank": rank_as_large_as(peaks["this"], found["lora"].link)}


def trace(selection: ModelSelection) -> float:
    """Have every step of the pane followed; the seconds that this took."""
    started = time.perf_counter()
    links = [way.link for way in ways(selection, ADAPTER) if way.mask]  # a convolutional net has no QLoRA
    lora = next(link for link in links if link.adapter)
    for link in (*links, *(replace(lora, adapter=one.adapter) for one in rank_sources(source_of(lora)).values())):
        cost_of(select(link))
    while stage_of(selection) < COMPLETE:  # the depth curve and the prices of blocks, which the page itself shows
        time.sleep(0.1)
    return time.perf_counter() - started


@contextmanager
def new_traces() -> Iterator[None]:
    """Nothing is known for now but the traces themselves, as they were written."""
    kept = dict(pricing._traces._kept), dict(pricing._estimates._kept)
    for key, one in kept[0].items():
        pricing._traces.write(key, replace(one))
    pricing._estimates._kept.clear()
    yield
    pricing._estimates._kept.update(kept[1])
    for key, one in kept[0].items():
        pricing._traces.write(key, one)


def boxes(selection: ModelSelection) -> Iterator[tuple[bool, ...]]:
    """Selections that nobody priced before, each a tick away from the one before."""
    trains = list(selection.mask.trains)
    for place in count(7, 5):
        trains[place % len(trains)] ^= True
        yield tuple(trains)


def measured(link: Link) -> dict:
    """The figures of one model."""
    selection = select(link)
    traced_s = trace(selection)
    fresh = boxes(selection)
    first, again, ticks, told = [], [], [], {}
    for _ in range(RUNS):
        with new_traces():
            seconds, told = timed(lambda: answer(selection))
        first.append(seconds)
        changed = ticked(selection, next(fresh))
        again.append(timed(lambda changed=changed: answer(changed))[0])
        ticks.append(timed(lambda: [known_cost(ticked(selection, next(fresh))) for _ in range(TICKS)])[0])
    ten, begun = statistics.median(ticks), statistics.median(first)
    return told | {
        "traced_s": round(traced_s, 1),
        "first_s": round(begun, 4),
        "again_s": round(statistics.median(again), 4),
        "ten_ticks_s": round(ten, 4),
        "ratio_first": round(begun / ten, 2),
        "ratio_again": round(statistics.median(again) / ten, 2),
    }


def timed(job) -> tuple[float, object]:
    started = time.process_time()
    told = job()
    return time.process_time() - started, told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="one model")
    parser.add_argument("--write", action="store_true", help=f"keep the figures in {DATA.name}")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["FREEZE_EXPLORER_FOLDER"] = folder
        asked = {name: link for name, link in models(Path(folder)).items() if options.only in (None, name)}
        found = {}
        for name, link in asked.items():
            found[name] = measured(link)
            print(name, json.dumps(found[name]), flush=True)
    if options.write:
        known = json.loads(DATA.read_text()) if DATA.exists() else {}
        DATA.write_text(json.dumps(known | found, indent=1) + "\n")


if __name__ == "__main__":
    main()
