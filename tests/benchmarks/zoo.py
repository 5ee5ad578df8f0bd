"""Open every timm architecture and every transformers model type, and measure what the layer map finds.

    python tests/benchmarks/zoo.py                    the 60 with expectations, then the whole zoo; an hour on two cores
    python tests/benchmarks/zoo.py --expectations     the 60 alone
    python tests/benchmarks/zoo.py --seconds 800      a part of it; call again to go on where it stopped
    python tests/benchmarks/zoo.py --only resnet      those whose name contains a word; nothing is written

Writes `zoo.csv` (a line for each architecture), `zoo.json` (the figures, with every miss by name) beside itself, and
`freezecore/catalog.csv`. Each architecture is opened on the meta device in a process of its own, forked from one that
has imported the libraries, with limits of time and memory. The libraries' own heads are the truth for the probes: the
names that vanish when timm builds without classes, or transformers the bare base.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import hashlib
import json
import os
import re
import resource
import signal
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from freezecore import catalog  # noqa: E402
from freezecore._presets import presets  # noqa: E402
from freezecore._resolve import resolve  # noqa: E402
from freezecore.errors import FreezeError, shortened  # noqa: E402
from freezecore.rules.grammar import parse_spec  # noqa: E402
from freezecore.source import ModelSource  # noqa: E402
from freezecore.tree import LayerTree  # noqa: E402

MOST_SECONDS = 90
MOST_BYTES = 5 * 2**30  # beyond what the libraries took to import
COLUMNS = (
    "source", "family", "task", "parameters", "tensors", "seconds", "order", "towers", "stages", "blocks", "embeddings",
    "head", "partition", "probe", "problem",
)  # fmt: skip
HEADED = ("sequence-classification", "image-classification", "audio-classification", "causal-lm", "seq2seq-lm")


def opened(text: str) -> dict:
    """One architecture's line: how it opens, and with a head where the library has one for it."""
    import torch

    from freezecore.runtime.build.source import build
    from freezecore.runtime.tree.read import read_module

    torch.set_num_threads(1)
    started = time.perf_counter()
    source = ModelSource.parse(text)
    built = build(source)
    bare = {name for name, _ in built.model.named_parameters()}
    parameters = sum(p.numel() for p in built.model.parameters())
    if source.scheme == "config":
        for task in HEADED:
            with contextlib.suppress(FreezeError):
                started = time.perf_counter()
                source = source.with_(task=task)
                built = build(source)
                break
            source = source.with_(task=None)
    tree = read_module(built.model, text, new=built.new, own=True)
    seconds = time.perf_counter() - started
    return {
        "task": source.task or "",
        "parameters": parameters,
        "tensors": len(tree.parameters),
        "seconds": round(seconds, 2),
        "order": tree.order,
        "towers": len(tree.towers),
        "stages": sum(len(tower.stages) for tower in tree.towers),
        "blocks": len(tree.blocks),
        "embeddings": sum(p.kind in ("embedding", "stem") for p in tree.parameters),
        "head": len(tree.head),
        "partition": int(partitions(tree, built.model)),
        "probe": probes(tree, true_head(source, built.model, bare)),
    }


def partitions(tree: LayerTree, model) -> bool:
    """The tree's leaves are the model's parameters: each once, under all of its names."""
    tensors = dict(model.named_parameters(remove_duplicate=False))
    names = [name for parameter in tree.parameters for name in parameter.names]
    distinct = {id(tensor) for tensor in tensors.values()}
    leaves = {id(tensors[parameter.name]) for parameter in tree.parameters}
    return sorted(names) == sorted(tensors) and leaves == distinct and len(tree.parameters) == len(distinct)


