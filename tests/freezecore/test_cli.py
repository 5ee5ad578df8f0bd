"""The command line: documented fields, one JSON document and nothing else, one sentence for each problem."""

import json
import subprocess
import sys

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
    ("estimate", RESNET, "--rules", PROBE, "--batch-size", "4", "--image-size", "64", "--curve", "--budget", "1GB"): [
        *("peak_bytes", "peak_moment", "weights", "gradients", "optimizer", "activations", "temporaries"),
        *("flops_forward", "flops_backward", "full", "trace_s", "evaluate_s", "fits", "curve", "budget", "left_out"),
    ],
    ("export", RESNET, "--rules", PROBE, "--to", "pytorch"): ["target", "code"],
}
ROWS = {
    "models": ["source", "family", "parameters"],
    "tree.layers": ["path", "class", "kind", "parameters", "own_parameters"],
    "tree.parameters": [
        *("name", "owner", "shape", "numel", "dtype", "kind", "norm", "bias", "aliases", "frozen_by_author"),
    ],
    "tree.towers": ["name", "path", "embeddings", "stem", "stages", "blocks"],
    "mask.parameters": ["name", "numel", "trainable", "kind", "aliases"],
    "mask.hits": ["rule", "parameters"],
    "estimate.fits": ["card", "card_bytes", "margin_bytes", "fits", "largest_batch"],
    "estimate.curve": ["frozen_blocks", "rules", "peak_bytes", "flops_backward"],
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
        *(
            "models",
            "tree",
            "mask",
            "estimate",
            "data",
            "probe",
            "sweep",
            "find",
            "suggest",
            "export",
            "import",
            "check",
        ),
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
