"""The worker: one job, one result, whatever happens in between."""

import json

import pytest

from freezecore.probe import ProbeRequest
from freezecore.serving.run_log import RunLogReader, new_folder
from freezecore.serving.worker import Stopped, error_outcome, work
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec


def new_job(tmp_path, data: str) -> dict:
    request = ProbeRequest(ModelSource("timm", "resnet18"), FreezeSpec(), data=data).to_json()
    folder = new_folder(tmp_path, "run", request)
    return {"folder": str(folder), "kind": "probe", "function": "tests.freezecore.doubles:run", "memory_bytes": None}


def test_the_last_line_of_the_log_is_the_result(tmp_path):
    assert work(new_job(tmp_path, "quick"))
    reader = RunLogReader(tmp_path / "run")
    reader.read()
    assert (reader.result["state"], reader.result["request"]["data"]) == ("done", "quick")
    assert not (tmp_path / "run" / "reserve").exists()


def test_a_flag_ends_the_run_between_two_steps(tmp_path):
    work(new_job(tmp_path, "wait"), lambda: True)
    assert RunLogReader(tmp_path / "run").read()[-1]["state"] == "stopped"


@pytest.mark.parametrize(
    ("error", "state", "sentence"),
    [
        (Stopped(), "stopped", "Stopped before its end; what was measured until then is kept."),
        (MemoryError(), "out-of-memory", "The run needed more memory than was left of its 2 GB."),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "out-of-memory", "The run needed"),
        (
            KeyboardInterrupt(),
            "interrupted",
            "The run's process was interrupted; what was measured until then is kept.",
        ),
        (KeyError("x"), "failed", "The run failed unexpectedly (KeyError: 'x')."),
    ],
)
def test_whatever_ends_a_run_is_a_state_and_a_sentence(error, state, sentence):
    found, problem, _ = error_outcome(error, 2 * 10**9)
    assert found == state
    assert problem.startswith(sentence)


def test_a_request_that_cannot_be_read_is_a_result_too(tmp_path):
    broken = new_job(tmp_path, "quick")
    request = json.loads((tmp_path / "run" / "request.json").read_text())
    (tmp_path / "run" / "request.json").write_text(json.dumps({**request, "steps": -1}))
    work(broken)
    assert RunLogReader(tmp_path / "run").read()[-1]["state"] == "failed"
