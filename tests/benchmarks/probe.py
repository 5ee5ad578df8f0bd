"""The default probe's claims, measured on this machine, each number beside what it is compared with.

    python tests/benchmarks/probe.py            # all parts, written to tests/benchmarks/probe.json
    python tests/benchmarks/probe.py claim      # one part: claim, loop or cache

claim   head alone, everything, and the head on random weights: accuracy and seconds (the README's first sentence)
loop    samples per second without the cache beside a bare PyTorch loop, in turn, median of five
cache   the same steps with the frozen prefix computed once
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path

import torch

from freezecore.live.probe import run
from freezecore.live.session import Session
from freezecore.probe import ProbeRequest
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec

MODEL = "timm:tf_efficientnet_lite0"
HEAD, LAST, ALL = "freeze all; train head", "freeze all; train stages:last1 head", "train all"
ROUNDS = 5
OUT = Path(__file__).with_suffix(".json")


def asked(rules: str, weights: str = "pretrained", **more) -> ProbeRequest:
    return ProbeRequest(ModelSource.parse(MODEL, weights=weights), FreezeSpec.parse(rules), **more)


def claim() -> list[dict]:
    rows = []
    for rules, weights in ((HEAD, "pretrained"), (ALL, "pretrained"), (HEAD, "random")):
        result = run(asked(rules, weights), lambda event: None)
        row = {"rules": rules, "weights": weights, "trainable": result.trainable, "proof": result.proof.ok}
        for name in ("accuracy_before", "accuracy_after", "interval", "train_accuracy_after", "seconds", "step_s"):
            row[name] = getattr(result, name)
        rows.append(row | {"learning_rates": [result.learning_rate, result.head_learning_rate]})
        print(json.dumps(rows[-1]), flush=True)
    return rows


def bare(session: Session, request: ProbeRequest) -> float:
    """Samples per second of the loop that a person would write."""
    model, data = session.model, session.train
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=1e-3)
    order = torch.randperm(len(data))
    began = time.perf_counter()
    model.train()
    for step in range(request.steps):
        rows = order[(step * 32) % 256 :][:32]
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(data.forward(rows), data.targets[rows])
        loss.backward()
        optimizer.step()
        loss.item()
    return request.steps * 32 / (time.perf_counter() - began)


def whole(session: Session, request: ProbeRequest) -> float:
    """Samples per second of a probe from its start to its proof, streaming, hashing and watching included."""
    marks = {}
    session.run(request, lambda event: marks.setdefault(event["event"], time.perf_counter()))
    return request.steps * 32 / (marks["proof"] - marks["start"])


def loop() -> list[dict]:
    rows = []
    for rules in (HEAD, LAST, ALL):
        request = asked(rules, cache=False, steps=24, train_size=288, test_size=10)
        session = Session(request)
        session.run(request)
        pairs = []
        for _ in range(ROUNDS):
            probe = whole(session, request)
            mask = session.masks(request)[0][1]
            mask.apply_to(session.model)
            pairs.append((probe, bare(session, request)))
        ratio = statistics.median(probe / plain for probe, plain in pairs)
        best = [statistics.median(column) for column in zip(*pairs, strict=True)]
        rows.append({"rules": rules, "probe": best[0], "bare": best[1], "ratio": ratio, "rounds": pairs})
        print(json.dumps(rows[-1]), flush=True)
    return rows


def cache() -> list[dict]:
    rows = []
    for rules in (HEAD, LAST, "freeze all; train stages:last3 head"):
        result = run(asked(rules), lambda event: None)
        rows.append({"rules": rules, **vars(result.cache), "step_s": result.step_s, "accuracy": result.accuracy_after})
        print(json.dumps(rows[-1]), flush=True)
    return rows


def main(parts: list[str]) -> None:
    found = json.loads(OUT.read_text()) if OUT.exists() else {}
    for part in parts or ["claim", "loop", "cache"]:
        load = os.getloadavg()[0]
        rows = {"claim": claim, "loop": loop, "cache": cache}[part]()
        found[part] = {
            "command": f"python tests/benchmarks/probe.py {part}",
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads",
            "torch": torch.__version__,
            "load_before": round(load, 1),
            "rows": rows,
        }
        OUT.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
