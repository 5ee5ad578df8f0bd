"""Runs for a worker under test: no torch, and every way in which a real one can go wrong, chosen by `request.data`."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from freezecore.errors import DataError
from freezecore.probe import ProbeRequest, ProbeResult


def run(request: ProbeRequest, emit, should_stop) -> ProbeResult:
    if request.data == "hang":  # data that never comes
        emit({"event": "phase", "phase": "data"})
        threading.Event().wait()
    emit({"event": "start", "device": "cpu", "train_size": 300, "pid": os.getpid()})
    emit({"event": "eval", "when": "before", "done": 600, "total": 600, "accuracy": 0.1})
    emit({"event": "step", "step": 1, "loss": 2.5})
    step = 1
    match request.data:
        case "refuse":
            raise DataError("There is no data set called 'refuse'.", "Did you mean 'reuse'?")
        case "raise":
            raise RuntimeError("no kernel\nsecond line")
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "leave":
            os._exit(3)
        case "eat":
            emit({"event": "ate", "bytes": len(bytes(4 * 10**9))})
        case "nan":
            emit({"event": "step", "step": 2, "loss": float("nan")})
        case "deaf":
            time.sleep(600)
        case "stone":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            emit({"event": "ready"})
            while True:
                time.sleep(1)
        case "helper":
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            emit({"event": "helper", "helper": child.pid})
            time.sleep(600)
        case "fill":
            while not should_stop():
                step += 1
                emit({"event": "step", "step": step, "loss": 1.0, "text": "x" * 10_000})
                emit({"event": "beat"})
        case "wait":
            while not should_stop():
                time.sleep(0.01)
        case _ if Path(request.data).is_dir():  # ends when the test lets it
            while not (Path(request.data) / "go").exists():
                time.sleep(0.01)
    state = "stopped" if should_stop() else "done"
    return ProbeResult(state, "cpu", steps=step, accuracy_after=0.9, request=request.to_json())


if __name__ == "__main__":  # a server that a test kills: starts one run and says so
    from freezecore.serving.jobs import JobQueue
    from freezecore.serving.runs import Runs
    from freezecore.serving.worker_pool import WorkerPool
    from freezecore.source import ModelSource
    from freezecore.spec import FreezeSpec

    runs = Runs(Path(sys.argv[1]))
    jobs = JobQueue(
        runs,
        WorkerPool(runs.folder, 1, functions={"probe": "tests.freezecore.doubles:run"}, bare=True),
        check=lambda request: None,
    )
    tokens = [
        jobs.start(ProbeRequest(ModelSource("timm", "resnet18"), FreezeSpec(), data="wait", seed=seed), "ann").token
        for seed in (1, 2)
    ]
    while len(events := jobs.events(tokens[0])) < 3:
        time.sleep(0.01)
    print(json.dumps({"tokens": tokens, "pid": events[0]["pid"]}), flush=True)
    time.sleep(600)
