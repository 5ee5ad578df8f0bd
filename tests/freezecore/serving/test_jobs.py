"""Jobs: a queue that is fair, answers equal requests once, stops in time and survives every kind of death."""

import json
import os
import resource
import signal
import subprocess
import sys
import time

import pytest

from freezecore.errors import DataError, ProbeError
from freezecore.probe import ProbeRequest
from freezecore.serving import child_process
from freezecore.serving.access import check_request
from freezecore.serving.jobs import JobQueue, Limits
from freezecore.serving.runs import Runs
from freezecore.serving.worker_pool import WorkerPool
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec

SOURCE = ModelSource("timm", "resnet18")


def asked(data: object = "quick", seed: int = 0, **fields) -> ProbeRequest:
    return ProbeRequest(SOURCE, FreezeSpec(), data=str(data), seed=seed, **fields)


def anything(request: object) -> None:
    """Every request passes."""


def until(condition, limit_s: float = 20):
    """What the condition gives as soon as it is true."""
    deadline = time.monotonic() + limit_s
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come to that in time"
        time.sleep(0.01)
    return found


@pytest.fixture
def open_jobs(tmp_path):
    opened = []

    def open_(limits=None, slots=1, check=anything, **fields) -> JobQueue:
        runs = Runs(tmp_path / "runs")
        functions = {"probe": "tests.freezecore.doubles:run"}
        opened.append(
            JobQueue(runs, WorkerPool(runs.folder, slots, functions=functions, bare=True, **fields), limits, check)
        )
        return opened[-1]

    yield open_
    for jobs in opened:
        jobs.close()


@pytest.fixture
def jobs(open_jobs):
    return open_jobs()


def ended(jobs: JobQueue, token: str) -> dict:
    until(lambda: not jobs.status(token).live)
    return jobs.result(token)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    with open(f"/proc/{pid}/stat") as stat:  # a zombie whose parent was killed has ended too
        return stat.read().rpartition(")")[2].split()[0] == "Z"


def test_a_run_is_queued_carried_out_and_stored(jobs):
    job = jobs.start(asked(), "ann")
    result = ended(jobs, job.token)
    assert (result["state"], result["steps"], result["accuracy_after"]) == ("done", 1, 0.9)
    assert jobs.status(job.token).state == "done"
    assert [event["event"] for event in jobs.events(job.token)] == ["start", "eval", "step", "result"]
    stored = jobs.runs.find(job.token)
    assert (stored.owner, stored.state, stored.curve[-1]["event"]) == ("ann", "done", "result")
    assert stored.created <= stored.started <= stored.ended


def test_a_request_for_a_file_of_the_server_is_refused(open_jobs):
    jobs = open_jobs(check=check_request)
    with pytest.raises(DataError, match="This server does not open '/etc' on its own disk."):
        jobs.start(asked("/etc"), "ann")


def test_the_same_request_is_answered_from_the_stored_run(jobs):
    assert not jobs.is_answered(asked())
    first = jobs.start(asked(), "ann")
    ended(jobs, first.token)
    assert jobs.is_answered(asked()) and not jobs.is_answered(asked(seed=1))
    second = jobs.start(asked(), "bob")
    assert (second.token, second.control) == (first.token, None)
    assert second.stored == jobs.runs.find(first.token).ended
    assert jobs.start(asked(seed=1), "bob").stored is None
    assert jobs.start(asked(), "bob", again=True).token != first.token


def test_what_is_measured_again_joins_nobody_elses_run(jobs):
    first = jobs.start(asked("wait"), "ann")
    own = jobs.start(asked("wait"), "bob", again=True)
    assert own.token != first.token and not own.joined
    assert jobs.start(asked("wait"), "bob", again=True).token == own.token
    for job in (first, own):
        jobs.stop(job.control)


def test_equal_requests_of_a_class_join_one_run_that_ends_when_the_last_has_left(jobs):
    students = [jobs.start(asked("wait"), f"student {i}") for i in range(30)]
    assert len({job.token for job in students}) == 1
    assert [job.joined for job in students] == [False] + [True] * 29
    assert jobs.start(asked("wait"), "student 3") == students[3].__class__(
        students[3].token, students[3].control, joined=True
    )
    assert [jobs.stop(job.control) for job in students] == [False] * 29 + [True]
    assert ended(jobs, students[0].token)["state"] == "stopped"


