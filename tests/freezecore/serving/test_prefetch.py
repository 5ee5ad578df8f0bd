"""Prefetching, in real processes: what is traced then is there for all, and nobody waits for it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from freezecore import machine
from freezecore.cache import store, traces, trees
from freezecore.serving import child_process, prefetch
from freezecore.source import ModelSource
from freezecore.workload import Workload

SMALL = ModelSource.parse("timm:lcnet_035"), Workload()
UNKNOWN = ModelSource.parse("timm:no_such_model"), Workload()
ENDS_WITHIN_S = 300  # a ceiling for a machine that is shared


@pytest.fixture(autouse=True)
def _own_home(tmp_path, monkeypatch):
    monkeypatch.setenv(store.HOME_VARIABLE, str(tmp_path))


@pytest.fixture
def hurried(monkeypatch):
    """The child takes its share of the processor: going last, it would wait for all other tests."""
    code = "from freezecore.serving import child_process as c, prefetch as p; c.yield_to_others = int; p.main()"
    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda command, **more: popen([*command[:-2], "-c", code], **more))


@pytest.mark.usefixtures("hurried")
def test_what_was_prefetched_is_there_for_everyone_whatever_came_before(tmp_path):
    child = prefetch.start([UNKNOWN, SMALL])
    assert child.wait(ENDS_WITHIN_S) == 0
    child_process.close(child)
    assert trees.stored(SMALL[0]).total
    assert not traces.stored(*SMALL).problem
    assert "no_such_model" in (tmp_path / "prefetch.log").read_text()


def test_it_is_not_begun_where_memory_is_short(monkeypatch):
    monkeypatch.setattr(machine, "free_bytes", lambda: prefetch.FREE_BYTES - 1)
    assert prefetch.start([SMALL]) is None


def test_it_lets_every_other_process_go_first():
    told = "import os; from freezecore.serving.child_process import yield_to_others as y; y(); print(os.nice(0))"
    told += "; print(os.sched_getscheduler(0) == os.SCHED_IDLE)" if hasattr(os, "SCHED_IDLE") else "; print(True)"
    groups = Path("/proc/self/autogroup").exists()
    told += "; print(open('/proc/self/autogroup').read().split()[-1])" if groups else "; print(19)"
    ran = subprocess.run(
        [sys.executable, "-c", told], capture_output=True, text=True, check=True, start_new_session=True
    )
    assert ran.stdout.split() == ["19", "True", "19"]
