"""Two minutes of chaos; `make chaos` takes five, and a seed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

CHAOS = Path(__file__).with_name("chaos.py")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds the processes in /proc")
def test_two_minutes_of_chaos_lose_nothing_and_stop_nobody():
    command = [sys.executable, str(CHAOS), "--seed", "7", "--seconds", "120"]
    found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=CHAOS.parents[2]).stdout)
    assert found["wrong"] == []
    assert found["faults"] > 10 and found["done"] > 0
