"""Files that people hand over as specs and models, and processes that such a file or model brings down."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

from freezecore import model_file
from freezecore.errors import ExportError, FreezeError, SourceError
from freezecore.saved_spec import load_spec
from tests.freezecore.bad.case import Bad, opened

BOMB = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    + ["rules: freeze all"]
)
PLAIN = "rules: freeze all\nparameters: "

# What is wrong, the text, the error, what is said, what the hint holds.
SPECS: list[tuple[str, str, str, str]] = [
    ("empty", "", "it has no 'rules'", "export --to spec"),
    ("prose", "just text", "it has no 'rules'", "export --to spec"),
    ("a list", "[1, 2]", "it has no 'rules'", "export --to spec"),
    ("rules in a list", "rules: [freeze all]", "'rules' are not text", "one a line"),
    ("a bomb of aliases", BOMB, "the alias '*a0'", "Write its value out"),
    ("nested for ever", "[" * 5_000, "nested more than 60 deep", "A spec is a few lines"),
    ("a quote that stays open", "rules: 'freeze all", "cannot be read near line 1", "save it again"),
    ("a null byte", "\x00", "This YAML cannot be read.", "save it again"),
    (
        "an object of Python's",
        "rules: !!python/object/apply:os.system [true]",
        "cannot be read near line 1",
        "save it again",
    ),
    ("parameters in a list", PLAIN + "[a]", "'parameters' are no mapping", "export --to spec"),
    ("a shape that is none", PLAIN + "{a.b: 2xx3 f}", "'a.b: 2xx3 f'", "conv1.weight: 64x3x7x7 f"),
    ("phases that disagree", PLAIN + "{a: 2x3 f, b: 2x3 ft}", "disagree about the number of phases", "Save it again"),
    ("of a later format", "freeze_explorer: 9\nrules: freeze all", "format 9", "Update"),
    ("megabytes", "rules: " + "freeze a; " * 1_000_000, "10,000,007 characters", "which file"),
]

# What is wrong, the content, what is said.
MODELS: list[tuple[str, bytes, str]] = [
    ("empty", b"", "'model.json' is not such a file"),
    ("a pickle", pickle.dumps({"weight": 1}), "'model.json' is not such a file"),
    ("another's JSON", b'{"format": "other/1"}', "'model.json' has the format 'other/1'"),
    ("a tree that is a number", json.dumps({"format": model_file.FORMAT, "tree": 3}).encode(), "is not such a file"),
    ("nested for ever", b"[" * 100_000, "'model.json' is not such a file"),
]


def _written(folder: Path, content: bytes) -> object:
    (folder / "model.json").write_bytes(content)
    return model_file.read(folder / "model.json")


def _asked(word: str) -> object:
    """Ask an analyst process whose verbs go wrong on request; then show that the next request works."""
    from freezecore.serving.analyst.client import Analyst

    limits = {"models": 1.0 if word == "hang" else 20.0, "warm": 20.0}
    client = Analyst("tests.freezecore.faulty_verbs", limits_s=limits, memory_bytes=10**9)
    try:
        client.models("first")
        return client.models(word)
    finally:
        assert client.models("next")
        client.close()


CASES = [
    Bad(f"spec: {name}", lambda _, text=text: load_spec(text), ExportError, (says,), hint)
    for name, text, says, hint in SPECS
] + [
    Bad(f"model file: {name}", lambda folder, content=content: _written(folder, content), SourceError, (says,),
        "fc.save")
    for name, content, says in MODELS
] + [
    Bad("folder: nothing in it", lambda folder: opened("hf:./"), SourceError, ("no config.json in './'",), "folder"),
    Bad("process: hangs", lambda _: _asked("hang"), FreezeError, ("'hang'", "took longer than 1 s"), ""),
    Bad("process: is killed", lambda _: _asked("die"), FreezeError, ("'die'", "SIGKILL"), ""),
    Bad("process: ends itself", lambda _: _asked("leave"), FreezeError, ("'leave'", "code 3"), ""),
    Bad("process: takes all memory", lambda _: _asked("eat"), FreezeError, ("'eat'", "needed more than 1 GB"),
        "smaller model"),
]  # fmt: skip
