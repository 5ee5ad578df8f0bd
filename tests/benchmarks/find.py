"""Asks whether a search of a few minutes finds what an exhaustive sweep finds.

    python tests/benchmarks/find.py exhaustive text    # every depth and preset at every rate; goes on where it stopped
    python tests/benchmarks/find.py search text        # the search, 3 minutes
    python tests/benchmarks/find.py judge text         # both winners again on five fresh seeds

The models are `vision` and `text`; all parts write to tests/benchmarks/find.json. `exhaustive` takes one core half an
hour a model (`--seconds N` gives up earlier and leaves the rest for the next call). It runs each selection at the same
three learning rates as the search does, on one seed, then the best few on two more seeds. The search passes where it
is within two points of the winner of that, or within one standard error of the difference, whichever is larger.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import time
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev

from freezecore import FreezeSpec, ModelSource, ProbeRequest
from freezecore.runtime.search import find  # before torch: it sets how threads wait
from freezecore.runtime.search.sweep import planned
from freezecore.runtime.train.run import run as train
from freezecore.runtime.train.session import Session
from freezecore.search.find import Arm, FindRequest
from freezecore.search.measured import score_of
from freezecore.search.sweep import candidates

MODELS = {
    "vision": ("timm:tf_efficientnet_lite0", "shapes"),
    "text": ("hf:sentence-transformers/all-MiniLM-L6-v2", "docstrings"),
}
STEPS = 60
FINALISTS = 5  # of the exhaustive side, that get more seeds
MORE_SEEDS = (1, 2)
FRESH_SEEDS = range(101, 106)
POINTS = 0.02
OUT = Path(__file__).with_suffix(".json")


def base_of(name: str) -> ProbeRequest:
    model, data = MODELS[name]
    return ProbeRequest(ModelSource.parse(model, weights="pretrained"), FreezeSpec(), data=data, steps=STEPS)


def exhaustive(name: str, base: ProbeRequest, known: dict, options: argparse.Namespace) -> dict:
    """Every selection at every rate; runs that are in the file already are not made again."""
    until = time.monotonic() + options.seconds
    session = Session(base, scores_training=False)
    found = candidates(session.tree, ("depth", "presets"))
    runs = {(run["rules"], run["factor"], run["seed"]): run for run in known.get("runs", ())}
    arms = [Arm(found[at], factor) for factor in find.FACTORS for at, _ in planned(found, [0])]
    tasks = [(arm, 0) for arm in arms]
    for _ in range(2):
        for arm, seed in tasks:
            key = arm.candidate.rules, arm.factor, seed
            if key not in runs and time.monotonic() < until:
                runs[key] = one(session, base, arm, seed)
                told = {**state(list(runs.values())), "selections": len(found), "rates": len(find.FACTORS)}
                keep(name, "exhaustive", told)
        if len(runs) >= len(arms):
            best = sorted(arms, key=lambda arm: -(runs[arm.candidate.rules, arm.factor, 0]["score"] or -math.inf))
            tasks = [(arm, seed) for arm in best[:FINALISTS] for seed in MORE_SEEDS]
    session.close()
    return told_of(name)["exhaustive"]


def one(session: Session, base: ProbeRequest, arm: Arm, seed: int) -> dict:
    began = time.process_time()
    result = find.measured(session, base, arm, base.steps, seed, lambda: False)
    run = {
        "rules": arm.candidate.rules,
        "labels": arm.candidate.labels,
        "factor": arm.factor,
        "seed": seed,
        "state": result.state,
        "score": score_of(result),
        "rates": [result.learning_rate, result.head_learning_rate],
        "cpu_s": round(time.process_time() - began, 2),
    }
    print(json.dumps(run), flush=True)
    return run


def state(runs: list[dict]) -> dict:
    """What is known so far, and the best of it: by the mean over its seeds, among those with the most seeds."""
    scores: dict[tuple, list[float]] = {}
    for run in runs:
        if run["score"] is not None:
            scores.setdefault((run["rules"], *run["rates"]), []).append(run["score"])
    best = max(scores, key=lambda key: (len(scores[key]), mean(scores[key])), default=None)
    return {
        "best": best and {"rules": best[0], "rates": best[1:], "score": mean(scores[best]), "seeds": len(scores[best])},
        "cpu_s": round(sum(run["cpu_s"] for run in runs), 1),
        "runs": runs,
    }


def search(name: str, base: ProbeRequest, known: dict, options: argparse.Namespace) -> dict:
    began = time.process_time()
    found = find.run(FindRequest(base, options.minutes), heard)
    if found.best is None:
        raise SystemExit(f"{found.message} {found.hint}")
    best = found.best.to_json()
    return {
        "minutes": options.minutes,
        "seconds": found.seconds,
        "cpu_s": round(time.process_time() - began, 1),
        "tried": found.tried,
        "best": {**best, "rates": [best["learning_rate"], best["head_learning_rate"]]},
        "runner_up": found.runner_up and found.runner_up.to_json(),
        "within_noise": found.within_noise,
        "trials": [trial.to_json() for trial in found.trials],
    }


def judge(name: str, base: ProbeRequest, known: dict, options: argparse.Namespace) -> dict:
    """Both winners on fresh seeds."""
    ours, theirs = (told_of(name)[side]["best"] for side in ("search", "exhaustive"))
    session = Session(base, scores_training=False)
    fresh = {side: again(session, base, best) for side, best in (("search", ours), ("exhaustive", theirs))}
    session.close()
    a, b = fresh["exhaustive"], fresh["search"]
    error = math.sqrt((stdev(a) ** 2 + stdev(b) ** 2) / len(a))
    behind, allowed = mean(a) - mean(b), max(POINTS, error)
    rules = {"search": ours["rules"], "exhaustive": theirs["rules"]}
    told = {"rules": rules, "fresh": fresh, "behind": behind, "allowed": allowed, "passed": behind <= allowed}
    print(json.dumps(told), flush=True)
    return told


def again(session: Session, base: ProbeRequest, best: dict) -> list[float]:
    """Held-out scores of a selection on fresh seeds."""
    body, head = best["rates"]
    asked = replace(base, spec=FreezeSpec.parse(best["rules"]), learning_rate=body, head_learning_rate=head)
    return [score_of(train(session, replace(asked, seed=seed))) for seed in FRESH_SEEDS]


def heard(event: dict) -> None:
    if event["event"] == "trial":
        print(json.dumps(event), flush=True)


def told_of(name: str) -> dict:
    return json.loads(OUT.read_text()).get(name, {}) if OUT.exists() else {}


def keep(name: str, part: str, told: dict) -> None:
    """Write one part of one model; what else the file holds stays."""
    import torch

    whole = json.loads(OUT.read_text()) if OUT.exists() else {}
    here = {
        "command": f"python tests/benchmarks/find.py {part} {name}",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads",
        "load": round(os.getloadavg()[0], 1),
        "model": MODELS[name][0],
        "data": MODELS[name][1],
        "steps": STEPS,
    }
    whole.setdefault(name, {})[part] = here | told
    unfinished = OUT.with_suffix(".part")
    unfinished.write_text(json.dumps(whole, indent=1) + "\n")
    unfinished.replace(OUT)


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("exhaustive", "search", "judge"))
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("--minutes", type=float, default=3.0, help="of the search")
    parser.add_argument("--seconds", type=float, default=math.inf, help="after which `exhaustive` leaves off")
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    part = {"exhaustive": exhaustive, "search": search, "judge": judge}[options.part]
    keep(
        options.model,
        options.part,
        part(options.model, base_of(options.model), told_of(options.model).get(options.part, {}), options),
    )


if __name__ == "__main__":
    main()
