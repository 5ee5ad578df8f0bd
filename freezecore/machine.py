"""What this machine still has to give: memory and graphics cards, told by the system itself, without torch."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path("/")
# Of a control group's folder, in version 2 and in version 1: its limit, what it uses, and what of that is page cache
# that nobody has looked at lately, which the kernel gives up first.
MEMORY_FILES = (
    ("sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
    ("sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def of_allocator(function: str) -> Callable[..., int] | None:
    """A function of the allocator by which it is told what to keep, such as `malloc_trim`; None if not glibc's."""
    import ctypes  # absent in a browser

    return getattr(ctypes.CDLL(None), function, None) if sys.platform == "linux" else None


def free_bytes() -> int | None:
    """Memory that this process may still take: what the machine has left, or less where a container allows less.

    On systems without Linux's /proc all of the machine's memory; None where not even that is told.
    """
    known = [*_groups_left()]
    if (free := status_bytes("proc/meminfo", "MemAvailable:")) is not None:
        known.append(free)
    if known:
        return max(0, min(known))
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return None


def gpu_count() -> int:
    """NVIDIA devices of this machine, by their files; 0 where there are none or the system does not show them."""
    return len(list((ROOT / "dev").glob("nvidia[0-9]*")))


@dataclass(frozen=True, slots=True)
class Gpu:
    """A graphics card as its driver describes it: the memory that programs can use, in bytes, and what it computes."""

    name: str
    usable_bytes: int
    compute_capability: float


@cache
def gpus() -> tuple[Gpu, ...]:
    """NVIDIA cards of this machine; empty where there are none or the driver's own tool does not answer."""
    if not shutil.which("nvidia-smi"):
        return ()
    import subprocess  # absent in a browser, where there is no such tool either

    query = ["nvidia-smi", "--query-gpu=name,memory.total,memory.reserved,compute_cap", "--format=csv,noheader,nounits"]
    try:
        printed = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout
        return tuple(_gpu(line) for line in printed.splitlines() if line.strip())
    except (OSError, subprocess.SubprocessError, ValueError):
        return ()


def _gpu(line: str) -> Gpu:
    name, total, reserved, capability = (part.strip() for part in line.rsplit(",", 3))
    return Gpu(name, (int(total) - int(reserved)) * 2**20, float(capability))


def status_bytes(file: str, label: str, unit: int = 1024) -> int | None:
    """The value of a line in one of Linux's status files, in bytes; None where there is no such file or line."""
    with contextlib.suppress(OSError), open(ROOT / file) as opened:
        for line in opened:
            if line.startswith(label):
                return int(line.split()[1]) * unit
    return None


def _groups_left() -> Iterator[int]:
    """What each control group around this process has left below its limit; groups without a limit are left out."""
    for base, limit, used, cached in MEMORY_FILES:
        for folder in (Path(base), *_own_groups(base)):
            with contextlib.suppress(OSError, ValueError):  # no such group, or "max": no limit
                left = int((ROOT / folder / limit).read_text()) - int((ROOT / folder / used).read_text())
                yield left + (status_bytes(str(folder / "memory.stat"), cached, 1) or 0)


def _own_groups(base: str) -> Iterator[Path]:
    """Folders of this process's own control group and of those above it, below the root of the hierarchy."""
    wanted = "memory" if base.endswith("memory") else ""  # the one hierarchy of version 2 names no controllers
    with contextlib.suppress(OSError):
        for line in (ROOT / "proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if wanted in controllers.split(","):
                group = Path(base, path.strip("/"))
                yield from (each for each in (group, *group.parents) if Path(base) in each.parents)
