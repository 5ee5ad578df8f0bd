"""A run's log: whole lines at every moment, thinned when they come fast, and a result that fits a full disk."""

import json
import os
import time

import pytest

from freezecore.serving import run_log as run_log_module
from freezecore.serving.run_log import RunLog, RunLogReader, new_folder, thinned


@pytest.fixture
def folder(tmp_path):
    return new_folder(tmp_path, "run", {"data": "shapes"})


def test_events_are_read_as_they_arrive_and_a_half_written_line_waits(folder):
    log, reader = RunLog(folder), RunLogReader(folder)
    assert reader.read() == []
    log.emit({"event": "phase"})
    assert reader.read() == [{"event": "phase"}]
    with (folder / "events.jsonl").open("a") as file:
        file.write('{"event": "st')
    assert len(reader.read()) == 1
    with (folder / "events.jsonl").open("a") as file:
        file.write('ep"}\nno json\n{"event": "result"}\n')
    assert [event["event"] for event in reader.read()] == ["phase", "step", "result"]
    assert reader.result == {"event": "result"}


def test_steps_in_quick_succession_are_thinned_and_the_last_is_kept(folder, monkeypatch):
    clock = iter(range(10**6))
    monkeypatch.setattr(run_log_module.time, "monotonic", lambda: next(clock) / 1000)
    log = RunLog(folder)
    for step in range(1, 1001):
        log.emit({"event": "step", "step": step})
    log.finish({"event": "result"})
    steps = [event["step"] for event in RunLogReader(folder).read()[:-1]]
    assert steps[:100] == list(range(1, 101))
    assert steps[-1] == 1000
    assert 115 < len(steps) < 130


def test_what_does_not_fit_the_disk_waits_and_the_result_takes_the_reserve(folder, monkeypatch):
    log = RunLog(folder)
    write, room = os.write, 40

    def limited(file, line):
        nonlocal room
        if not (folder / "reserve").exists():
            room = 10**6  # what was given back
        if not room:
            raise OSError(28, "No space left on device")
        part = line[:room]
        room -= len(part)
        return write(file, part)

    monkeypatch.setattr(os, "write", limited)
    log.emit({"event": "step", "step": 1})
    assert not log.full
    log.emit({"event": "step", "step": 2})
    assert log.full
    assert log.finish({"event": "result", "state": "stopped"})
    lines = (folder / "events.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["step", "step", "result"]


def test_a_result_that_cannot_be_written_at_all_is_told(folder, monkeypatch):
    log = RunLog(folder)

    def full(file, line):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    log.emit({"event": "step", "step": 1})
    assert log.pending == [{"event": "step", "step": 1}]
    assert not log.finish({"event": "result"})


def test_a_curve_keeps_its_ends_and_everything_that_is_no_step():
    events = [{"event": "phase"}, *({"event": "step", "step": i} for i in range(5000)), {"event": "result"}]
    kept = thinned(events, most=100)
    assert len(kept) <= 104
    assert (kept[0], kept[1]["step"], kept[-2]["step"], kept[-1]) == (events[0], 0, 4999, events[-1])


def test_old_logs_go_and_those_in_progress_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(run_log_module, "MOST_FOLDERS", 2)
    began = time.time() - 1_000
    for name in "abcd":
        folder = new_folder(tmp_path, name, {})
        os.utime(folder, (began + ord(name), began + ord(name)))
        if name == "a":
            (folder / "reserve").touch()
            os.utime(folder, (began + ord(name), began + ord(name)))
    new_folder(tmp_path, "e", {})
    assert sorted(folder.name for folder in tmp_path.iterdir()) == ["a", "d", "e"]
