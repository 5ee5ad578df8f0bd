"""Where a library is not installed, each command and verb says in a sentence which, and how to install it."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from freezecore.errors import LIBRARIES, FreezeError, told_if_missing
from freezecore.runtime import OLDEST

COMMANDS = (
    ["models", "resnet"],
    ["tree", "timm:resnet18"],
    ["tree", "config:bert"],
    ["mask", "timm:resnet18", "--rules", "freeze all; train head"],
    ["estimate", "timm:resnet18", "--batch-size", "2"],
    ["data", "shapes"],
    ["data", "rows.csv"],
    ["export", "timm:resnet18", "--rules", "freeze all; train head"],
    ["export", "timm:resnet18", "--rules", "freeze all; train head", "--to", "spec"],
    ["import", "names.txt", "--source", "timm:resnet18"],
    ["lock", "timm:resnet18", "freeze all; train head"],
    ["check", "spec.yaml"],
    ["probe", "timm:resnet18", "--weights", "random", "--steps", "1"],
    ["suggest", "timm:resnet18"],
    ["calibrate"],
    ["sweep", "timm:resnet18"],
    ["find", "timm:resnet18", "--minutes", "1"],
    ["mcp"],
)
VERBS = (
    'fc.read_tree("timm:resnet18")',
    'fc.trace("timm:resnet18")',
    'fc.pricer("timm:resnet18")',
    'fc.estimate("timm:resnet18", "train all")',
    'fc.fits("timm:resnet18", "train all")',
    'fc.diff("timm:resnet18", "train all", "freeze all")',
    'fc.summary("timm:resnet18")',
    'fc.export("timm:resnet18", "train all")',
    'fc.run_probe("timm:resnet18", "train all", steps=1)',
    'fc.run_sweep("timm:resnet18", steps=1)',
    'fc.run_find("timm:resnet18", minutes=1)',
    'fc.run_suggest("timm:resnet18", steps=1)',
    "fc.ProofCallback()",
)
SCRIPT = """
import sys, traceback
for name in sys.argv[1].split():
    sys.modules[name] = None  # any import of it raises
import freezecore as fc
from freezecore.cli import main
for command in COMMANDS:
    print("command", main(command), *command, file=sys.stderr)
for verb in VERBS:
    try:
        eval(verb)
        print("verb 0", verb, file=sys.stderr)
    except fc.FreezeError as error:
        print(error, file=sys.stderr)
        print("verb 1", verb, file=sys.stderr)
"""


def told(missing: str, folder, commands=COMMANDS, verbs=VERBS) -> str:
    """What all commands and verbs say without these modules; fails where one of them raises anything else."""
    (folder / "names.txt").write_text("fc.weight\n")
    (folder / "rows.csv").write_text("text,label\n" + "a,b\nc,d\n" * 20)
    (folder / "spec.yaml").write_text("freeze_explorer: 1\nsource: timm:resnet18\nrules: freeze all\n")
    script = SCRIPT.replace("COMMANDS", repr(list(commands))).replace("VERBS", repr(list(verbs)))
    environment = {**os.environ, "FREEZE_EXPLORER_HOME": str(folder), "HOME": str(folder), "PYTHONPATH": os.getcwd()}
    done = subprocess.run(
        [sys.executable, "-c", script, missing], cwd=folder, env=environment, capture_output=True, text=True,
        timeout=300,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert done.returncode == 0
    return done.stderr


def test_in_an_empty_environment_every_command_and_verb_says_what_to_install(tmp_path):
    said = told(" ".join(LIBRARIES), tmp_path, COMMANDS[1:])  # the names of models stand in a file
    assert said.count("which is not installed") == len(COMMANDS[1:]) + len(VERBS)
    assert said.count("pip install 'freeze-explorer") == len(COMMANDS[1:]) + len(VERBS)
    assert "command 0" not in said and "verb 0" not in said


@pytest.mark.parametrize("library", ["torch", "timm", "numpy"])
def test_without_one_library_what_needs_it_names_it_and_the_rest_goes_on(library, tmp_path):
    said = told(library, tmp_path, COMMANDS[1:7], VERBS[:2])
    assert f"This needs {library}, which is not installed." in said


def test_without_the_library_of_an_extra_what_needs_it_names_that_extra(tmp_path):
    adapted = ["mask", "timm:resnet18", "--adapter", "lora r=8"]
    said = told("peft mcp anywidget", tmp_path, [adapted, ["mcp"]], ['fc.show("timm:resnet18")'])
    assert re.findall(r"pip install 'freeze-explorer\[(\w+)\]'", said) == ["peft", "mcp", "notebook"]


def test_a_library_that_is_too_old_is_told_with_what_to_install(tmp_path):
    (tmp_path / "torch-2.13.0.dist-info").mkdir()
    (tmp_path / "torch-2.13.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: torch\nVersion: 2.13.0\n"
    )
    path = f"{tmp_path}{os.pathsep}{os.getcwd()}"
    done = subprocess.run(
        [sys.executable, "-m", "freezecore", "mask", "timm:resnet18", "--rules", "freeze all; train head"],
        env={**os.environ, "PYTHONPATH": path}, cwd=tmp_path, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 1
    assert f"This needs torch {OLDEST['torch']} or newer; 2.13.0 is installed." in done.stderr
    assert f"pip install --upgrade 'torch>={OLDEST['torch']}'" in done.stderr and "Traceback" not in done.stderr


def test_an_old_library_is_in_the_way_of_its_own_models_alone(tmp_path):
    (tmp_path / "timm-0.9.16.dist-info").mkdir()
    (tmp_path / "timm-0.9.16.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: timm\nVersion: 0.9.16\n")
    (tmp_path / "own.py").write_text("from torch import nn\ndef plain():\n    return nn.Linear(4, 2)\n")
    (tmp_path / "theirs.py").write_text(
        "from torch import nn\nfrom timm.layers import DropPath\n"
        "def mixed():\n    return nn.Sequential(nn.Linear(4, 2), DropPath(0.1))\n"
    )
    commands = [["tree", name, "--allow-python"] for name in ("py:own:plain", "py:theirs:mixed", "timm:resnet18")]
    script = f"from freezecore.cli import main\nprint([main(command) for command in {commands}])"
    path = os.pathsep.join([str(tmp_path), os.getcwd()])
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": path, "FREEZE_EXPLORER_HOME": str(tmp_path)},
        cwd=tmp_path, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.stdout.rstrip().endswith("[0, 1, 1]"), done.stderr
    assert done.stderr.count(f"This needs timm {OLDEST['timm']} or newer; 0.9.16 is installed.") == 2


def test_a_module_of_a_persons_own_that_is_missing_is_not_taken_for_a_library(tmp_path):
    (tmp_path / "mine.py").write_text("import nowhere\ndef model(): ...\n")
    said = told("", tmp_path, [["tree", "py:mine:model", "--allow-python"]], [])
    assert "which is not installed" not in said
    assert "nowhere" in said


OWN = """
import contextlib, io, sys
for name in sys.argv[1].split():
    sys.modules[name] = None