@pytest.mark.parametrize(
    ("data", "state", "message"),
    [
        ("refuse", "failed", "There is no data set called 'refuse'."),
        ("raise", "failed", "The run failed unexpectedly (RuntimeError: no kernel)."),
        ("die", "failed", "The run's process was killed (SIGKILL); what was measured until then is kept."),
        ("leave", "failed", "The run's process ended with code 3; what was measured until then is kept."),
    ],
)
def test_a_run_that_fails_says_so_in_a_sentence_and_keeps_what_it_measured(jobs, data, state, message):
    result = ended(jobs, jobs.start(asked(data), "ann").token)
    assert (result["state"], result["message"]) == (state, message)
    assert (result["accuracy_before"], result["steps"], result["loss_first"]) == (0.1, 1, 2.5)
    assert ended(jobs, jobs.start(asked(), "ann").token)["state"] == "done"  # the queue goes on


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="only Linux holds a process to its memory")
def test_host_memory_that_runs_out_ends_the_run_not_the_server(open_jobs):
    jobs = open_jobs(memory_bytes=10**9)
    result = ended(jobs, jobs.start(asked("eat"), "ann").token)
    assert (result["state"], result["steps"]) == ("out-of-memory", 1)
    assert result["message"] == "The run needed more memory than was left of its 1 GB."


def test_a_loss_that_is_no_number_is_null_in_the_record(jobs):
    job = jobs.start(asked("nan"), "ann")
    ended(jobs, job.token)
    assert [event["loss"] for event in jobs.events(job.token) if event["event"] == "step"] == [2.5, None]


@pytest.mark.parametrize("data", ["wait", "deaf", "stone"])
def test_stop_ends_a_run_within_three_seconds_and_keeps_what_it_measured(jobs, data):
    job = jobs.start(asked(data), "ann")
    until(lambda: len(jobs.events(job.token)) >= (4 if data == "stone" else 3))
    began = time.monotonic()
    assert jobs.stop(job.control)
    result = ended(jobs, job.token)
    assert time.monotonic() - began < 3
    assert (result["state"], result["accuracy_before"], result["steps"]) == ("stopped", 0.1, 1) or data == "wait"
    assert result["state"] == "stopped"


def test_data_that_never_comes_is_stopped_by_a_person_or_by_the_limit(open_jobs):
    jobs = open_jobs(Limits(longest_s=4))
    job = jobs.start(asked("hang"), "ann")
    until(lambda: jobs.events(job.token))
    began = time.monotonic()
    jobs.stop(job.control)
    assert ended(jobs, job.token)["state"] == "stopped"
    assert time.monotonic() - began < 3
    forgotten = ended(jobs, jobs.start(asked("hang", 1), "bob").token)
    assert (forgotten["state"], forgotten["message"]) == ("stopped", "Stopped because it took longer than 4 s.")


