import subprocess
import sys

import pytest

FAULTS = """
import resource, sys, torch
from freezecore.live.device import keep_freed_memory

def step():
    kept = [torch.ones(4_000_000) for _ in range(8)]  # 128 MB, made and freed again

if "keep" in sys.argv:
    keep_freed_memory(torch.device("cpu"))
for _ in range(3):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(*arguments):
    command = [sys.executable, "-c", FAULTS, *arguments]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc can be told to keep memory")
def test_what_a_step_frees_is_there_for_the_next():
    assert faults("keep") < 1_000 < faults()
