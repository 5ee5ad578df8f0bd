"""Runs: what was tried stays, with several processes writing, through schema changes and broken files."""

import json
import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from freezecore.cache import store
from freezecore.errors import ProbeError
from freezecore.probe import ProbeRequest
from freezecore.serving import run_log
from freezecore.serving import runs as runs_module
from freezecore.serving.child_process import ROOT
from freezecore.serving.runs import Run, Runs, key_of
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec


@pytest.fixture
def runs(tmp_path):
    return Runs(tmp_path)


def new(runs: Runs, token: str, **fields) -> Run:
    values = {"kind": "probe", "key": "k", "owner": "ann", "state": "done", "created": 1.0, **fields}
    return Run(token, folder=str(runs.folder / token), server=runs.server, **values)


def test_a_run_comes_back_as_it_was_stored(runs):
    run = new(runs, "a", request={"data": "shapes"}, result={"state": "done"}, curve=[{"event": "step"}], ended=2.0)
    runs.add(run)
    assert runs.find("a") == run
    assert runs.find("b") is None


def test_a_list_is_newest_first_without_curves_and_by_owner(runs):
    for i, owner in enumerate(["ann", "bob", "ann"]):
        runs.add(new(runs, str(i), owner=owner, created=float(i), curve=[{"event": "step"}]))
    assert [run.token for run in runs.listed()] == ["2", "1", "0"]
    assert [run.token for run in runs.listed(owner="ann", limit=1)] == ["2"]
    assert runs.listed(kind="sweep") == ()
    assert runs.listed()[0].curve == []


def test_only_a_run_that_is_done_answers_and_the_newest_does(runs):
    for token, state, ended in [("a", "done", 5.0), ("b", "done", 9.0), ("c", "failed", 10.0), ("d", "running", None)]:
        runs.add(new(runs, token, state=state, ended=ended))
    assert runs.answer("k").token == "b"
    assert runs.answer("other") is None


def test_a_key_depends_on_the_request_the_libraries_and_the_files(tmp_path, monkeypatch):
    file = tmp_path / "data.csv"
    file.write_text("a")

    def key(seed: int = 0) -> str:
        return key_of("probe", ProbeRequest(ModelSource("timm", "a"), FreezeSpec(), str(file), seed=seed).to_json())

    first = key()
    assert key() == first
    assert key(seed=1) != first
    file.write_text("other")
    assert key() != first
    first = key()
    monkeypatch.setattr(runs_module, "versions", lambda libraries: {"torch": "99"})
    assert key() != first


def test_threads_and_processes_write_side_by_side(runs):
    script = (
        "import sys; from pathlib import Path; from freezecore.serving.runs import *; runs = Runs(Path(sys.argv[1]))\n"
        "for i in range(20): runs.add(Run(f'{sys.argv[2]}-{i}', 'probe', 'k', 'bob', 'done', '', runs.server, 1.0))"
    )
    others = [
        subprocess.Popen([sys.executable, "-c", script, str(runs.folder), name], cwd=ROOT) for name in ("one", "two")
    ]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda i: runs.add(new(runs, f"here-{i}")), range(60)))
    assert [other.wait() for other in others] == [0, 0]
    assert len(runs.listed()) == 100


def test_a_store_of_a_newer_version_is_left_alone(runs):
    with sqlite3.connect(runs.folder / "runs.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(ProbeError, match="were written by a newer version of this program. Install that version"):
        Runs(runs.folder)


def test_an_older_store_is_brought_up_to_date_and_keeps_its_runs(runs, monkeypatch):
    runs.add(new(runs, "a"))
    later = (*runs_module.MIGRATIONS, "CREATE TABLE notes (token TEXT, text TEXT);")
    monkeypatch.setattr(runs_module, "MIGRATIONS", later)
    assert Runs(runs.folder).find("a").owner == "ann"
    with sqlite3.connect(runs.folder / "runs.sqlite") as db:
        assert db.execute("PRAGMA user_version").fetchone() == (2,)
        assert db.execute("SELECT count(*) FROM notes").fetchone() == (0,)
    db.close()


@pytest.mark.parametrize("content", [b"no database" * 100, b"SQLite format 3\0" + bytes(4_000), b"\xff" * 9_000])
def test_a_broken_store_is_moved_aside_and_made_again_with_a_sentence(content, tmp_path, caplog):
    store.tell.cache_clear()
    (tmp_path / "runs.sqlite").write_bytes(content)
    runs = Runs(tmp_path)
    runs.add(new(runs, "a"))
    assert runs.find("a").owner == "ann"
    [aside] = tmp_path.glob("damaged-*.sqlite")
    assert aside.read_bytes() == content
    assert f"they were moved to {aside.name}, and new ones are stored" in caplog.text


def test_a_store_that_breaks_while_the_server_runs_costs_one_sentence(runs):
    for number in range(300):
        runs.add(new(runs, f"run {number}", result={"text": "x" * 500}))
    with sqlite3.connect(runs.folder / "runs.sqlite") as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    file = runs.folder / "runs.sqlite"
    content = file.read_bytes()
    file.write_bytes(content[:4_096] + b"\xff" * (len(content) - 4_096))
    with pytest.raises(ProbeError, match="were damaged and have been moved aside. Start the run again"):
        runs.listed()
    Runs(runs.folder).add(new(runs, "next"))
    assert [run.token for run in runs.listed()] == ["next"]


BAD_CELLS = {
    "request": ["{", "7", "[]", "null", '{"source": 3}', "[" * 100_000, '{"say": "{x}", "with": {}}'],
    "result": ['{"a"', "7", "[1]", '"done"'],
    "curve": ["{}", "[1]", "null", "]"],
    "versions": ["7", "{"],
    "owner": [None, 7, b"\xff\xfe"],
    "created": ["yesterday", None],
}


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in BAD_CELLS.items() for value in values]
)
def test_a_row_that_holds_no_run_is_dropped_and_said_and_the_others_stand(field, value, runs, caplog):
    store.tell.cache_clear()
    for token in "abc":
        runs.add(new(runs, token, key=token))
    with sqlite3.connect(runs.folder / "runs.sqlite") as db:
        db.execute(f"UPDATE runs SET {field} = ? WHERE token = 'b'", [value])
    db.close()
    told = bool(runs.find("b") is None)
    assert {run.token for run in runs.listed()} - {"b"} == {"a", "c"}
    assert runs.answer("a") and runs.answer("c")
    assert told == ("1 stored run in" in caplog.text)
    assert told or isinstance(value, (int, bytes)), "SQLite itself writes a number in a column of text as one"


