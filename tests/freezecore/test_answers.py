"""What `--json` prints is what `freezecore schema` says, field by field."""

import json

import pytest
from jsonschema import Draft202012Validator

from freezecore.cli import COMMANDS, main
from tests.freezecore.test_cli import PROBE, RESNET

TRAINING = ("--weights", "random", "--steps", "2", "--batch-size", "2", "--train-size", "8", "--test-size", "8")
TRAINING += ("--image-size", "32", "--data", "digits", "--device", "cpu")
TYPED = {
    "models": ("resnet18",),
    "tree": (RESNET,),
    "mask": (RESNET, "--rules", PROBE),
    "estimate": (
        *(RESNET, "--rules", PROBE, "--batch-size", "2", "--image-size", "64", "--curve", "--timeline"),
        *("--budget", "1GB", "--world", "2"),
    ),
    "calibrate": ("--device", "cpu", "--models", "timm:test_vit"),
    "data": ("digits",),
    "probe": (RESNET, "--rules", PROBE, *TRAINING),
    "sweep": (RESNET, "--rules", PROBE, "--rules", "train all", *TRAINING),
    "find": (RESNET, "--minutes", "0.2", *TRAINING),
    "suggest": (RESNET, "--by", "gradients", "--budget", "1GB", *TRAINING),
    "export": (RESNET, "--rules", PROBE),
    "import": ("names.txt", "--source", RESNET),
    "lock": (RESNET, PROBE),
    "check": ("lock.yaml",),
    "completion": ("bash",),
}
DEAR = ("calibrate", "probe", "sweep", "find", "suggest")


def strict(schema):
    """The same schema, which also refuses fields that it does not name."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(value) for key, value in schema.items()}
    if "properties" in schema and isinstance(schema.get("required"), list):
        made["additionalProperties"] = False
    return made


def printed(capsys, *arguments) -> list[dict]:
    capsys.readouterr()
    code = main([*arguments, "--json"])
    out, err = capsys.readouterr()
    assert code == 0, err
    return [json.loads(line) for line in out.splitlines()]


def test_every_command_has_an_answer_and_every_answer_a_schema(capsys):
    (schema,) = printed(capsys, "schema")
    Draft202012Validator.check_schema(schema)
    assert {name for name in schema["$defs"] if not name.endswith("-event")} == set(COMMANDS) - {"schema", "mcp"}
    assert set(TYPED) == set(COMMANDS) - {"schema", "mcp"}


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in DEAR else n for n in TYPED])
def test_what_a_command_prints_is_what_the_schema_says(name, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FREEZE_EXPLORER_HOME", str(tmp_path / "home"))
    (tmp_path / "names.txt").write_text("fc.weight\nmodel.unknown = 3\n")
    main(["lock", RESNET, PROBE, "--out", "lock.yaml"])
    (schema,) = printed(capsys, "schema", name)
    *events, answer = printed(capsys, name, *TYPED[name])
    Draft202012Validator(strict(schema)).validate(answer)
    for event in events:
        (told,) = printed(capsys, "schema", f"{name}-event")
        Draft202012Validator(told).validate(event)


def test_a_field_of_another_type_is_refused(capsys):
    (schema,) = printed(capsys, "schema", "check")
    answer = {"same": "yes", "missing": [], "new": [], "changed": [], "renamed": [], "reshaped": [], "reason": ""}
    said = [error.message for error in Draft202012Validator(schema).iter_errors(answer)]
    assert any("'yes' is not of type 'boolean'" in each for each in said)
    assert any("'locked_for' is a required property" in each for each in said)


def test_an_answer_that_there_is_none_of_is_a_sentence(capsys):
    assert main(["schema", "masks"]) == 1
    assert "There is no answer 'masks'. Did you mean 'mask'" in capsys.readouterr().err.replace("\n ", "")
