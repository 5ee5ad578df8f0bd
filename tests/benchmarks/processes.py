"""Times the processes: Start to first step with a warm and a cold worker, Stop to the end, and what a worker costs.

    python -m tests.benchmarks.processes [--model timm:tf_efficientnet_lite0] [--steps 60]     about 4 minutes

Prints one JSON document and writes it to tests/benchmarks/processes.json. Runs are stored in a temporary folder.
`overhead` is the share of a whole run in a warm worker, from Start to its end, that the same run called directly in
one process does not take, with the direct run's proof (hashing and comparing) on top; three rounds, in turn.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

from freezecore import FreezeSpec, ModelSource, ProbeRequest, Workload, machine
from freezecore.serving.analyst.client import Analyst
from freezecore.serving.jobs import JobQueue
from freezecore.serving.runs import Runs
from freezecore.serving.worker import WAITING

RULES = "freeze all; train head"
LAST = "freeze all; train stages:last1 head"
ROUNDS = 3
OUT = Path(__file__).with_suffix(".json")


def until(condition, limit_s: float = 300.0) -> float:
    """Seconds until the condition holds, looked at every 5 ms."""
    began = time.perf_counter()
    while not condition():
        if time.perf_counter() - began > limit_s:
            raise TimeoutError
        time.sleep(0.005)
    return time.perf_counter() - began


def first(jobs: JobQueue, token: str, *names: str) -> bool:
    return any(event["event"] in names for event in jobs.events(token))


def timed_run(jobs: JobQueue, request: ProbeRequest) -> dict:
    """One run: seconds from Start to its first event, first step and end."""
    began = time.perf_counter()
    job = jobs.start(request, "benchmark", again=True)
    times = {}
    for name, events in (("first_event_s", ("phase",)), ("first_step_s", ("step", "result"))):
        until(lambda events=events: first(jobs, job.token, *events))
        times[name] = time.perf_counter() - began
    until(lambda: not jobs.status(job.token).live)
    result = jobs.result(job.token)
    return {**times, "end_s": time.perf_counter() - began, "run_s": result["seconds"], "state": result["state"]}


def timed_stop(jobs: JobQueue, request: ProbeRequest) -> dict:
    """Stop pressed after the first step."""
    job = jobs.start(request, "benchmark", again=True)
    until(lambda: first(jobs, job.token, "step"))
    began = time.perf_counter()
    jobs.stop(job.control)
    until(lambda: not jobs.status(job.token).live)
    result = jobs.result(job.token)
    kept = {name: result[name] is not None for name in ("accuracy_before", "loss_last", "proof")}
    return {"seconds": time.perf_counter() - began, "state": result["state"], "kept": kept}


def timed_direct(request: ProbeRequest) -> dict:
    """The same run as a call in this process, and how much of it is the proof."""
    from freezecore.runtime.train import phase
    from freezecore.runtime.train.run import run_probe

    spent = []

    def timed(method):
        def wrapped(*arguments):
            began = time.perf_counter()
            try:
                return method(*arguments)
            finally:
                spent.append(time.perf_counter() - began)

        return wrapped

    class Timed(phase.ProofCheck):
        __init__ = timed(phase.ProofCheck.__init__)
        verify = timed(phase.ProofCheck.verify)

    plain, phase.ProofCheck = phase.ProofCheck, Timed
    try:
        began = time.perf_counter()
        run_probe(request, lambda event: None)
        return {"run_s": time.perf_counter() - began, "proof_s": sum(spent)}
    finally:
        phase.ProofCheck = plain


def timed_overhead(jobs: JobQueue, request: ProbeRequest) -> dict:
    """In turn, after a direct run that does not count: it fills the caches on the disk and in the libraries."""
    timed_direct(request)
    rounds = []
    for _ in range(ROUNDS):
        direct = timed_direct(request)
        until(lambda: spare_ready(jobs))
        worker = timed_run(jobs, request)
        extra = worker["end_s"] - direct["run_s"]
        rounds.append({**direct, "worker_s": worker["end_s"], "share": (extra + direct["proof_s"]) / worker["end_s"]})
    return {"overhead": statistics.median(one["share"] for one in rounds), "rounds": rounds}


def spare_ready(jobs: JobQueue) -> bool:
    """Whether a spare has imported torch and says so in its log."""
    return any(WAITING in log.read_text() for log in jobs.runs.folder.glob("worker-*.log"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="timm:tf_efficientnet_lite0")
    parser.add_argument("--data", default="shapes")
    parser.add_argument("--steps", type=int, default=60)
    options = parser.parse_args()
    os.environ["FREEZE_EXPLORER_HOME"] = tempfile.mkdtemp()
    source = ModelSource.parse(options.model, weights="pretrained")
    request = ProbeRequest(source, FreezeSpec.parse(RULES), data=options.data, steps=options.steps)
    jobs = JobQueue(Runs(Path(tempfile.mkdtemp())))
    told = {"model": options.model, "steps": options.steps, "load": os.getloadavg()[0]}
    try:
        told["cold"] = timed_run(jobs, request)
        until(lambda: spare_ready(jobs))
        told["warm"] = timed_run(jobs, request)
        until(lambda: spare_ready(jobs))
        plain = ProbeRequest(source, FreezeSpec.parse("train all"), data=options.data, steps=1000)
        told["stop"] = timed_stop(jobs, plain)
        whole = ProbeRequest(source, FreezeSpec.parse(LAST), data=options.data, steps=options.steps, cache=False)
        told.update(timed_overhead(jobs, whole))
    finally:
        jobs.close()
    told["analyst"] = timed_analyst()
    OUT.write_text(json.dumps(told, indent=1) + "\n")
    print(json.dumps(told, indent=2))


def timed_analyst() -> dict:
    """A tree and a trace from a warm analyst, not stored before; then a tree that is remembered."""
    analyst = Analyst()
    times = {}
    try:
        began = time.perf_counter()
        analyst._warm()
        times["warm_s"] = time.perf_counter() - began
        source = ModelSource.parse("timm:resnet18")
        for name, ask in (
            ("tree_s", lambda: analyst.tree(source)),
            ("trace_s", lambda: analyst.trace(source, Workload())),
            ("remembered_s", lambda: analyst.tree(source)),
        ):
            began = time.perf_counter()
            ask()
            times[name] = time.perf_counter() - began
        status = Path(f"/proc/{analyst._process.process.pid}/status")
        if status.exists():
            times["rss_bytes"] = machine.status_bytes(str(status), "VmRSS:")
    finally:
        analyst.close()
    return times


if __name__ == "__main__":
    main()
