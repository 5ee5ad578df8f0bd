"""Times a sweep of all depths and presets against the same runs without shared prefixes.

    python tests/benchmarks/sweep.py                # the default model, about eight minutes on two cores
    python tests/benchmarks/sweep.py --every 1      # each selection also alone, not every third: twice as long

Writes tests/benchmarks/sweep.json. The same runs are made in two ways that share nothing of the frozen part:

    ratio_in_one_session_*  against runs with the cache off, one after another on one loaded model
    ratio_*                 against probes of their own: each loads the model, reads the data and scores the first
                            weights too (measured once, added to each)

By processor time and by the clock; other work on the machine disturbs the first less. The two ways are compared on
every third selection, in the sweep's own order; what the shared runs cost includes what they capture for others.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from dataclasses import dataclass, field
from pathlib import Path

from freezecore import FreezeSpec, ModelSource, ProbeRequest
from freezecore.runtime.search.attempt import attempted, request_for  # before torch: it sets how threads wait
from freezecore.runtime.search.sweep import planned, run
from freezecore.runtime.train.session import Session
from freezecore.search.sweep import SweepRequest, candidates

OUT = Path(__file__).with_suffix(".json")
TIMES = ("cpu_s", "wall_s")


@dataclass
class Clock:
    """Processor time and time by the clock since the last look."""

    at: tuple[float, float] = field(default_factory=lambda: (time.process_time(), time.perf_counter()))

    def lap(self) -> dict[str, float]:
        before, self.at = self.at, (time.process_time(), time.perf_counter())
        return {"cpu_s": self.at[0] - before[0], "wall_s": self.at[1] - before[1]}


def shared(base: ProbeRequest) -> dict[str, dict]:
    """Each run of a sweep, by its rules."""
    clock, scored, rows = Clock(), Scored(), {}

    def hear(event: dict) -> None:
        scored(event)
        if event["event"] == "plan":
            clock.lap()
        if event["event"] == "run":
            rows[event["rules"]] = {**less(clock.lap(), scored.reset()), "accuracy": event["accuracy_after"]}
            tell("shared", event["rules"], rows[event["rules"]])

    run(SweepRequest(base), hear)
    return rows


def alone(base: ProbeRequest, every: int) -> tuple[dict, dict[str, dict]]:
    """What each probe of its own does first, and the runs without a cache, by their rules."""
    clock = Clock()
    session = Session(base, scores_training=False)
    first = {"session": clock.lap()}
    found = candidates(session.tree, ("depth", "presets"))
    scored = Scored()
    rows = {}
    for at, _ in planned(found, [base.seed])[::every]:
        clock.lap()
        result = attempted(session, request_for(session, base, found[at], base.seed, cache=False), scored)
        rows[found[at].rules] = {**clock.lap(), "accuracy": result.accuracy_after}
        took = scored.reset()  # the first weights are scored once a session, in its first run
        first.setdefault("before", took)
        rows[found[at].rules] |= less(rows[found[at].rules], took)
        tell("alone", found[at].rules, rows[found[at].rules])
    session.close()
    return first, rows


class Scored:
    """Hears how long the scoring of the first weights takes: from the step before it to its last batch."""

    def __init__(self) -> None:
        self.clock, self.took = Clock(), dict.fromkeys(TIMES, 0.0)

    def __call__(self, event: dict) -> None:
        lap = self.clock.lap()
        if event["event"] == "eval" and event["when"] == "before":
            self.took = {name: self.took[name] + lap[name] for name in TIMES}

    def reset(self) -> dict[str, float]:
        took, self.took = self.took, dict.fromkeys(TIMES, 0.0)
        return took


def less(row: dict[str, float], took: dict[str, float]) -> dict[str, float]:
    """Both times of a row without what the scoring took."""
    return {name: row[name] - took[name] for name in TIMES}


def tell(way: str, rules: str, row: dict) -> None:
    print(f"{way:6}  {row['cpu_s']:7.1f} s cpu  {row['wall_s']:7.1f} s  {row['accuracy']:.3f}  {rules}", flush=True)


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="timm:tf_efficientnet_lite0")
    parser.add_argument("--data", default="shapes")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--every", type=int, default=3, help="run every so many selections alone")
    options = parser.parse_args()
    source = ModelSource.parse(options.model, weights="pretrained")
    base = ProbeRequest(source, FreezeSpec(), data=options.data, steps=options.steps)
    load = os.getloadavg()[0]
    swept = shared(base)
    first, single = alone(base, options.every)
    told = {
        "command": "python tests/benchmarks/sweep.py",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads",
        "torch": torch.__version__,
        "load_before": round(load, 1),
        "model": options.model,
        "steps": options.steps,
        "selections": len(swept),
        "compared": len(single),
    }
    for clock in TIMES:
        here = sum(swept[rules][clock] for rules in single)
        there = sum(row[clock] for row in single.values())
        once = sum(part[clock] for part in first.values())  # a sweep does it once, a probe of its own each time
        ratio = (here + once * len(single) / len(swept)) / (there + once * len(single))
        told |= {f"ratio_{clock[:-2]}": ratio, f"ratio_in_one_session_{clock[:-2]}": here / there}
    told |= {"first": first, "shared": swept, "alone": single}
    OUT.write_text(json.dumps(told, indent=1) + "\n")
    print(json.dumps({key: value for key, value in told.items() if not isinstance(value, dict)}, indent=1))


if __name__ == "__main__":
    main()
