"""What a CPU's allocator hands out while a kernel runs, as torch's profiler sees it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TypeVar

import torch
from torch.utils._python_dispatch import _disable_current_modes

Result = TypeVar("Result")
_ONE_AT_A_TIME = Lock()  # torch has one profiler


def most_allocated(run: Callable[[], Result]) -> tuple[Result, int]:
    """What a kernel returns, and the most bytes alive at once beyond those before it, its results among them."""
    cpu = [torch.profiler.ProfilerActivity.CPU]
    with (
        _ONE_AT_A_TIME,
        _disable_current_modes(),
        torch.profiler.profile(activities=cpu, profile_memory=True) as profile,
    ):
        result = run()
    waiting, totals = list(profile.profiler.kineto_results.experimental_event_tree()), []
    while waiting:
        event = waiting.pop()
        waiting += event.children
        if event.tag == torch._C._profiler._EventType.Allocation:
            totals.append((event.start_time_ns, event.extra_fields.total_allocated, event.extra_fields.alloc_size))
    if not totals:
        return result, 0
    _, first, size = min(totals)
    return result, max(0, max(total for _, total, _ in totals) - (first - size))
