"""`completion`: a script by which a shell completes commands, options and their values."""

from __future__ import annotations

from argparse import Action, ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Iterator
from typing import Any

EXAMPLE = "bash > ~/.local/share/bash-completion/completions/freezecore"
SHELLS = ("bash", "zsh", "fish")


def add_arguments(to: ArgumentParser) -> None:
    to.add_argument("shell", choices=SHELLS)


def gather(options: Namespace) -> dict:
    """The script's document."""
    import shtab

    from freezecore._export import TARGETS
    from freezecore.cli import parser

    root = parser()
    action: Any
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
        if isinstance(action, _SubParsersAction):
            for below in action.choices.values():
                yield from _actions(below)
