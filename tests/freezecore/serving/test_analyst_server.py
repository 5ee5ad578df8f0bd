"""The analyst's server and its protocol: bytes, or an error another process can raise again."""

import json
from dataclasses import asdict

import pytest
import torch

import freezecore as fc
from freezecore._trace import Trace
from freezecore.errors import FreezeError, RuleError, SourceError
from freezecore.serving import child_process
from freezecore.serving.analyst.protocol import action, error_from_json, error_to_json
from freezecore.serving.analyst.server import VERBS, answer


def raising(error: Exception):
    def verb(arguments: dict) -> bytes:
        raise error

    return verb


def asked(verb, **fields) -> tuple[dict, bytes]:
    return answer({"verb": "models", "arguments": {"word": "resnet"}, **fields}, {"models": verb})


def test_a_file_that_somebody_saved_is_answered_from_the_file(tmp_path):
    fc.save(torch.nn.Linear(8, 2), torch.randn(4, 8), tmp_path / "model.json")
    source = asdict(fc.ModelSource("file", str(tmp_path / "model.json")))
    tree = fc.LayerTree.from_json(json.loads(VERBS["tree"]({"source": source})))
    trace = Trace.from_bytes(VERBS["trace"]({"source": source, "workload": fc.Workload(batch_size=16).to_json()}))
    assert [parameter.name for parameter in tree.parameters] == ["weight", "bias"]
    assert fc.estimate(trace, fc.resolve(fc.FreezeSpec.parse("train all"), tree)).peak_bytes > 0


def test_an_answer_is_its_bytes_and_their_number():
    assert asked(lambda arguments: arguments["word"].encode()) == ({"bytes": 6}, b"resnet")


def test_an_error_is_raised_again_as_what_it_was():
    header, payload = asked(raising(SourceError("timm has no model called 'x'.", "Did you mean 'y'?")))
    error = error_from_json(header["error"])
    assert payload == b""
    assert (type(error), str(error)) == (SourceError, "timm has no model called 'x'. Did you mean 'y'?")
    assert type(error_from_json({**error_to_json(RuleError("a", "b", 3)), "type": "Strange"})) is FreezeError


def test_what_a_library_raises_becomes_one_printable_line(capsys):
    header, _ = asked(raising(KeyError("\x1b[31m" + "long" * 100 + "\nsecond line")))
    problem = header["error"]["problem"]
    assert problem.startswith("Searching the models for 'resnet' failed unexpectedly (KeyError: '")
    assert len(problem) < 260 and problem.isprintable()
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")]
)
def test_memory_that_runs_out_ends_the_process_after_the_answer(error, monkeypatch):
    monkeypatch.setattr(child_process, "limit_memory", lambda extra: True)
    assert child_process.is_memory_error(error)
    header, _ = asked(raising(error), memory_bytes=4 * 10**9)
    assert header["last"]
    assert "needed more than 4 GB" in header["error"]["problem"]


@pytest.mark.parametrize(
    ("verb", "arguments", "words"),
    [
        ("tree", {"source": {"scheme": "timm", "name": "resnet18"}}, "Opening 'timm:resnet18'"),
        ("models", {"word": ""}, "Searching the models"),
        ("warm", {}, "Starting"),
    ],
)
def test_every_request_can_be_named_in_a_sentence(verb, arguments, words):
    assert action(verb, arguments) == words
