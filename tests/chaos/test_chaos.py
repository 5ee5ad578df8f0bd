"""Two minutes of chaos; `make chaos` takes five, and a seed."""

import sys

import pytest

from tests.chaos import chaos


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds the processes in /proc")
def test_two_minutes_of_chaos_lose_nothing_and_stop_nobody():
    found = chaos.run(seed=7, seconds=120)
    assert found["wrong"] == []
    assert found["faults"] > 10 and found["ended"] > 0
