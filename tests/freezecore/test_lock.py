"""A lock: every name that a selection meant, and what a later model makes of it."""

from collections import OrderedDict

import pytest
import torch
from torch import nn

import freezecore as fc
from freezecore.cli import main

RULES = "freeze all; train head"


def model(layer: str = "body", width: int = 8, extra: bool = False) -> nn.Module:
    parts = {layer: nn.Linear(8, width), "norm": nn.LayerNorm(width), "head": nn.Linear(width, 2)}
    if extra:
        parts = {layer: parts[layer], "side": nn.Linear(width, width), **parts}
    return nn.Sequential(OrderedDict(parts))


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fc.save(model(), torch.randn(2, 8), "model.json")
    assert main(["lock", "file:model.json", RULES, "--out", "freeze.yaml"]) == 0
    return tmp_path


def checked(capsys) -> tuple[int, list[str]]:
    capsys.readouterr()
    code = main(["check", "freeze.yaml"])
    return code, capsys.readouterr().out.splitlines()


def test_the_model_that_was_locked_is_the_same_set(here, capsys):
    assert checked(capsys) == (0, ["the same set"])


def test_a_lock_is_what_export_writes(here, capsys):
    capsys.readouterr()
    assert main(["lock", "timm:resnet18", RULES]) == 0
    locked = capsys.readouterr().out
    assert main(["export", "timm:resnet18", "--rules", RULES, "--to", "spec"]) == 0
    assert capsys.readouterr().out == locked


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"layer": "trunk"}, ["renamed: body.weight → trunk.weight", "renamed: body.bias → trunk.bias"]),
        ({"extra": True}, ["new: side.weight", "new: side.bias"]),
        ({"width": 16}, ["reshaped: head.weight: 2x8 → 2x16"]),
    ],
)
def test_drift_fails_by_name_and_a_renamed_parameter_is_not_a_lost_one(here, capsys, changed, expected):
    fc.save(model(**changed), torch.randn(2, 8), "model.json")
    code, lines = checked(capsys)
    assert code == 1 and lines[0] == "not the same set"
    assert set(expected) <= set(lines)
    assert not [line for line in lines if line.startswith("missing")]


def test_what_is_gone_is_missing(here, capsys):
    fc.save(nn.Sequential(OrderedDict(head=nn.Linear(8, 2))), torch.randn(2, 8), "model.json")
    code, lines = checked(capsys)
    assert code == 1
    assert {"missing: body.weight", "missing: norm.bias"} <= set(lines)


def test_a_lock_of_another_model_says_so(here, capsys):
    capsys.readouterr()
    assert main(["check", "freeze.yaml", "--source", "timm:resnet18"]) == 1
    assert "saved for file:model.json, held against timm:resnet18" in capsys.readouterr().out


def test_another_version_of_a_library_is_told_and_is_no_drift(here, capsys):
    text = (here / "freeze.yaml").read_text()
    now = torch.__version__.partition("+")[0]
    (here / "freeze.yaml").write_text(text.replace(f'torch: "{now}"', 'torch: "1.13.0"'))
    code, lines = checked(capsys)
    assert code == 0 and lines == ["the same set", f"torch: 1.13.0 then, {now} now"]


def test_a_folder_that_is_not_there_is_a_sentence(here, capsys):
    assert main(["lock", "file:model.json", RULES, "--out", "nowhere/freeze.yaml"]) == 1
    assert "'nowhere/freeze.yaml' cannot be written" in capsys.readouterr().err