def test_stop_reaches_a_run_at_any_moment(jobs):
    for seed in range(5):  # at once, while the worker starts, and while it runs
        job = jobs.start(asked("wait", seed), "ann")
        if seed > 1:
            until(lambda job=job, seed=seed: len(jobs.events(job.token)) > (seed - 2) // 2)
        jobs.stop(job.control)
        assert ended(jobs, job.token)["state"] == "stopped"


def test_a_helper_that_a_run_started_ends_with_it(jobs):
    job = jobs.start(asked("helper"), "ann")
    helper = until(lambda: [event["helper"] for event in jobs.events(job.token) if event["event"] == "helper"])[0]
    jobs.stop(job.control)
    ended(jobs, job.token)
    until(lambda: gone(helper))


def test_a_run_that_waits_is_stopped_at_once(jobs):
    jobs.start(asked("wait"), "ann")
    waiting = jobs.start(asked("wait", 1), "bob")
    assert jobs.status(waiting.token).position == 1
    jobs.stop(waiting.control)
    assert jobs.result(waiting.token)["message"] == "Stopped before it began."


def test_people_take_turns(jobs, tmp_path):
    gate = tmp_path / "gate"
    gate.mkdir()
    running = jobs.start(asked(gate), "ann")
    second = jobs.start(asked(gate, 1), "ann")
    other = jobs.start(asked(gate, 2), "bob")
    assert [jobs.status(job.token).position for job in (running, second, other)] == [None, 2, 1]
    (gate / "go").touch()
    for job in (running, second, other):
        ended(jobs, job.token)
    starts = {job.token: jobs.runs.find(job.token).started for job in (running, other, second)}
    assert list(starts.values()) == sorted(starts.values())


def test_the_waiting_time_is_told_from_what_was_measured(jobs, tmp_path):
    first = jobs.start(asked("wait"), "ann")
    waiting = jobs.start(asked("wait", 1), "bob")
    assert jobs.status(waiting.token).waits_s is None  # nothing was ever measured here
    jobs.stop(first.control)
    jobs.stop(waiting.control)
    ended(jobs, first.token)
    ended(jobs, waiting.token)
    ended(jobs, jobs.start(asked(), "ann").token)
    assert jobs.expected_s(asked(seed=9)) == pytest.approx(jobs.expected_s(asked()))
    jobs.start(asked("wait", 2), "ann")
    waiting = jobs.start(asked("wait", 3), "bob")
    assert 0 <= jobs.status(waiting.token).waits_s <= jobs.expected_s(asked())


def test_one_person_and_everybody_have_a_limit(open_jobs):
    jobs = open_jobs(Limits(per_owner=2, most=3))
    jobs.start(asked("wait"), "ann")
    jobs.start(asked("wait", 1), "ann")
    with pytest.raises(ProbeError, match="You already have 2 runs waiting or running. Wait for one to end"):
        jobs.start(asked("wait", 2), "ann")
    jobs.start(asked("wait", 2), "bob")
    with pytest.raises(ProbeError, match="3 runs are waiting already."):
        jobs.start(asked("wait", 3), "cid")


def test_a_run_that_nobody_watches_makes_way_for_those_who_wait(open_jobs):
    jobs = open_jobs(Limits(unwatched_s=0.5))
    abandoned = jobs.start(asked("wait"), "ann")
    next_ = jobs.start(asked(), "bob")
    assert ended(jobs, next_.token)["state"] == "done"
    assert jobs.result(abandoned.token)["state"] == "stopped"


def test_a_run_that_takes_too_long_ends(open_jobs):
    jobs = open_jobs(Limits(longest_s=0.5))
    result = ended(jobs, jobs.start(asked("deaf"), "ann").token)
    assert result["state"] == "stopped"


def test_two_slots_run_two_at_a_time(open_jobs):
    jobs = open_jobs(slots=2)
    tokens = [jobs.start(asked("wait", seed), f"person {seed}").token for seed in range(3)]
    assert [jobs.status(token).state for token in tokens] == ["running", "running", "queued"]


def test_a_spare_worker_that_was_killed_is_replaced(jobs):
    jobs.warm()
    spare = jobs._pool._spare.process
    os.kill(spare.pid, signal.SIGKILL)
    spare.wait()
    assert ended(jobs, jobs.start(asked(), "ann").token)["state"] == "done"


def test_only_the_control_token_stops_a_run(jobs):
    job = jobs.start(asked("wait"), "ann")
    jobs.stop(job.token)
    assert jobs.status(job.token).live
    with pytest.raises(ProbeError, match="There is no run 'strange'."):
        jobs.status("strange")


def test_a_full_disk_ends_a_run_with_a_result(jobs, monkeypatch):
    monkeypatch.setattr(child_process, "start", limited_to(200_000))
    result = ended(jobs, jobs.start(asked("fill"), "ann").token)
    assert result["state"] in ("stopped", "failed")
    assert result["message"] == "The disk is full, so the run ended early; what was measured until then is kept."
    assert result["steps"] > 10


def test_a_process_that_cannot_be_started_is_a_sentence(jobs, monkeypatch):
    def full(*arguments, **fields):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(child_process, "start", full)
    result = ended(jobs, jobs.start(asked(), "ann").token)
    assert (result["state"], result["hint"]) == ("failed", "Make room on the disk.")
    assert result["message"] == "The run's process could not be started: No space left on device."


def limited_to(size: int):
    """A way to start processes that cannot write a file longer than this."""
    start = child_process.start

    def start_limited(*arguments, **fields):
        child = start(*arguments, **fields)
        resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (size, size))
        return child

    return start_limited


def test_a_store_that_cannot_be_written_loses_no_result(jobs, monkeypatch):
    job = jobs.start(asked("wait"), "ann")
    until(lambda: len(jobs.events(job.token)) >= 3)

    def full(run):
        raise ProbeError("The disk is full.")

    monkeypatch.setattr(jobs.runs, "store_end", full)
    jobs.stop(job.control)
    assert ended(jobs, job.token)["state"] == "stopped"
    assert jobs.status(job.token).state == "stopped"


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_killed_server_takes_its_worker_along_and_its_runs_are_marked_at_the_next_start(tmp_path):
    folder = tmp_path / "runs"
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.freezecore.doubles", str(folder)], stdout=subprocess.PIPE, cwd=child_process.ROOT
    )
    told = json.loads(server.stdout.readline())
    assert Runs(folder).recover() == 0  # a second server leaves a living one's runs alone
    server.kill()
    server.wait()
    server.stdout.close()
    until(lambda: gone(told["pid"]))
    running, queued = (Runs(folder).find(token) for token in told["tokens"])
    assert (running.state, queued.state) == ("interrupted", "interrupted")
    assert running.result["message"] == "The server ended before this run did; what was measured until then is kept."
    assert (running.result["accuracy_before"], running.result["steps"]) == (0.1, 1)
    assert queued.result["message"] == "The server ended before this run began."


def test_closing_stops_everything_and_refuses_nothing_measured(jobs):
    first, second = jobs.start(asked("wait"), "ann"), jobs.start(asked("wait", 1), "bob")
    until(lambda: len(jobs.events(first.token)) >= 3)
    jobs.close()
    assert [jobs.result(job.token)["state"] for job in (first, second)] == ["stopped", "stopped"]
