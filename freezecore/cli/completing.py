"""`completion`: a script by which a shell completes commands, options and their values."""

from __future__ import annotations

from argparse import Action, ArgumentParser, Namespace
from collections.abc import Iterator

from freezecore.cli.arguments import command
from freezecore.errors import FreezeError

SHELLS = ("bash", "zsh", "fish")


def add(commands) -> None:
    """Put the command on the command line."""
    example = "bash > ~/.local/share/bash-completion/completions/freezecore"
    to = command(commands, "completion", example, gather, show)
    to.add_argument("shell", choices=SHELLS)


def gather(options: Namespace) -> dict:
    """The script's document.

    Raises:
        FreezeError: shtab, which writes the script, is not installed.
    """
    try:
        import shtab
    except ImportError as error:
        raise FreezeError(
            "Completion scripts are written by shtab, which is not installed.", "pip install shtab"
        ) from (error)
    from freezecore._export import TARGETS
    from freezecore.cli import parser

    root = parser()
    for action in _actions(root):
        if action.metavar in ("FILE", "SPEC"):
            action.complete = shtab.FILE
        elif action.metavar == "TARGET":
            action.choices = tuple(TARGETS)
    return {"shell": options.shell, "script": shtab.complete(root, shell=options.shell)}


def show(document: dict) -> str:
    return document["script"].rstrip("\n")


def _actions(parser: ArgumentParser) -> Iterator[Action]:
    """Every argument of every command."""
    for action in parser._actions:
        yield action
        if isinstance(action.choices, dict):
            for below in action.choices.values():
                yield from _actions(below)
