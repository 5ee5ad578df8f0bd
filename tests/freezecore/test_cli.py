"""The command line: documented fields, one JSON document and nothing else, one sentence for each problem."""

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from freezecore.cli import main, parser

RESNET = "timm:resnet18"
PROBE = "freeze all; train head"

FIELDS = {
    ("models", "resnet18"): ["models"],
    ("tree", RESNET): ["source", "fingerprint", "total", "order", "layers", "parameters", "towers", "head"],
    ("mask", RESNET, "--rules", PROBE): [
        *("source", "rules", "total", "trainable", "frozen", "parameters", "hits", "norms_held", "dropout_off"),
        *("phases", "shortest_rules", "findings"),
    ],
    (
        "estimate",
        RESNET,
        "--rules",
        PROBE,
        "--batch-size",
        "4",
        "--image-size",
        "64",
        "--curve",
        "--budget",
        "1GB",
        "--timeline",
    ): [
        "timeline",
        *(
            "peak_with_scratch",
            "peak_bytes",
            "peak_moment",
            "weights",
            "gradients",
            "optimizer",
            "activations",
            "temporaries",
        ),
        *(
            "flops_forward",
            "flops_backward",
            "peak_with_scratch",
            "full",
            "trace_s",
            "evaluate_s",
            "fits",
            "curve",
            "budget",
            "reserved_bytes",
            "left_out",
        ),
    ],
    ("export", RESNET, "--rules", PROBE, "--to", "pytorch"): ["target", "code"],
}
ROWS = {
    "models": ["source", "family", "parameters"],
    "tree.layers": ["path", "class", "kind", "parameters", "own_parameters", "more"],
    "tree.parameters": [
        *("name", "owner", "shape", "numel", "dtype", "kind", "norm", "bias", "aliases", "frozen_by_author"),
    ],
    "tree.towers": ["name", "path", "embeddings", "stem", "stages", "blocks"],
    "mask.parameters": ["name", "numel", "trainable", "kind", "aliases"],
    "mask.hits": ["rule", "parameters"],
    "estimate.fits": ["card", "card_bytes", "margin_bytes", "fits", "largest_batch"],
    "estimate.curve": ["frozen_blocks", "rules", "peak_bytes", "flops_backward"],
    "estimate.timeline": ["phase", "layer", "operation", "bytes", "weights", "gradients", "activations"],
    "estimate.budget": ["bytes", "rules", "peak_bytes"],
}


def run(capsys, *arguments: str) -> dict:
    """The document of a command that succeeds."""
    assert main([*arguments, "--json"]) == 0
    shown = capsys.readouterr()
    assert shown.out.count("\n") == 1
    return json.loads(shown.out)


@pytest.mark.parametrize("arguments", FIELDS, ids=lambda arguments: arguments[0])
def test_each_document_has_its_documented_fields(arguments, capsys):
    document = run(capsys, *arguments)
    assert set(FIELDS[arguments]) <= set(document)
    for place, fields in ROWS.items():
        command, _, key = place.partition(".")
        if command == arguments[0]:
            rows = document[key or command]
            assert set(fields) <= set(rows if isinstance(rows, dict) else rows[0])


def test_the_seed_names_with_their_requires_grad(capsys):
    everything = run(capsys, "mask", RESNET)
    assert len(everything["parameters"]) == 62
    assert everything["trainable"] == everything["total"] == 11_689_512
    one = run(capsys, "mask", RESNET, "--rules", "freeze conv1.weight")
    assert [p["name"] for p in one["parameters"] if not p["trainable"]] == ["conv1.weight"]
    some = run(capsys, "mask", RESNET, "--rules", "freeze contains:layer1.0.")
    assert len([p for p in some["parameters"] if not p["trainable"]]) == 6
    assert some["shortest_rules"] == "freeze layer1.0"


