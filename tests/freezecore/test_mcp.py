"""An agent's door: a real client of the official SDK starts `freezecore mcp` and asks."""

import asyncio
import json
import re
import shlex
import sys
from pathlib import Path

import pytest
import torch
from jsonschema import Draft202012Validator
from mcp import Client, StdioServerParameters
from torch import nn

from freezecore import save
from freezecore._export import TARGETS
from freezecore.cli import main, mcp, parser, schema
from freezecore.cli.mcp import AGENTS
from freezecore.errors import FreezeError

RESNET, RULES = "timm:resnet18", "freeze all; train head"
ROOT = Path(__file__).parents[2]


def asked(*calls: tuple[str, dict], flags: tuple[str, ...] = (), **started: object) -> list:
    """The server's answers to these calls, one after another."""
    how = {"command": sys.executable, "args": ["-m", "freezecore", "mcp", *flags], "cwd": ROOT} | started

    async def ask() -> list:
        async with Client(StdioServerParameters(**how)) as client:
            listed = await client.list_tools()
            return [listed.tools, *[await client.call_tool(name, arguments) for name, arguments in calls]]

    return asyncio.run(ask())


def text(result) -> str:
    return "".join(part.text for part in result.content)


def test_a_client_lists_a_tree_prices_a_mask_and_exports_it(capsys):
    tools, tree, mask, cost, code, lock = asked(
        ("tree", {"source": RESNET}),
        ("mask", {"source": RESNET, "rules": RULES}),
        ("estimate", {"source": RESNET, "rules": RULES, "batch_size": 1, "image_size": 64, "budget": "1GB"}),
        ("export", {"source": RESNET, "rules": RULES}),
        ("lock", {"source": RESNET, "rules": RULES}),
    )
    assert {tool.name for tool in tools} == {"models", "tree", "mask", "estimate", "export", "lock", "check", "probe"}
    assert [tool.name for tool in tools if not tool.annotations.read_only_hint] == ["probe"]
    assert not any(result.is_error for result in (tree, mask, cost, code, lock))
    assert tree.structured_content["head"] == ["fc"] and "parameters" not in tree.structured_content
    assert mask.structured_content["trainable"] == 513_000
    Draft202012Validator(schema.schema_of(schema.answers()["estimate"])).validate(cost.structured_content)
    sizes = ("--batch-size", "1", "--image-size", "64", "--budget", "1GB")
    assert main(["estimate", RESNET, "--rules", RULES, *sizes, "--json"]) == 0
    typed = json.loads(capsys.readouterr().out)
    assert cost.structured_content["peak_bytes"] == typed["peak_bytes"] > 0
    assert "requires_grad" in code.structured_content["code"]
    assert "fc.weight" in lock.structured_content["lock"]


def test_without_leave_nothing_trains_and_the_agent_is_told_whom_to_ask():
    (_, refused) = asked(("probe", {"source": RESNET, "rules": RULES, "steps": 1}))
    assert refused.is_error
    assert "Ask the person whether it may" in text(refused) and "--allow-training" in text(refused)


def test_a_clients_configuration_as_documented_reads_files_of_its_folder_wherever_it_is_started(tmp_path):
    document = (ROOT / "docs" / "agents.md").read_text("utf-8").replace("/home/me/project", str(tmp_path))
    (written,) = re.findall(r"```json\n(.*?)```", document, re.DOTALL)
    program = tmp_path / ".venv" / "bin" / "freezecore"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!{sys.executable}\nimport sys\nfrom freezecore.cli import main\nsys.exit(main())\n")
    program.chmod(0o755)
    save(nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 2)), torch.randn(4, 8), tmp_path / "model.json")
    server = json.loads(written)["mcpServers"]["freezecore"]
    calls = [("tree", {"source": f"file:{name}.json"}) for name in ("model", "nowhere")]
    _, found, missing = asked(*calls, **server, cwd="/", env={"PYTHONPATH": str(ROOT)})
    assert found.structured_content["total"] == 90
    assert missing.is_error and f"Relative paths begin in {tmp_path}" in text(missing)


def test_a_folder_that_is_none_is_told(tmp_path, capsys):
    assert main(["mcp", "--folder", str(tmp_path / "nowhere")]) == 1
    assert "nowhere' is no folder" in capsys.readouterr().err


@pytest.mark.slow
def test_with_leave_a_probe_runs():
    call = ("probe", {"source": "timm:tf_efficientnet_lite0", "rules": RULES, "steps": 2, "batch_size": 4})
    (_, done) = asked(call, flags=("--allow-training",))
    assert not done.is_error, text(done)
    assert done.structured_content["proof"]["ok"] is True


def test_ones_and_zeros_are_numbers_and_no_switches():
    assert mcp.mask(RESNET, RULES, num_labels=1)["trainable"] == 513
    with pytest.raises(FreezeError, match="0"):
        mcp.estimate(RESNET, RULES, batch_size=0)


def test_an_agent_reads_what_is_alike_once_and_the_first_of_very_many():
    found = mcp.tree("config:bert")
    like = {layer["path"]: layer["more"] for layer in found["layers"] if layer["more"]}
    assert list(like.values()) == [11] and len(found["towers"][0]["blocks"]) == 12
    assert len(json.dumps(found)) < 6_000
    assert len(mcp.tree("config:bert", parameters=True)["layers"]) > 100
    listed = mcp.models("")
    assert len(listed["models"]) == mcp.MANY and "more: ask for a longer word" in listed["note"]


def test_what_an_agent_is_told_of_targets_are_targets():
    named, _, _ = mcp.export.__doc__.partition(", and others")
    assert set(named.rpartition(": ")[2].split(", ")) <= set(TARGETS)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (("mask", {"source": RESNET, "rules": "freeze layr1"}), "layr1"),
        (("mask", {"source": RESNET, "rules": "@/etc/hostname"}), "Rules are read from no file here"),
        (("tree", {"source": "py:os:getcwd"}), "save the model once with `fc.save("),
        (("tree", {"source": "--allow-python"}), "--allow-python"),
        (("estimate", {"source": RESNET, "rules": RULES, "precision": "fp7"}), "invalid choice: 'fp7'"),
        (("export", {"source": RESNET, "rules": RULES, "to": "keras"}), "keras"),
        (("check", {"file": "/nowhere/freeze.yaml"}), "cannot be read"),
    ],
)
def test_what_an_agent_gets_wrong_is_a_sentence(call, said):
    from freezecore.cli.mcp import server

    async def ask():
        async with Client(server(allow_training=False)) as client:
            return await client.call_tool(*call)

    result = asyncio.run(ask())
    assert result.is_error and said in text(result) and "Traceback" not in text(result)


@pytest.mark.parametrize("name", ["SKILL.md", "llms.txt"])
def test_every_command_that_an_agent_is_taught_is_one(name):
    taught = (AGENTS / name).read_text("utf-8")
    commands = re.findall(r"^    (freezecore .*)$|`(freezecore [a-z][^`]*)`", taught, re.MULTILINE)
    assert len(commands) > 4
    for command in map("".join, commands):
        words = [word for word in shlex.split(command)[1:] if not word.isupper()]
        if words and len(words) == len(shlex.split(command)) - 1 and len(words) > 1:
            parser([words[0]]).parse_args(words)
        assert words[0] in parser(())._subparsers._group_actions[0].choices


def test_the_skill_is_printed_for_an_agents_folder(capsys):
    assert main(["mcp", "--skill"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("---\nname: freezecore\n") and "Ask before you state a number" in printed
