"""The default probe's claims, measured on this machine, each number beside what it is compared with.

    python -m tests.benchmarks.probe            # all parts, written to tests/benchmarks/probe.json
    python -m tests.benchmarks.probe claim      # one part: claim, loop, cache or memory

claim   head alone, everything, and the head on random weights: accuracy and seconds (the README's first sentence)
loop    samples per second without the cache beside a bare PyTorch loop, Hugging Face's Trainer, Lightning and fastai,
        in turn, median of five; about 8 minutes
cache   the same steps with the frozen prefix computed once
memory  a worker's peak beside the estimate, over a handful of selections; about 2 minutes
"""

from __future__ import annotations

import copy
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch

from freezecore.probe import ProbeRequest
from freezecore.runtime.own.hold import hold
from freezecore.runtime.train.run import run, run_probe
from freezecore.runtime.train.session import Session
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from tests.benchmarks import trainers

MODEL = "timm:tf_efficientnet_lite0"
HEAD, LAST, ALL = "freeze all; train head", "freeze all; train stages:last1 head", "train all"
THREE = "freeze all; train stages:last3 head"
ROUNDS = 5
LOOP_STEPS, LOOP_SIZE = 24, 256  # whole epochs, as fastai counts
OUT = Path(__file__).with_suffix(".json")


def asked(rules: str, weights: str = "pretrained", **more) -> ProbeRequest:
    return ProbeRequest(ModelSource.parse(MODEL, weights=weights), FreezeSpec.parse(rules), **more)


def claim() -> list[dict]:
    rows = []
    for rules, weights in ((HEAD, "pretrained"), (ALL, "pretrained"), (HEAD, "random")):
        result = run_probe(asked(rules, weights), lambda event: None)
        row = {"rules": rules, "weights": weights, "trainable": result.trainable, "proof": result.proof.ok}
        for name in ("accuracy_before", "accuracy_after", "interval", "train_accuracy_after", "seconds", "step_s"):
            row[name] = getattr(result, name)
        rows.append(row | {"learning_rates": [result.learning_rate, result.head_learning_rate]})
        print(json.dumps(rows[-1]), flush=True)
    return rows


def ours(request: ProbeRequest, session: Session) -> tuple[float, float]:
    """Seconds of a probe from its start to its proof: streaming, hashing, watching and a first evaluation included."""
    marks = {}
    run(session, request, lambda event: marks.setdefault(event["event"], clocks()))
    return took(marks["start"], marks["proof"])


def clocks() -> tuple[float, float]:
    """Seconds on the wall, and of this process's threads on the processor."""
    return time.perf_counter(), time.process_time()


def took(begin: tuple[float, float], end: tuple[float, float]) -> tuple[float, float]:
    return end[0] - begin[0], end[1] - begin[1]


def loop() -> list[dict]:
    trainers.hush()
    return [loop_of(rules) for rules in (HEAD, LAST, ALL)]


def loop_of(rules: str) -> dict:
    """One selection by all, in turn, `ROUNDS` times after a first round that does not count."""
    request = asked(rules, cache=False, steps=LOOP_STEPS, train_size=LOOP_SIZE, test_size=10)
    session = Session(request)
    pictures, classes = session.train.batch(torch.arange(LOOP_SIZE))["image"], session.train.targets
    times: dict[str, list[tuple[float, float]]] = {"probe": [], **{name: [] for name in trainers.OTHERS}}
    for number in range(ROUNDS + 1):
        for name in times:
            if name == "probe":
                spent = ours(request, session)
            else:
                model = frozen_copy(session, request)
                began = clocks()
                trainers.OTHERS[name](model, pictures, classes, LOOP_STEPS if number else LOOP_SIZE // 32)
                spent = took(began, clocks())
            if number:
                times[name].append(spent)
    session.close()
    row = {"rules": rules, "steps": LOOP_STEPS}
    for name, spent in times.items():
        wall, cpu = (statistics.median(column) for column in zip(*spent, strict=True))
        mine = zip(spent, times["probe"], strict=True)
        against = [(other[0] / probe[0], other[1] / probe[1]) for other, probe in mine]
        row[name] = {
            "samples_per_s": LOOP_STEPS * 32 / wall,
            "cpu_s": cpu,
            "probe_is_times_as_fast": statistics.median(ratio[0] for ratio in against),
            "by_processor_time": statistics.median(ratio[1] for ratio in against),
        }
    print(json.dumps(row), flush=True)
    return row


def frozen_copy(session: Session, request: ProbeRequest) -> torch.nn.Module:
    """The model under the selection, its held modules in eval mode through every `train()`, as exported code does."""
    model = copy.deepcopy(session.model)
    session.masks(request)[0][1].apply_to(model)
    hold(model, session.masks(request)[0][1])
    return model


def cache() -> list[dict]:
    rows = []
    for rules in (HEAD, LAST, THREE):
        result = run_probe(asked(rules), lambda event: None)
        rows.append({"rules": rules, **vars(result.cache), "step_s": result.step_s, "accuracy": result.accuracy_after})
        print(json.dumps(rows[-1]), flush=True)
    return rows


def memory() -> list[dict]:
    """Each in a process of its own, as a worker runs it: what the allocator gave at most during one plain step."""
    rows = []
    for rules in (HEAD, LAST, THREE, "freeze all; train norms head", ALL):
        command = [sys.executable, "-m", "freezecore", "probe", MODEL, "--rules", rules, "--steps", "4", "--json"]
        sizes = ["--no-cache", "--train-size", "128", "--test-size", "64"]
        told = subprocess.run([*command, *sizes], capture_output=True, text=True, check=True).stdout
        result = json.loads(told.splitlines()[-1])
        row = {name: result[name] for name in ("trainable", "peak_bytes", "estimated_peak_bytes", "rss_bytes")}
        rows.append({"rules": rules, **row, "measured_to_estimated": row["peak_bytes"] / row["estimated_peak_bytes"]})
        print(json.dumps(rows[-1]), flush=True)
    return rows


PARTS = {"claim": claim, "loop": loop, "cache": cache, "memory": memory}


def main(parts: list[str]) -> None:
    found = json.loads(OUT.read_text()) if OUT.exists() else {}
    for part in parts or PARTS:
        load = os.getloadavg()[0]
        rows = PARTS[part]()
        found[part] = {
            "command": f"python -m tests.benchmarks.probe {part}",
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads",
            "torch": torch.__version__,
            "load_before": round(load, 1),
            "rows": rows,
        }
        OUT.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