@pytest.mark.skipif(sys.platform != "linux", reason="words of Linux")
@pytest.mark.parametrize("place", [os.devnull, "/proc/runs", "a file"])
def test_a_folder_that_cannot_be_used_is_a_sentence(place, tmp_path):
    (tmp_path / "a file").write_bytes(b"")
    with pytest.raises(ProbeError, match="cannot be used: .* Set FREEZE_EXPLORER_HOME to a folder that may be written"):
        Runs(tmp_path / place / "runs")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("SQLITE_FULL", "Make room on the disk."),
        ("SQLITE_IOERR_WRITE", "Make room on the disk."),
        ("SQLITE_READONLY", "Set FREEZE_EXPLORER_HOME to a folder that may be written."),
        ("SQLITE_CANTOPEN", "Set FREEZE_EXPLORER_HOME to a folder that may be written."),
        ("SQLITE_BUSY", "Try again in a moment."),
    ],
)
def test_nobody_is_told_to_move_runs_away_when_the_disk_is_full(name, hint, runs):
    error = sqlite3.OperationalError("it failed")
    error.sqlite_errorname = name
    with pytest.raises(ProbeError) as told, runs._open():
        raise error
    assert told.value.hint == hint


def test_what_killed_servers_left_behind_is_tidied_up_and_results_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(run_log, "MOST_FOLDERS", 5)
    runs = Runs(tmp_path)
    for number in range(12):
        token = f"run{number}"
        folder = run_log.new_folder(tmp_path, token, {})
        (folder / "reserve").write_bytes(bytes(run_log.RESERVE_BYTES))
        (folder / "events.jsonl").write_text(json.dumps({"event": "step", "step": 1, "loss": 1.0}) + "\n")
        (tmp_path / f"worker-{number}.log").write_text("waiting for a job")
        runs.add(new(runs, token, state="running", started=2.0, created=float(number)))
        runs.change(token, server="dead")
    runs._lock._own.release()
    later = Runs(tmp_path)
    assert {run.state for run in later.listed()} == {"interrupted"}
    assert all(run.result["steps"] == 1 for run in later.listed()), "what was measured is kept"
    assert len([*tmp_path.glob("run*/request.json")]) == 5
    assert not [*tmp_path.glob("*/reserve"), *tmp_path.glob("worker-*.log")]


def test_the_reserve_of_a_server_that_runs_is_left_alone(runs, tmp_path):
    folder = run_log.new_folder(tmp_path, "mine", {})
    (folder / "reserve").write_bytes(b"room")
    (tmp_path / "worker-1.log").write_text("waiting for a job")
    Runs(tmp_path)
    assert (folder / "reserve").exists() and (tmp_path / "worker-1.log").exists()


def test_a_run_whose_server_died_after_its_result_keeps_that_result(runs):
    folder = runs.folder / "a"
    folder.mkdir()
    lines = [{"event": "step", "step": 1, "loss": 1.0}, {"event": "result", "state": "done", "accuracy_after": 0.9}]
    (folder / "events.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    runs.add(new(runs, "a", state="running", started=2.0))
    runs.change("a", server="dead")
    assert runs.recover() == 1
    assert (runs.find("a").state, runs.find("a").result["accuracy_after"]) == ("done", 0.9)


def test_a_run_is_deleted_by_its_owner_alone_with_its_record(runs):
    runs.add(new(runs, "a"))
    runs.add(new(runs, "b", state="running"))
    (runs.folder / "a").mkdir()
    assert not runs.delete("a", "bob") and runs.find("a")
    assert not runs.delete("b", "ann") and runs.find("b"), "a run that goes on is stopped first"
    assert runs.delete("a", "ann") and runs.find("a") is None
    assert not (runs.folder / "a").exists()
