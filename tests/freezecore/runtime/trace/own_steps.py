"""A step of a model of one's own: what it is estimated to take when some of its parameters train, and what it takes."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from freezecore._estimate.cost import AnyEstimate, estimate_names
from freezecore._trace import Trace
from freezecore.runtime.inputs.own import own_batch
from freezecore.workload import Workload
from tests.benchmarks.memory_truth import Step, on_cpu

WORKLOAD = Workload(implementation="loop")
STRAY = 512  # bytes: a loss or a counter more or less


def estimated(trace: Trace, trains: set[str]) -> AnyEstimate:
    """What the step takes when these parameters train."""
    return estimate_names(trace, [p for p in trace.parameters if p.name in trains], ())


def taken(build: Callable[[], nn.Module], batch: object, trace: Trace, trains: set[str]) -> int:
    """Bytes at the peak of the same step, by the CPU's real allocator."""
    return on_cpu(build(), trains, (), trace.workload, own_batch(batch, build())[1], False).peak_bytes


def optimizer_state(build: Callable[[], nn.Module], batch: object, trace: Trace, trains: set[str]) -> int:
    """Bytes of what the real optimizer keeps after it."""
    step = Step(build(), trains, (), trace.workload, False)
    step.load(own_batch(batch, build())[1])
    step.run()
    return sum(t.nbytes for entry in step.optimizer.state.values() for t in entry.values())
