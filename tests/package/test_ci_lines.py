"""The ready-made lines for continuous integration, as they stand in the documents, run where only the wheel is."""

import re
import shlex

import pytest
import torch
import yaml
from torch import nn

import freezecore as fc
from tests.package.conftest import ROOT, run

ACTIONS, HOOKS = map(yaml.safe_load, re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "ci.md").read_text(), re.DOTALL))


def steps() -> list[str]:
    return [step["run"] for step in ACTIONS["jobs"]["check"]["steps"] if "run" in step]


def test_the_workflow_installs_the_distribution_before_it_checks():
    install, check = steps()
    assert shlex.split(install) == ["pip", "install", "freeze-explorer[models] @ git+REPOSITORY"]
    assert check == "freezecore check freeze.yaml"


@pytest.mark.slow
@pytest.mark.parametrize("line", [steps()[-1], HOOKS["repos"][0]["hooks"][0]["entry"]])
def test_the_line_passes_on_what_was_locked_and_fails_on_drift(line, environment, tmp_path):
    programs = environment("3.12", "*.whl")

    def saved(width: int) -> None:
        fc.save(nn.Sequential(nn.Linear(4, width), nn.Linear(width, 2)), torch.randn(2, 4), tmp_path / "model.json")

    def typed(expect: int) -> str:
        return run("bash", "-ec", line, folder=tmp_path, expect=expect, PATH=f"{programs}:/usr/bin:/bin").stdout

    saved(4)
    lock = [programs / "freezecore", "lock", "file:model.json", "freeze all; train head", "--out", "freeze.yaml"]
    run(*lock, folder=tmp_path)
    assert typed(0) == "the same set\n"
    saved(8)
    assert "reshaped: 0.weight: 4x4 → 8x4" in typed(1)
