import subprocess
import sys

import pytest

FAULTS = """
import ctypes, resource, sys, torch
from freezecore.runtime.device import keep_freed_memory

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
SIZE = 30 * 2**20

def step():
    blocks = [libc.malloc(SIZE) for _ in range(6)]
    for block in blocks:
        libc.memset(block, 1, SIZE)
    for block in blocks:
        libc.free(block)

if "keep" in sys.argv:
    keep_freed_memory(torch.device("cpu"))
for _ in range(3):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(*arguments):
    command = [sys.executable, "-c", FAULTS, *arguments]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc can be told to keep memory")
def test_what_a_step_frees_is_there_for_the_next():
    assert faults("keep") < 100 < faults()
