"""`mcp`: the same answers for an agent, over the Model Context Protocol on standard input and output.

Every tool is a command, typed as a person would type it; none writes a file or runs a person's code, and those that
train ask for leave that only whoever starts the server can give.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import sys
import threading
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from freezecore import __version__
from freezecore.errors import FreezeError, RunsPython, told_if_missing

EXAMPLE = "--allow-training"
AGENTS = Path(__file__).parents[1] / "agents"
NO_LEAVE = (
    "This server may not train: whoever started it did not allow it. Ask the person whether it may; they start it "
    "again with `freezecore mcp --allow-training`."
)
NO_PYTHON = (
    "This server runs none: ask the person to save the model once with `fc.save(model, batch, 'model.json')`, and name "
    "it file:model.json."
)
MANY = 50  # models in one answer
ONE_AT_A_TIME = threading.Lock()  # of what torch holds once for a process


def add_arguments(to: ArgumentParser) -> None:
    to.add_argument("--allow-training", action="store_true", help="let an agent run probes, which train for real")
    to.add_argument(
        "--folder", metavar="FOLDER", help="where paths in a question begin (else: where the client starts it)"
    )
    to.add_argument("--skill", action="store_true", help="print how an agent should use it, for its folder of skills")


def gather(options: Namespace) -> dict:
    """Serve until the other side hangs up; with `--skill`, its text."""
    if not options.skill:
        _begin_in(options.folder)
        agent_server = server(options.allow_training)
        with contextlib.redirect_stdout(sys.__stdout__):  # which the protocol takes over, and keeps others from
            os.dup2(options.answers.fileno(), 1)
            agent_server.run("stdio")
        raise SystemExit  # the agent has hung up: there is nobody to print an answer for
    return {"skill": _file("SKILL.md")}


def _begin_in(folder: str | None) -> None:
    """Let relative paths begin in this folder: clients start a server wherever they stand, some in the root.

    Raises:
        FreezeError: there is no such folder.
    """
    try:
        os.chdir(folder or ".")
    except OSError as error:
        raise FreezeError("'{folder}' is no folder.", "Check the path.", folder=folder) from error


def show(document: dict) -> str:
    return document["skill"].rstrip("\n")


def server(allow_training: bool) -> Any:
    """The server with its tools.

    Raises:
        ModuleNotFoundError: the SDK is not installed.
    """
    from mcp.server import MCPServer
    from mcp.types import ToolAnnotations

    made = MCPServer("freezecore", version=__version__, instructions=_file("llms.txt"), log_level="CRITICAL")
    reads = ToolAnnotations(read_only_hint=True, open_world_hint=False)
    for tool in (models, tree, mask, estimate, export, lock, check):
        made.tool(annotations=reads)(_told(tool))
    made.tool(annotations=ToolAnnotations(read_only_hint=False, open_world_hint=False))(_told(probe, allow_training))
    for name in ("SKILL.md", "llms.txt"):
        made.resource(f"freezecore://{name}", name=name)(functools.partial(_file, name))
    return made


def _file(name: str) -> str:
    return (AGENTS / name).read_text("utf-8")


def _told(tool: Callable, may: bool = True) -> Callable:
    """The tool, whose problems are told as sentences; one that may not run says why."""
    from mcp.server.mcpserver.exceptions import ToolError

    @functools.wraps(tool)
    def call(**arguments: Any) -> Any:
        if not may:
            raise ToolError(NO_LEAVE)
        try:
            with ONE_AT_A_TIME, told_if_missing():
                return tool(**arguments)
        except RunsPython as error:
            raise ToolError(f"{error.problem} {NO_PYTHON}") from error
        except FreezeError as error:
            raise ToolError(f"{error}{_where(error)}") from error

    return call


def _where(error: FreezeError) -> str:
    """For a file that is not there: where it was looked for, which an agent cannot see."""
    return f" Relative paths begin in {Path.cwd()}." if isinstance(error.__cause__, FileNotFoundError) else ""


def answer(command: str, *positional: str, **named: object) -> dict[str, Any]:
    """What the command answers; a value that begins like an option is none.

    Raises:
        FreezeError: what the command tells, or a value that it does not take.
    """
    from freezecore.cli import parser

    if str(named.get("rules") or "").startswith("@"):
        raise FreezeError("Rules are read from no file here.", "Send their text.")
    given = {f"--{name.replace('_', '-')}": value for name, value in named.items() if value is not None}
    flags = [flag if value is True else f"{flag}={value}" for flag, value in given.items() if value is not False]
    try:
        with contextlib.redirect_stderr(io.StringIO()) as said:
            options = parser([command]).parse_args([command, *flags, "--", *positional])
    except SystemExit as error:
        raise FreezeError("{cause}.", "", cause=said.getvalue().strip().rpartition("error: ")[2]) from error
    with open(os.devnull, "w") as unread:  # events of a run
        options.json, options.answers = True, unread
        return options.gather(options)


def models(word: str) -> dict[str, Any]:
    """Models whose name contains the word, with their sources and sizes; of very many the first, and a note."""
    document = answer("models", word)
    if len(listed := document["models"]) > MANY:
        document |= {"models": listed[:MANY], "note": f"{len(listed) - MANY} more: ask for a longer word."}
    return document


def tree(
    source: str,
    parameters: bool = False,
    task: str | None = None,
    num_labels: int | None = None,
    adapter: str | None = None,
) -> dict[str, Any]:
    """A model's layers, blocks, embeddings and head, without weights; like neighbours once, and how many `more` follow.

    Args:
        source: timm:NAME, hf:OWNER/NAME, config:TYPE, config:./config.json or file:model.json.
        parameters: every layer and every parameter by its name, which may be thousands.
        adapter: such as "lora r=8 on *.q_proj *.v_proj".
    """
    built = {"task": task, "num_labels": num_labels, "adapter": adapter}
    return _short(answer("tree", source, short=not parameters, **built), parameters)


def mask(
    source: str,
    rules: str,
    parameters: bool = False,
    task: str | None = None,
    num_labels: int | None = None,
    adapter: str | None = None,
) -> dict[str, Any]:
    """What rules such as "freeze all; train head" train and freeze, with findings about what is wrong with them."""
    built = {"task": task, "num_labels": num_labels, "adapter": adapter}
    return _short(answer("mask", source, rules=rules, **built), parameters)


def estimate(
    source: str,
    rules: str,
    batch_size: int = 32,
    image_size: int | None = None,
    sequence_length: int | None = None,
    precision: str = "fp32",
    optimizer: str = "adamw",
    device: str = "cpu",
    checkpointing: bool = False,
    accumulate: int = 1,
    budget: str | None = None,
    task: str | None = None,
    num_labels: int | None = None,
    adapter: str | None = None,
    quantize: str | None = None,
    versus: bool = False,
) -> dict[str, Any]:
    """Peak memory and work of one training step, its parts, the cards that it fits; null with a reason where unknown.

    Args:
        budget: such as 16GB: what has to be frozen to fit.
        device: cuda follows a card's own kernels, also where there is none.
        adapter: such as "lora r=8 on *.q_proj *.v_proj".
        quantize: nf4 or int8, as QLoRA keeps the base.
        versus: this selection beside full, head, LoRA and QLoRA.
    """
    return answer("estimate", source, **{name: value for name, value in locals().items() if name != "source"})


def export(
    source: str,
    rules: str,
    to: str = "pytorch",
    task: str | None = None,
    num_labels: int | None = None,
    adapter: str | None = None,
    quantize: str | None = None,
) -> dict[str, Any]:
    """The selection as code: pytorch, transformers-trainer, lightning, and others that an unknown name lists."""
    built = {"task": task, "num_labels": num_labels, "adapter": adapter, "quantize": quantize}
    return answer("export", source, rules=rules, to=to, **built)


def lock(
    source: str, rules: str, task: str | None = None, num_labels: int | None = None, adapter: str | None = None
) -> dict[str, Any]:
    """Every name that the rules mean, as the text of a file for `check`."""
    return answer("lock", source, rules, task=task, num_labels=num_labels, adapter=adapter)


def check(file: str, source: str | None = None) -> dict[str, Any]:
    """Whether a locked selection still means the same parameters: what is missing, new, renamed or reshaped."""
    return answer("check", file, source=source)


def probe(
    source: str, rules: str, data: str = "shapes", steps: int = 60, batch_size: int = 32, seed: int = 0
) -> dict[str, Any]:
    """Train for a moment on real data and prove that the freeze held; needs leave from whoever started this server."""
    return answer("probe", source, rules=rules, data=data, steps=steps, batch_size=batch_size, seed=seed)


def _short(document: dict[str, Any], parameters: bool) -> dict[str, Any]:
    """The answer without a line for each parameter, unless they were asked for: a model has thousands."""
    return document if parameters else {name: value for name, value in document.items() if name != "parameters"}
