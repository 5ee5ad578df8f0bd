"""Spreads a sweep's runs over a Ray cluster: one process for each GPU, or for each node without any."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import freezecore
from freezecore.errors import FreezeError, ProbeError, shortened
from freezecore.probe import Emit, ProbeRequest, ProbeResult, ShouldStop
from freezecore.runtime.search.attempt import Sessions, Task
from freezecore.search.measured import Candidate
from freezecore.search.sweep import SweepRequest
from freezecore.serving.child_process import QUIET

LOOK_EVERY_S = 0.5
REACH_S = 10.0
TRIES = 2


class Runner:
    """Lives on the cluster: its sessions, and the runs that are sent to it."""

    def __init__(self, base: dict) -> None:
        self._base = ProbeRequest.from_json(base)
        self._sessions: Sessions | None = None

    def run(self, candidate: Candidate, seed: int) -> ProbeResult:
        """One run; every failure is a result."""
        try:
            self._sessions = self._sessions or Sessions(self._base)
        except FreezeError as error:
            return ProbeResult("failed", self._base.device, message=error.problem, hint=error.hint)
        return self._sessions.attempt(candidate, seed)


def spread(
    request: SweepRequest,
    found: Sequence[Candidate],
    tasks: Sequence[Task],
    note: Callable[[Task, ProbeResult], None],
    emit: Emit,
    should_stop: ShouldStop,
) -> None:
    """Make these runs on the cluster at `request.ray`; each result is noted as it arrives.

    A node that is lost costs the run that was on it one more try elsewhere.

    Raises:
        ProbeError: Ray is not installed, or no cluster answers there.
    """
    assert request.ray is not None  # whoever spreads a sweep has an address
    ray = connected(request.ray)
    try:
        runners = _runners(ray, request.base.to_json())
        emit({"event": "phase", "phase": "cluster", "runners": len(runners)})
        _share_out(ray, runners, found, list(tasks), note, should_stop)
    finally:
        ray.shutdown()


def connected(address: str):
    """The ray module, connected to a cluster.

    Raises:
        ProbeError: Ray is not installed, or no cluster answers there.
    """
    try:
        import ray
    except ImportError:
        raise ProbeError(
            "Ray is not installed, so the sweep cannot be spread over a cluster.",
            "Install it with pip install ray, or leave out --ray.",
        ) from None
    environment = {"py_modules": [str(Path(freezecore.__file__).parent)], "env_vars": QUIET}
    try:
        _check_reachable(address)
        ray.init(address=address, runtime_env=environment, log_to_driver=False, configure_logging=False)
    except (OSError, ValueError, RuntimeError) as error:
        raise ProbeError(
            f"No Ray cluster answers at '{shortened(address)}'.",
            "Start one with ray start --head, and give its address or auto.",
        ) from error
    return ray


def _check_reachable(address: str) -> None:
    """Ray itself waits for ever for a cluster that is not there. `auto` and the like name no place to try."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon:
        socket.create_connection((host, int(port)), REACH_S).close()


def _runners(ray, base: dict) -> list:
    """One runner for each GPU of the cluster; without any, one for each node, on all of its processors."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    gpus = int(ray.cluster_resources().get("GPU", 0))
    if gpus:
        return [ray.remote(num_gpus=1)(Runner).remote(base) for _ in range(gpus)]
    nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
    return [
        ray.remote(
            num_cpus=node["Resources"]["CPU"],
            scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=True),
        )(Runner).remote(base)
        for node in nodes
    ]


def _share_out(
    ray,
    runners: list,
    found: Sequence[Candidate],
    waiting: list[Task],
    note: Callable[[Task, ProbeResult], None],
    should_stop: ShouldStop,
) -> None:
    """Give each free runner the next run, until none is left."""
    free, tries = list(runners), dict.fromkeys(waiting, 0)
    busy: dict[Any, tuple[Task, Any]] = {}
    while (waiting or busy) and not should_stop():
        while waiting and free:
            task, runner = waiting.pop(0), free.pop(0)
            busy[runner.run.remote(found[task[0]], task[1])] = task, runner
        if not busy:
            raise ProbeError(
                "Every node of the Ray cluster was lost.", "Start the cluster again; finished runs are kept."
            )
        for done in ray.wait(list(busy), timeout=LOOK_EVERY_S)[0]:
            task, runner = busy.pop(done)
            try:
                result = ray.get(done)
            except ray.exceptions.RayError as error:  # the process or its node is gone, and the runner with it
                tries[task] += 1
                if tries[task] < TRIES:
                    waiting.append(task)
                else:
                    note(
                        task, ProbeResult("failed", "ray", message=f"The run was lost {TRIES} times: {_cause(error)}.")
                    )
                continue
            free.append(runner)
            note(task, result)


def _cause(error: Exception) -> str:
    return shortened(str(error).strip().partition("\n")[0].rstrip("."), 160)
