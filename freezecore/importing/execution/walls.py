"""The second wall: what the process that runs a script gives up before it does, so that an escape leads nowhere."""

from __future__ import annotations

import contextlib
import sys

CPU_S = 3
MEMORY = 768 * 2**20
ALLOWED = ("sys._getframe", "compile", "exec", "object.__", "code.__new__", "builtins.id", "marshal.")


def raise_walls() -> list[str]:
    """Limit and close what the system lets a process close of itself; the names of the walls that stand."""
    for name in ("resource", "_ctypes", "array", "struct"):
        with contextlib.suppress(ImportError):
            __import__(name)  # before nothing can be opened any more
    stands = [name for name, wall in (("network", network), ("limits", limits), ("seccomp", seccomp)) if _stands(wall)]
    sys.path.clear()
    sys.meta_path.clear()
    sys.addaudithook(_audit)
    return [*stands, "audit"]


def _stands(wall) -> bool:
    with contextlib.suppress(ImportError, OSError, ValueError, AttributeError):
        return wall()
    return False


def limits() -> bool:
    """Processor time, memory, processes, files: POSIX only."""
    import resource

    wanted = {"RLIMIT_CPU": CPU_S, "RLIMIT_AS": MEMORY, "RLIMIT_NPROC": 0, "RLIMIT_FSIZE": 0, "RLIMIT_CORE": 0,
              "RLIMIT_NOFILE": 3}  # fmt: skip
    for name, most in wanted.items():
        resource.setrlimit(getattr(resource, name), (most, most))
    return True


def network() -> bool:
    """A network of its own, without any device: Linux, where namespaces are allowed."""
    return sys.platform == "linux" and _call("unshare", 0x10000000 | 0x40000000) == 0


def seccomp() -> bool:
    """Linux on x86-64 and arm64: no system call but those that compute, read, write and end."""
    import array
    import os
    import struct

    if sys.platform != "linux":
        return False
    numbers = {"x86_64": (0xC000003E, X86), "aarch64": (0xC00000B7, ARM)}.get(os.uname().machine)
    if numbers is None or _call("prctl", 38, 1, 0, 0, 0) != 0:
        return False
    architecture, calls = numbers
    rows = [(0x20, 0, 0, 4), (0x15, 1, 0, architecture), (0x06, 0, 0, 0x80000000), (0x20, 0, 0, 0)]
    for at, number in enumerate(calls):
        rows.append((0x15, len(calls) - at, 0, number))
    rows += [(0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7FFF0000)]
    program = array.array("B", b"".join(struct.pack("HBBI", *row) for row in rows))
    head = struct.pack("HxxxxxxQ", len(rows), program.buffer_info()[0])
    return _call("prctl", 22, 2, head) == 0


def _call(name: str, *arguments) -> int:
    """A function of the C library, without ctypes, whose import takes longer than the script."""
    import _ctypes

    return _ctypes.call_function(_ctypes.dlsym(_ctypes.dlopen(None, 0), name), arguments)


def _audit(event: str, arguments) -> None:
    if not event.startswith(ALLOWED):
        raise PermissionError(f"'{event}' is not allowed here")


# read write close fstat lseek mmap mprotect munmap brk rt_sigaction rt_sigprocmask rt_sigreturn mremap madvise getpid
# exit sigaltstack futex sched_yield clock_gettime exit_group getrandom
X86 = (0, 1, 3, 5, 8, 9, 10, 11, 12, 13, 14, 15, 25, 28, 39, 60, 131, 202, 24, 228, 231, 318)
ARM = (63, 64, 57, 80, 62, 222, 226, 215, 214, 134, 135, 139, 216, 233, 172, 93, 132, 98, 124, 113, 94, 278)
