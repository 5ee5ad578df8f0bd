"""Asks whether a search of a few minutes finds what an exhaustive sweep finds.

    python -m tests.benchmarks.find [--model timm:tf_efficientnet_lite0] [--data shapes] [--minutes 3] [--out find.json]

Both winners are trained again on five fresh seeds; the search passes where it is within two points, or within one
standard error of the difference, whichever is larger. Prints one JSON document.
"""

from __future__ import annotations

import argparse
import json
import math
import os
from dataclasses import asdict, replace
from pathlib import Path
from statistics import mean, stdev

from freezecore import FreezeSpec, ModelSource, ProbeRequest
from freezecore.live import find, sweep
from freezecore.live.session import Session
from freezecore.search.find import FindRequest
from freezecore.search.sweep import SweepRequest

FRESH_SEEDS = range(101, 106)
POINTS = 0.02


def again(base: ProbeRequest, rules: str, rates: tuple[float | None, float | None]) -> list[float]:
    """Held-out accuracies of a selection on fresh seeds."""
    session = Session(base)
    asked = replace(base, spec=FreezeSpec.parse(rules), learning_rate=rates[0], head_learning_rate=rates[1])
    accuracies = [session.run(replace(asked, seed=seed)).accuracy_after for seed in FRESH_SEEDS]
    session.close()
    return accuracies


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="timm:tf_efficientnet_lite0")
    parser.add_argument("--data", default="shapes")
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    source = ModelSource.parse(options.model, weights="pretrained")
    base = ProbeRequest(source, FreezeSpec(), data=options.data, steps=options.steps)
    load = os.getloadavg()[0]
    found = find.run(FindRequest(base, options.minutes), heard)
    swept = sweep.run(SweepRequest(base), heard)
    best = swept.runs[swept.best]
    ours = again(base, found.best.rules, (found.best.learning_rate, found.best.head_learning_rate))
    theirs = again(base, best.rules, (None, None))
    error = math.sqrt((stdev(ours) ** 2 + stdev(theirs) ** 2) / len(ours))
    told = {
        "model": options.model,
        "data": options.data,
        "load": load,
        "search": {"rules": found.best.rules, "seconds": found.seconds, "tried": found.tried, "fresh": ours},
        "sweep": {"rules": best.rules, "seconds": swept.seconds, "selections": len(swept.runs), "fresh": theirs},
        "difference": mean(theirs) - mean(ours),
        "allowed": max(POINTS, error),
        "passed": mean(theirs) - mean(ours) <= max(POINTS, error),
    }
    print(json.dumps(told, indent=2))
    if options.out:
        trials = [asdict(trial) for trial in found.trials]
        options.out.write_text(
            json.dumps({**told, "trials": trials, "runs": [e.to_json() for e in swept.runs]}, indent=2)
        )


def heard(event: dict) -> None:
    if event["event"] in ("trial", "run"):
        kept = ("rules", "factor", "steps", "seed", "state", "accuracy_after", "done", "total", "seconds")
        print(json.dumps({key: event[key] for key in kept if key in event}), flush=True)


if __name__ == "__main__":
    main()
