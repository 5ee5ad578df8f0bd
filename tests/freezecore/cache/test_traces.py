"""Stored traces: whole for every process, however many write at once; a damaged file is no trace, and no fault."""

import multiprocessing

import pytest

from freezecore._trace import Trace, TracedParameter
from freezecore.cache import store, traces
from freezecore.source import ModelSource
from freezecore.workload import Workload

SOURCE, WORKLOAD = ModelSource.parse("timm:resnet18"), Workload()
WRITERS = ("one", "other")
TIMES = 40
LATE_S = 120


@pytest.fixture(autouse=True)
def _own_home(tmp_path, monkeypatch):
    monkeypatch.setenv(store.HOME_VARIABLE, str(tmp_path))


def trace(note: str) -> Trace:
    """Some hundred kilobytes, so that writing takes a while."""
    parameters = tuple(TracedParameter(f"{note}.{hash((note, i))}", i, i, 4, True) for i in range(4_000))
    return Trace(str(SOURCE), WORKLOAD, parameters, notes=(note,))


def write_and_read(note: str, together) -> None:
    mine = trace(note)
    together.wait(LATE_S)
    for _ in range(TIMES):
        traces.keep(SOURCE, mine)
        found = traces.stored(SOURCE, WORKLOAD)
        assert found.notes[0] in WRITERS
        assert {p.name.partition(".")[0] for p in found.parameters} == set(found.notes)


def test_two_processes_that_write_the_same_trace_at_once_both_read_a_whole_one():
    spawned = multiprocessing.get_context("spawn")
    together = spawned.Barrier(len(WRITERS))
    writers = [spawned.Process(target=write_and_read, args=(note, together)) for note in WRITERS]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(LATE_S)
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert traces.stored(SOURCE, WORKLOAD).notes[0] in WRITERS
    assert len(list((store.home() / traces.FOLDER).iterdir())) == 1


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_half_written_file_is_no_trace_and_is_written_anew(share):
    content = trace("one").to_bytes()
    store.write(traces.FOLDER, traces.key_of(SOURCE, WORKLOAD), content[: int(len(content) * share)])
    assert traces.stored(SOURCE, WORKLOAD) is None
    traces.keep(SOURCE, trace("one"))
    assert traces.stored(SOURCE, WORKLOAD).notes == ("one",)


def test_a_file_that_is_no_trace_at_all_is_forgotten():
    store.write(traces.FOLDER, traces.key_of(SOURCE, WORKLOAD), b"\x00" * 512)
    assert traces.stored(SOURCE, WORKLOAD) is None
    assert not list((store.home() / traces.FOLDER).iterdir())
