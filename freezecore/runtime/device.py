"""The device a probe runs on: which one, in which precision, and what memory it has used."""

from __future__ import annotations

import contextlib
import gc
import sys
from contextlib import AbstractContextManager

import torch

from freezecore.errors import ProbeError
from freezecore.machine import of_allocator

# glibc's options (malloc.h): blocks from here on are mapped one by one, as high as it may be set; how much it keeps
# before it gives any back; by how much it grows at a time.
M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_TOP_PAD = (-3, 32 * 2**20), (-1, 2**31 - 1), (-2, 256 * 2**20)


def choose(wanted: str = "auto") -> torch.device:
    """CUDA before Apple's MPS before the CPU, or the one that was asked for.

    Raises:
        ProbeError: this machine has no such device.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return torch.device(next(kind for kind, available in there.items() if available))
    if not there[wanted]:
        raise ProbeError(
            "This machine has no {wanted} device that torch can use.",
            "Choose {names}.",
            wanted=wanted,
            names=" or ".join(kind for kind, available in there.items() if available),
        )
    return torch.device(wanted)


def describe(device: torch.device) -> str:
    """Its name for a person: `NVIDIA T4`, `Apple GPU`, `CPU, 2 threads`."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return "Apple GPU"
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'s' if threads != 1 else ''}"


def keep_freed_memory(device: torch.device) -> None:
    """Have the allocator keep what a step frees for the next, for the rest of this process.

    Else it goes back to the system, and every page of the next step has to be set up again: a quarter of the time of
    a CPU run. Only glibc can be told.
    """
    if device.type == "cpu" and (mallopt := of_allocator("mallopt")):
        for option in (M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_TOP_PAD):
            mallopt(*option)


def half(device: torch.device) -> torch.dtype | None:
    """The short float for matrix products there: bf16 where the GPU has it in hardware, else fp16; None on the CPU."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.get_device_capability(device)[0] >= 8 else torch.float16
    return torch.float16 if device.type == "mps" else None


def autocast(device: torch.device) -> AbstractContextManager:
    """Mixed precision on a GPU, nothing on the CPU."""
    dtype = half(device)
    return torch.autocast(device.type, dtype) if dtype else contextlib.nullcontext()


def synchronize(device: torch.device) -> None:
    """Wait for queued kernels, so that a clock read next is honest."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether this is the device's or the host's memory running out."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    words = str(error).lower()
    return isinstance(error, RuntimeError) and ("out of memory" in words or "can't allocate memory" in words)


def free(device: torch.device) -> None:
    """Give a GPU's cached memory back after a run; on the CPU the allocator has done it."""
    if device.type == "cpu":
        return
    gc.collect()  # an error's traceback holds tensors in cycles; it takes 0.5 s where transformers is loaded
    if device.type == "cuda":
        torch.cuda.empty_cache()
    else:
        torch.mps.empty_cache()


def rss_bytes() -> int | None:
    """The largest resident memory of this process so far; None on Windows."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
