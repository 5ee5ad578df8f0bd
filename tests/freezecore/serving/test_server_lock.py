"""Server locks: a server that runs is told from one that died, from any thread and process."""

import subprocess
import sys
import threading

import pytest

from freezecore.serving.child_process import ROOT
from freezecore.serving.server_lock import ServerLock

OTHER = """
import sys
from pathlib import Path
from freezecore.serving.server_lock import ServerLock
lock = ServerLock(Path(sys.argv[1]))
print(lock.name, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path):
    server = subprocess.Popen(
        [sys.executable, "-c", OTHER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True
    )
    yield server
    server.kill()
    server.wait()
    server.stdin.close()
    server.stdout.close()


def test_a_server_that_runs_holds_its_lock_until_it_dies(tmp_path, other):
    lock, name = ServerLock(tmp_path), other.stdout.readline().strip()
    assert lock.is_held(lock.name) and lock.is_held(name)
    other.kill()
    other.wait()
    assert not lock.is_held(name)
    assert [file.name for file in tmp_path.iterdir()] == [lock.name]


def test_a_new_server_removes_the_locks_of_dead_ones(tmp_path, other):
    name = other.stdout.readline().strip()
    (tmp_path / "dead").touch()
    lock = ServerLock(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {lock.name, name}


def test_a_lock_outlives_the_thread_that_took_it(tmp_path):
    taken = []
    thread = threading.Thread(target=lambda: taken.append(ServerLock(tmp_path)))
    thread.start()
    thread.join()
    assert ServerLock(tmp_path).is_held(taken[0].name)


def test_a_server_that_never_was_is_not_running(tmp_path):
    assert not ServerLock(tmp_path).is_held("dead")
    assert len(list(tmp_path.iterdir())) <= 1