def test_a_table_is_printed_for_a_person(capsys):
    assert main(["mask", RESNET, "--rules", PROBE]) == 0
    shown = capsys.readouterr().out
    assert "fc.weight                       512,000  True\n" in shown
    assert "513,000 of 11,689,512 train (4.4 %)" in shown
    assert "train head: 2 parameters" in shown


def test_a_small_probe_streams_steps_and_ends_with_its_result(capsys):
    arguments = ["probe", "timm:test_vit", "--weights", "random", "--data", "digits", "--steps", "3", "--rules", PROBE]
    assert main([*arguments, "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    steps = [line for line in lines if line["event"] == "step"]
    assert [line["step"] for line in steps] == [1, 2, 3]
    result = lines[-1]
    assert result["event"] == "result"
    assert result["state"] == "done"
    assert result["proof"]["ok"] is True
    documented = [
        *("device", "steps", "train_size", "accuracy_before", "accuracy_after", "train_accuracy_after", "loss_first"),
        *("loss_last", "step_s", "samples_per_s", "peak_bytes", "rss_bytes", "estimated_peak_bytes", "cache"),
    ]
    assert set(documented) <= set(result)
    assert result["estimated_peak_bytes"] > result["total"] * 4
    assert set(result["cache"]) >= {"used", "why", "cut", "capture_s", "speedup"}


@pytest.mark.parametrize(
    ("arguments", "problem", "hint"),
    [
        (["tree", "resnet18"], "'resnet18' does not say where the model comes from.", "Did you mean 'timm:resnet18'"),
        (["tree", "timm:resnet-18"], "timm has no architecture called 'resnet-18'.", "Did you mean 'resnet18'"),
        (["tree", "py:os:getcwd"], "'py:os:getcwd' runs Python code of yours.", "--allow-python"),
        (["mask", RESNET, "--rules", "freeze layr1"], "No parameter of timm:resnet18 matches 'layr1'.", "'layer1'"),
        (["mask", RESNET, "--rules", "frieze head"], "Cannot read the rule 'frieze head'.", "Did you mean 'freeze'?"),
        (["mask", RESNET, "--rules", "@nowhere.txt"], "'nowhere.txt' cannot be read.", "Check the path."),
        (["estimate", RESNET, "--batch-size", "0"], "The batch size 0 is out of range.", "from 1 to 65,536"),
        (["estimate", RESNET, "--budget", "lots"], "'lots' is no amount of memory.", "16GB"),
        (["probe", RESNET, "--weights", "random", "--rules", "freeze all"], "are frozen", "train head"),
        (["probe", RESNET, "--steps", "0"], "Steps 0 is out of range.", "Choose between 1 and 100000."),
        (["export", RESNET, "--to", "kubernetes"], "'kubernetes'", "pytorch"),
    ],
    ids=lambda value: " ".join(value[:4]) if isinstance(value, list) else "",
)
def test_a_problem_is_a_sentence_and_a_hint_on_standard_error(arguments, problem, hint, capsys):
    assert main(arguments) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("freezecore: ")
    assert problem in shown.err
    assert hint in shown.err
    assert "Traceback" not in shown.err


@pytest.mark.parametrize("arguments", [[], ["frobnicate"], ["tree"], ["mask", RESNET, "--rules", "a", "--spec", "b"]])
def test_wrong_usage_ends_with_2(arguments):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


def test_every_command_has_help_with_an_example():
    commands = parser()._subparsers._group_actions[0].choices
    assert set(commands) == {
        *("models", "tree", "mask", "estimate", "data", "probe", "sweep", "find", "suggest", "export", "import"),
        *("check", "completion", "calibrate", "lock", "schema", "mcp"),
    }
    for name, command in commands.items():
        assert f"freezecore {name}" in command.epilog


def test_help_needs_no_heavy_library():
    blocked = "import sys; sys.modules['torch'] = None; from freezecore.cli import main; main(['--help'])"
    shown = subprocess.run([sys.executable, "-c", blocked], capture_output=True, text=True, timeout=60, check=True)
    assert "export" in shown.stdout


def test_a_probe_ends_with_its_accuracy_estimate_and_proof_in_words(capsys):
    arguments = ["probe", "timm:test_vit", "--weights", "random", "--data", "digits", "--steps", "2", "--rules", PROBE]
    assert main(arguments) == 0
    shown = capsys.readouterr().out
    assert "done after 2 steps on " in shown
    assert "B estimated" in shown
    assert "proof: Nothing frozen moved: " in shown


@pytest.fixture
def saved(tmp_path, capsys) -> str:
    """A spec of a linear probe, as `export --to spec` writes it."""
    assert main(["export", RESNET, "--rules", PROBE, "--to", "spec"]) == 0
    file = tmp_path / "spec.yaml"
    file.write_text(capsys.readouterr().out)
    return str(file)


def test_what_comes_back_and_what_is_checked_have_their_documented_fields(saved, capsys):
    back = run(capsys, "import", saved, "--source", RESNET)
    assert set(back) >= {"rules", "mapped", "missing", "new"}
    assert back["rules"] == PROBE
    nothing = {"missing": [], "new": [], "changed": [], "renamed": [], "reshaped": [], "reason": "", "versions": []}
    nothing |= {"locked_for": "timm:resnet18", "held_against": "timm:resnet18"}
    assert run(capsys, "check", saved) == {"same": True, **nothing}


@pytest.mark.parametrize(
    ("then", "difference"),
    [
        ("fc.offset: 1000 t", ["missing: fc.offset", "new: fc.bias"]),
        ("fc.bias: 1000 f", ["changed: fc.bias"]),
    ],
)
def test_a_spec_that_no_longer_gives_the_same_set_fails_by_name(then, difference, saved, capsys):
    file = Path(saved)
    file.write_text(file.read_text().replace("fc.bias: 1000 t", then))
    assert main(["check", saved]) == 1
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "not the same set"
    assert [line for line in shown if ": " in line] == difference


@pytest.mark.parametrize("command", ["check", "calibrate"])
def test_code_that_a_file_or_a_list_names_runs_only_by_leave(command, tmp_path, monkeypatch, capsys):
    (tmp_path / "their_model.py").write_text("raise SystemExit('it ran')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    spec = tmp_path / "spec.yaml"
    spec.write_text('source: "py:their_model:build"\nrules: freeze all\n')
    assert main([command, str(spec)] if command == "check" else [command, "--models", "py:their_model:build"]) == 1
    assert "'py:their_model:build' runs Python code of yours." in capsys.readouterr().err


def test_a_spec_of_a_function_of_one_s_own_is_checked_by_leave(tmp_path, monkeypatch, capsys):
    (tmp_path / "our_model.py").write_text("from torch import nn\n\n\ndef build():\n    return nn.Linear(2, 2)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    spec = tmp_path / "spec.yaml"
    assert main(["export", "py:our_model:build", "--allow-python", "--to", "spec"]) == 0
    spec.write_text(capsys.readouterr().out)
    assert main(["check", str(spec), "--allow-python"]) == 0


def test_a_spec_of_one_s_own_model_is_checked_against_the_file_that_is_named(tmp_path, capsys):
    import torch

    import freezecore as fc

    files = [f"file:{tmp_path / f'{width}.json'}" for width in (2, 3)]
    for width, file in zip((2, 3), files, strict=True):
        fc.save(torch.nn.Sequential(torch.nn.Linear(2, width)), torch.ones(2, 2), file.removeprefix("file:"))
    assert main(["export", files[0], "--rules", "train all", "--to", "spec"]) == 0
    spec = tmp_path / "spec.yaml"
    spec.write_text(capsys.readouterr().out)
    assert main(["check", str(spec)]) == 1
    assert "saved for a model of your own, 'Sequential'" in capsys.readouterr().err
    assert main(["check", str(spec), "--source", files[0]]) == 0
    assert main(["check", str(spec), "--source", files[1]]) == 1


def test_a_parameter_that_was_renamed_or_reshaped_is_told_by_both_names_and_shapes(saved, capsys):
    file, text = Path(saved), Path(saved).read_text()
    file.write_text(
        re.sub("fingerprint: .*", "fingerprint: '0123456789abcdef'", text.replace("  fc.", "  classifier."))
    )
    assert main(["check", saved]) == 1
    shown = capsys.readouterr().out.splitlines()
    assert "renamed: classifier.weight → fc.weight" in shown
    assert "renamed: classifier.bias → fc.bias" in shown
    file.write_text(
        text.replace("conv1.weight: 64x3x7x7", "conv1.weight: 64x1x7x7").replace("fingerprint: ", "fingerprint: 0")
    )
    assert main(["check", saved]) == 1
    assert "reshaped: conv1.weight: 64x1x7x7 → 64x3x7x7" in capsys.readouterr().out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_commands_options_and_targets(shell, capsys):
    pytest.importorskip("shtab", reason="requirements.txt")
    script = run(capsys, "completion", shell)["script"]
    assert all(word in script for word in ("export", "--layer-decay" if shell != "fish" else "layer-decay", "axolotl"))


def test_bash_completes_from_the_script(tmp_path, capsys):
    pytest.importorskip("shtab", reason="requirements.txt")
    file = tmp_path / "completion"
    file.write_text(run(capsys, "completion", "bash")["script"])
    typed = "COMP_WORDS=(freezecore export x --to li); COMP_CWORD=4; _shtab_freezecore freezecore li --to"
    shown = subprocess.run(
        ["bash", "-c", f'source {file}; {typed}; echo "${{COMPREPLY[@]}}"'], capture_output=True, text=True, timeout=60
    )
    assert shown.stdout == "lightning\n"


def test_without_shtab_completion_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert main(["completion", "bash"]) == 1
    assert "This needs shtab, which is not installed.\n  pip install 'freeze-explorer'" in capsys.readouterr().err


def test_colour_is_for_terminals_only(monkeypatch, capsys):
    arguments = ["mask", RESNET, "--rules", PROBE]
    assert main(arguments) == 0
    assert "\x1b" not in capsys.readouterr().out
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert main(arguments) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line for line in shown if "\x1b" in line and "fc." in line]
    assert not [line for line in shown if "\x1b" in line and "conv1" in line]
    monkeypatch.setenv("NO_COLOR", "1")
    assert main(arguments) == 0
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize(("more", "moved"), [([], True), (["--epoch", "0"], False)])
def test_a_schedule_runs_as_one_unless_a_phase_is_asked_for(capsys, more, moved):
    rules = "freeze all; train head; from epoch 1: train all"
    command = ["probe", "timm:tf_efficientnet_lite0", "--rules", rules, "--steps", "4", "--batch-size", "32", "--json"]
    assert main([*command, "--train-size", "64", "--test-size", "20", *more]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert ("from epoch 1" in result["request"]["spec"]) == moved
    assert result["proof"]["ok"]


def test_rules_come_from_standard_input_too(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"freeze all; train head")))
    assert main(["mask", RESNET, "--rules", "@-", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["trainable"] == 513_000


def test_a_file_without_an_end_is_a_sentence(capsys):
    assert main(["mask", RESNET, "--rules", "@/dev/zero"]) == 1
    assert "'/dev/zero' is larger than" in capsys.readouterr().err


def test_the_version_is_printed(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.startswith("freezecore ")


def test_the_help_of_a_command_fits_a_terminal(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit):
        main(["mask", "--help"])
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 100


@pytest.fixture
def own_modules(tmp_path, monkeypatch):
    """Models of a person's own: one whose code prints, one that reads token numbers."""
    (tmp_path / "own_printing.py").write_text(
        "import torch\nprint('imported')\n"
        "class Net(torch.nn.Sequential):\n"
        "    def forward(self, x):\n        print('forward')\n        return super().forward(x)\n"
        "def make():\n    print('built')\n    return Net(torch.nn.Conv2d(3, 4, 3), torch.nn.AdaptiveAvgPool2d(1), "
        "torch.nn.Flatten(), torch.nn.Linear(4, 10))\n"
    )
    (tmp_path / "own_reading.py").write_text(
        "from torch import nn\n"
        "def tokens(): return nn.Sequential(nn.Embedding(50, 8), nn.Flatten(), nn.Linear(8, 2))\n"
        "def bag(): return nn.Sequential(nn.EmbeddingBag(50, 8), nn.Linear(8, 2))\n"
        "def sound(): return nn.Sequential(nn.Conv1d(1, 8, 3), nn.Flatten(), nn.Linear(8, 2))\n"
        "def rows(): return nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 2))\n"
        "def pictures(): return nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(8, 2))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in ("own_printing", "own_reading"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("more", [["tree"], ["mask"], ["export"], ["estimate", "--batch-size", "2"], ["probe"]])
def test_what_a_model_s_own_code_prints_is_not_in_the_answer(more, own_modules, capsys):
    command, *options = more
    if command == "probe":
        options = ["--data", "digits", "--steps", "1", "--train-size", "32", "--test-size", "32", "--device", "cpu"]
    assert main([command, "py:own_printing:make", "--allow-python", "--json", *options]) == 0
    printed = capsys.readouterr()
    assert [json.loads(line) for line in printed.out.splitlines()]
    assert "built" in printed.err


@pytest.mark.parametrize(
    "name, data, reads",
    [
        ("tokens", "docstrings", "token numbers, for which no tokenizer is known."),
        ("tokens", "digits", "token numbers, for which no tokenizer is known."),
        ("bag", "docstrings", "token numbers, for which no tokenizer is known."),
        ("sound", "shapes", "sequences of numbers."),
        ("rows", "docstrings", "rows of numbers."),
        ("pictures", "docstrings", "pictures."),
    ],
)
def test_a_probe_says_what_a_model_of_one_s_own_reads(name, data, reads, own_modules, capsys):
    assert main(["probe", f"py:own_reading:{name}", "--allow-python", "--data", data, "--steps", "1"]) == 1
    assert f"and own_reading:{name} reads {reads}" in capsys.readouterr().err


def test_a_spec_of_another_model_is_told_and_applied(tmp_path, capsys):
    spec = tmp_path / "spec.yaml"
    spec.write_text(run(capsys, "export", RESNET, "--rules", PROBE, "--to", "spec")["code"])
    for command in ("estimate", "mask"):
        assert main([command, "timm:resnet34", "--spec", str(spec), "--json"]) == 0
        printed = capsys.readouterr()
        told = "freezecore: the spec was saved for timm:resnet18; here its rules are applied to timm:resnet34.\n"
        assert printed.err == told
        json.loads(printed.out)
    assert main(["mask", RESNET, "--spec", str(spec), "--json"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "word, told",
    [
        ("zzzz", r"No model's name contains 'zzzz'; the nearest are \w+:\S+, \w+:\S+, \w+:\S+\.\n"),
        ("resnte", r"source (.|\n)*\nNo model's name contains 'resnte'; these are like it\.\n"),
        ("resnet18", r"source ((?!No model)(.|\n))*"),
    ],
)
def test_a_name_that_no_model_has_is_told_with_the_nearest(word, told, capsys):
    assert main(["models", word]) == 0
    assert re.fullmatch(told, capsys.readouterr().out)


def test_the_largest_batch_that_is_looked_at_is_told_as_the_least(tmp_path, capsys):
    import torch

    import freezecore as fc

    fc.save(torch.nn.Sequential(torch.nn.Linear(2, 3)), torch.ones(2, 2), tmp_path / "model.json")
    assert main(["estimate", f"file:{tmp_path / 'model.json'}"]) == 0
    assert "at least 65,536" in capsys.readouterr().out