import torch
import freezecore as fc
from freezecore.cli import main
from mine import build

rules, batch, pairs = "freeze all; train 2", torch.randn(4, 8), [(torch.randn(4, 8), torch.randn(4, 2))] * 4
model = build()
fc.apply(model, rules)
optimizer = torch.optim.AdamW(fc.parameter_groups(model, lr=0.1))
with fc.proof(model, optimizer):
    model(batch).sum().backward()
    optimizer.step()
fc.release(model)
fc.save(model, batch, "model.json")
for result in (
    fc.summary(model, rules), fc.estimate(model, rules, batch=batch), fc.fits(model, rules, card="T4", batch=batch),
    fc.timeline(model, rules, batch=batch), fc.per_device(model, rules, batch=batch, world=2, sharding="fsdp"),
    fc.diff(model, "train all", rules, batch=batch), fc.compare(build, [rules], pairs, torch.nn.MSELoss(), seeds=2),
):
    assert str(result)
own = ["py:mine:build", "--allow-python"]
for command in (
    ["mask", *own, "--rules", rules], ["estimate", *own, "--rules", rules, "--input", "8"],
    ["lock", *own, rules, "--out", "freeze.yaml"], ["check", "freeze.yaml", "--allow-python"],
    ["export", *own, "--rules", rules],
):
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert main(command) == 0, command
exec(printed.getvalue())
assert [name for name, parameter in model.named_parameters() if parameter.requires_grad] == ["2.weight", "2.bias"]
"""


def test_a_model_of_ones_own_asks_for_torch_alone(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from torch import nn\n"
        "def build():\n    return nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Linear(8, 2))\n"
    )
    needless = " ".join(name for name, (_, extra) in LIBRARIES.items() if extra and name != "torch")
    names = {"FREEZE_EXPLORER_HOME": str(tmp_path), "PYTHONPATH": f"{os.getcwd()}{os.pathsep}{tmp_path}"}
    done = subprocess.run(
        [sys.executable, "-c", OWN, needless], cwd=tmp_path, env={**os.environ, **names}, capture_output=True,
        text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_that_no_temporary_folder_may_be_written_is_told(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/no/such/folder"])
    with pytest.raises(FreezeError, match="temporary folder") as told, told_if_missing():
        tempfile.mkdtemp()
    assert "TMPDIR" in told.value.hint


def test_another_file_that_is_missing_is_not_taken_for_a_temporary_folder():
    with pytest.raises(FileNotFoundError), told_if_missing():
        Path("/no/such/file").read_text()
