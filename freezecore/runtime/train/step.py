"""Where a batch becomes a step: its loss is computed and goes back, and what trains changes; and what that takes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import profiler


class LossNotFinite(Exception):
    """The loss is not a number, or infinite; nothing was changed."""


def training_step(
    loss: Callable[[Tensor], Tensor],
    batch: Tensor,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler | None = None,
) -> float:
    """Forward, backward, and the optimizer's change, where no gradients are left from before; returns the loss.

    Args:
        loss: runs the forward pass on such a batch and gives its mean loss, a scalar.
        batch: as `loss` takes it; in a probe the positions of the samples, of shape (batch size,).
        scaler: of gradients in fp16.

    Raises:
        LossNotFinite: before any parameter was changed.
    """
    found = loss(batch)
    value = float(found.detach())
    if not math.isfinite(value):
        raise LossNotFinite
    if scaler:
        scaler.scale(found).backward()
        scaler.step(optimizer)
        scaler.update()
    else:
        found.backward()
        optimizer.step()
    return value


@dataclass
class PlainStep:
    """One step without the kept prefix: its time, and its peak where the device tells; None until they are measured."""

    step_s: float | None = None
    peak_bytes: int | None = None


class Peak:
    """The allocator's peak during one step; `bytes` is None where it cannot be had."""

    bytes: int | None = None


@contextmanager
def peak_of(model: nn.Module, optimizer: torch.optim.Optimizer, device: torch.device) -> Iterator[Peak]:
    """Measures the step inside: weights, buffers, optimizer state and all that the step allocates beside them.

    On CUDA the allocator keeps the peak. On the CPU each allocation is an event of torch's profiler, and the peak
    is the largest running sum; the C++ allocator's own caches and the libraries' workspaces are not in it. The
    profiler's own front, `torch.profiler`, makes an object of each event: that takes as long as the step does.
    """
    peak = Peak()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        yield peak
        peak.bytes = torch.cuda.max_memory_allocated(device)
    elif device.type == "cpu":
        standing = bytes_of([*model.parameters(), *model.buffers(), *_state(optimizer)])
        with profiler.profile(use_kineto=True, profile_memory=True) as profile:
            yield peak
        peak.bytes = standing + _largest_sum(profile)
    else:
        yield peak


def _largest_sum(profile: profiler.profile) -> int:
    results: Any = profile.kineto_results  # there once the profile has ended
    events = [e for e in results.events() if e.name() == "[memory]"]
    now = most = 0
    for event in sorted(events, key=lambda e: e.start_ns()):
        now += event.nbytes()
        most = max(most, now)
    return most


def _state(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [t for of in optimizer.state.values() for t in of.values() if isinstance(t, Tensor)]


def bytes_of(tensors: list[Tensor]) -> int:
    """Bytes of the storages behind these tensors, each once."""
    return sum({t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}.values())
