"""What one plain step takes: its time, and the allocator's peak; measured on steps that leave no trace."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from freezecore.live.device import synchronize
from freezecore.live.prefix.verify import steady

os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # the profiler tells every start and stop on standard error


class Peak:
    """The allocator's peak during one step; `bytes` is None where it cannot be had."""

    bytes: int | None = None


@contextmanager
def peak_of(model: nn.Module, optimizer: torch.optim.Optimizer, device: torch.device) -> Iterator[Peak]:
    """Measures the step inside: weights, buffers, optimizer state and all that the step allocates beside them.

    On CUDA the allocator keeps the peak. On the CPU each allocation is an event of torch's profiler, and the peak
    is the largest running sum; the C++ allocator's own caches and the libraries' workspaces are not in it.
    """
    peak = Peak()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        yield peak
        peak.bytes = torch.cuda.max_memory_allocated(device)
    elif device.type == "cpu":
        standing = _bytes_of([*model.parameters(), *model.buffers(), *_state(optimizer)])
        activities = [torch.profiler.ProfilerActivity.CPU]
        with torch.profiler.profile(activities=activities, profile_memory=True, acc_events=True) as profile:
            yield peak
        peak.bytes = standing + _largest_sum(profile)
    else:
        yield peak


def _largest_sum(profile: torch.profiler.profile) -> int:
    events = [e for e in profile.profiler.kineto_results.events() if e.name() == "[memory]"]
    now = most = 0
    for event in sorted(events, key=lambda e: e.start_ns()):
        now += event.nbytes()
        most = max(most, now)
    return most


def _state(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [t for of in optimizer.state.values() for t in of.values() if isinstance(t, Tensor)]


def _bytes_of(tensors: list[Tensor]) -> int:
    """Bytes of the storages behind these tensors, each once."""
    return sum({t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}.values())


@dataclass(frozen=True)
class PlainStep:
    """One step without the cached prefix: its time, and its peak where the device tells."""

    step_s: float
    peak_bytes: int | None


def measure_plain_step(
    model: nn.Module, make_optimizer: Callable[[], torch.optim.Optimizer], loss: Callable[[], Tensor], device
) -> PlainStep:
    """Two whole steps whose changes are undone: the first makes the optimizer's state and is timed, the second is
    watched for memory (which would distort the time)."""
    trainable = [p for p in model.parameters() if p.requires_grad]
    before = [p.detach().clone() for p in trainable]
    optimizer = make_optimizer()
    with steady(model):
        try:
            synchronize(device)
            at = time.perf_counter()
            _step(optimizer, loss)
            synchronize(device)
            step_s = time.perf_counter() - at
            optimizer.zero_grad(set_to_none=True)
            with peak_of(model, optimizer, device) as peak:
                _step(optimizer, loss)
        finally:
            with torch.no_grad():
                for parameter, old in zip(trainable, before, strict=True):
                    parameter.copy_(old)
                    parameter.grad = None
    return PlainStep(step_s, peak.bytes)


def _step(optimizer: torch.optim.Optimizer, loss: Callable[[], Tensor]) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss().backward()
    optimizer.step()