def true_head(source: ModelSource, model, bare: set[str]) -> set[str] | None:
    """Names that the library leaves out without a head; None where it cannot be asked."""
    import timm
    import torch

    names = {name for name, _ in model.named_parameters()}
    if source.scheme == "config":
        if source.task is None:
            return None
        prefix = model.base_model_prefix + "."
        return {n for n in names if n not in bare and n.removeprefix(prefix) not in bare}
    with contextlib.suppress(Exception), torch.device("meta"):  # whatever an architecture without classes raises
        return names - {name for name, _ in timm.create_model(source.name, num_classes=0).named_parameters()}
    return None


def probes(tree: LayerTree, truth: set[str] | None) -> str:
    """`yes` where the linear probe trains exactly the true head, `no`, or nothing where there is no head."""
    if not truth:
        return ""
    offered = {preset.key: preset.rules for preset in presets(tree)}
    if "linear-probe" not in offered:
        return "no"
    mask = resolve(parse_spec(offered["linear-probe"]), tree)
    return "yes" if set(mask.names()) == truth else "no"


def in_a_process(text: str) -> dict:
    """`opened` in a forked child, ended when it takes too long; what goes wrong is the line's `problem`."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (used + MOST_BYTES, resource.RLIM_INFINITY))
        signal.alarm(MOST_SECONDS)
        try:
            answer = opened(text)
        except FreezeError as error:
            answer = {"problem": error.problem}
        except BaseException as error:  # the boundary of the process: the parent reads it as a problem
            answer = {"problem": f"{type(error).__name__}: {shortened(str(error), 160)}"}
        os.write(writer, json.dumps(answer).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        answer = pipe.read()
    _, status = os.waitpid(child, 0)
    if answer:
        return json.loads(answer)
    ended = "it took too long" if os.WTERMSIG(status) == signal.SIGALRM else f"the process died ({status})"
    return {"problem": f"{ended}, after {MOST_SECONDS} s at most"}


def everything() -> list[tuple[str, str]]:
    """Source and family of all architectures."""

    from freezecore.runtime.build.library import listed
    from freezecore.runtime.tree import read  # noqa: F401  imported once, before the processes are forked

    return [(model.source, model.family) for model in listed()]


def sweep(names: list[tuple[str, str]], done: dict[str, dict], seconds: float) -> Iterator[dict]:
    """Lines of all that are done, in an order without pattern: a part of the sweep is a fair sample."""
    end = time.monotonic() + seconds
    for source, family in sorted(names, key=lambda name: hashlib.sha256(name[0].encode()).digest()):
        if source in done:
            yield done[source]
        elif time.monotonic() < end:
            line = {"source": source, "family": family, **in_a_process(source)}
            print(line["source"], line.get("seconds"), line.get("problem", ""), flush=True)
            yield line


def figures(lines: list[dict], total: int) -> dict:
    """The summary: shares, times, and every miss by name."""
    made = {"opened": f"{sum(not line['problem'] for line in lines)} of {total}"}
    for library, prefix in (("timm", "timm:"), ("transformers", "config:")):
        mine = [line for line in lines if line["source"].startswith(prefix)]
        good = [line for line in mine if not line["problem"]]
        times = sorted(float(line["seconds"]) for line in good)
        headed = [line for line in good if line["probe"]]
        made[library] = {
            "architectures": len(mine),
            "opened": len(good),
            "open_s_median": statistics.median(times) if times else None,
            "open_s_worst": max(times, default=None),
            "executed": sum(line["order"] == "executed" for line in good),
            "blocks_found": sum(int(line["blocks"]) > 0 for line in good),
            "embeddings_or_stem_found": sum(int(line["embeddings"]) > 0 for line in good),
            "with_a_head": len(headed),
            "probe_trains_exactly_the_head": sum(line["probe"] == "yes" for line in headed),
            "leaves_are_the_parameters": sum(line["partition"] in (1, "1") for line in good),
            "misses": {
                "no blocks": _names(good, lambda line: int(line["blocks"]) == 0),
                "no embeddings or stem": _names(good, lambda line: int(line["embeddings"]) == 0),
                "probe is not the head": _names(headed, lambda line: line["probe"] == "no"),
                "order by definition": _names(good, lambda line: line["order"] == "defined"),
                "leaves differ": _names(good, lambda line: line["partition"] not in (1, "1")),
            },
            "cannot be built": {line["source"]: line["problem"] for line in mine if line["problem"]},
        }
    return made


def _names(lines: list[dict], wrong) -> list[str]:
    return [line["source"] for line in lines if wrong(line)]


def expectations() -> dict:
    """The hand-written list: how many are right in blocks, embeddings and head together, and what is wrong."""
    from freezecore.runtime.build.source import build
    from freezecore.runtime.tree.read import read_module

    misses, rows = {}, json.loads((HERE / "zoo_expectations.json").read_text())
    for row in rows:
        source = ModelSource.parse(row["source"], task=row["task"])
        tree = read_module(build(source).model, row["source"], own=True)
        wrong = [part for part, right in compared(tree, row).items() if not right]
        print(row["source"], "right" if not wrong else f"WRONG in {wrong}", flush=True)
        if wrong:
            misses[row["source"]] = wrong
    return {"right": len(rows) - len(misses), "of": len(rows), "misses": misses}


def compared(tree: LayerTree, row: dict) -> dict[str, bool]:
    """Whether blocks (each, in order, by tower), embeddings and head hold the expected parameters."""

    def under(paths) -> frozenset[int]:
        return frozenset(i for path in paths for i in tree.under(path))

    blocks = {tuple(under([path]) for path in expanded(text)) for text in row["blocks"]}
    front = under(path for tower in tree.towers for path in (*tower.embeddings, *tower.stem))
    return {
        "blocks": blocks == {tuple(under([path]) for path in tower.blocks) for tower in tree.towers if tower.blocks},
        "embeddings": front == under(expanded(row["embeddings"])),
        "head": under(tree.head) == under(expanded(row["head"])),
    }


def expanded(text: str) -> Iterator[str]:
    """Paths of a text such as `stem layer1.{0-2}`."""
    for word in text.split():
        if found := re.search(r"\{(\d+)-(\d+)\}", word):
            for number in range(int(found[1]), int(found[2]) + 1):
                yield word[: found.start()] + str(number) + word[found.end() :]
        else:
            yield word


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--expectations", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--seconds", type=float, default=6 * 3600)
    options = parser.parse_args()
    summary = json.loads((HERE / "zoo.json").read_text()) if (HERE / "zoo.json").is_file() else {}
    if options.expectations or (not options.only and "expectations" not in summary):
        summary["expectations"] = expectations()
    if not options.expectations:
        names = [each for each in everything() if options.only in each[0]]
        done = {} if options.only else read_lines()
        rank = {source: at for at, (source, _) in enumerate(names)}
        lines = [{column: line.get(column, "") for column in COLUMNS} for line in sweep(names, done, options.seconds)]
        lines.sort(key=lambda line: rank[line["source"]])
        summary |= figures(lines, len(names))
        if not options.only:
            write(lines, complete=len(lines) == len(names))
    print(json.dumps(summary, indent=1))
    if not options.only:
        (HERE / "zoo.json").write_text(json.dumps(summary, indent=1) + "\n")


def read_lines() -> dict[str, dict]:
    """Lines of an earlier part with the same library versions."""
    file = HERE / "zoo.csv"
    if not file.is_file():
        return {}
    with file.open(newline="") as lines:
        return {row["source"]: row for row in csv.DictReader(lines)} if next(lines).strip() == catalog.heading() else {}


def write(lines: list[dict], complete: bool) -> None:
    """The lines; and the catalog, once nothing is missing from it."""
    files = {HERE / "zoo.csv": COLUMNS}
    if complete:
        files[catalog.FILE] = ("source", "family", "parameters")
    for file, columns in files.items():
        with file.open("w", newline="") as out:
            out.write(catalog.heading() + "\n")
            writer = csv.DictWriter(out, columns, extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows(lines)


if __name__ == "__main__":
    main()
