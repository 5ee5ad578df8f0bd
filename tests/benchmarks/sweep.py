"""Times a sweep of all depths and presets against the same runs one by one without shared or stored prefixes.

    python -m tests.benchmarks.sweep [--model timm:tf_efficientnet_lite0] [--steps 60] [--every 1] [--out sweep.json]

Prints one JSON document: seconds of both, their ratio, and each selection's accuracies, which should be equal but
for rounding. Both are made in one process, on as many threads.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import asdict, replace
from pathlib import Path

from freezecore import FreezeSpec, ModelSource, ProbeRequest
from freezecore.live import probe
from freezecore.live.sweep import run
from freezecore.search.sweep import SweepRequest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="timm:tf_efficientnet_lite0")
    parser.add_argument("--data", default="shapes")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--every", type=int, default=1, help="measure only every so many selections one by one")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    source = ModelSource.parse(options.model, weights="pretrained")
    base = ProbeRequest(source, FreezeSpec(), data=options.data, steps=options.steps)
    load = os.getloadavg()[0]
    swept = run(SweepRequest(base), lambda event: tell(event) if event["event"] == "run" else None)
    alone = []
    for entry in swept.runs[:: options.every]:
        began = time.perf_counter()
        result = probe.run(replace(base, spec=FreezeSpec.parse(entry.rules), cache=False), lambda event: None)
        alone.append(
            {
                "rules": entry.rules,
                "shared_s": entry.seconds,
                "alone_s": time.perf_counter() - began,
                "shared_accuracy": entry.accuracy_after,
                "alone_accuracy": result.accuracy_after,
            }
        )
        tell(alone[-1])
    told = {
        "model": options.model,
        "steps": options.steps,
        "load": load,
        "sweep_s": swept.seconds,
        "selections": len(swept.runs),
        "compared": len(alone),
        "ratio": sum(row["shared_s"] for row in alone) / sum(row["alone_s"] for row in alone),
        "alone": alone,
        "sweep": asdict(swept),
    }
    text = json.dumps(told, indent=2)
    print(text if not options.out else json.dumps({key: told[key] for key in list(told)[:7]}, indent=2))
    if options.out:
        options.out.write_text(text)


def tell(row: dict) -> None:
    print(json.dumps({k: row[k] for k in row if k not in ("event", "labels", "message")}), flush=True)


if __name__ == "__main__":
    main()
