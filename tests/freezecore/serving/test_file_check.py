"""A model's file is looked at in a process of its own, within its time and memory."""

import json
import time

import pytest

from freezecore import machine, model_file
from freezecore.errors import SourceError
from freezecore.serving import file_check, one_answer


def test_a_config_is_told_from_a_model_file():
    found = file_check.ask(b'{"model_type": "bert"}', "config.json")
    assert found == {"scheme": "config", "title": "bert"}


HOSTILE = {
    "many empty lists": b'{"format": "a", "tree": [' + b"[]," * 6_000_000 + b"[]]}",
    "a deep name": json.dumps(
        {
            "format": model_file.FORMAT,
            "trace": None,
            "tree": {"source": "x", "layers": [{"path": "", "type": "T"}], "towers": [{"name": "", "path": ""}],
                     "parameters": [{"name": "a." * 100_000 + "w", "owner": "", "shape": [1]}]},
        }
    ).encode(),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_costs_its_visitor_a_sentence_and_this_process_nothing(kind):
    before = machine.status_bytes("proc/self/status", "VmHWM:") or 0
    began = time.monotonic()
    with pytest.raises(SourceError, match=r"'model.json' (is not such a file|has the format|takes more time)"):
        file_check.ask(HOSTILE[kind], "model.json")
    assert time.monotonic() - began < one_answer.SECONDS + 5
    assert (machine.status_bytes("proc/self/status", "VmHWM:") or 0) - before < 100 * 2**20


def test_what_takes_too_long_is_ended(monkeypatch):
    monkeypatch.setattr(one_answer, "SECONDS", 0.01)
    with pytest.raises(SourceError, match="takes more time or memory"):
        file_check.ask(b"{}", "model.json")
