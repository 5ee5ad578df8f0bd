"""Which commands there are, so that the others need not be imported to run or to list one."""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    """The module of `freezecore.cli` that adds a command, and what it does in a few words."""

    module: str
    summary: str


COMMANDS = {
    "models": Command("looking", "list models by name"),
    "tree": Command("looking", "show a model's layers, blocks, embeddings and head"),
    "mask": Command("looking", "show which parameters train"),
    "estimate": Command("costing", "predict peak training memory and FLOPs"),
    "data": Command("data", "look at what a probe would train on"),
    "probe": Command("running", "train for a moment and prove that the freeze held"),
    "sweep": Command("searching", "try many selections side by side"),
    "find": Command("searching", "find what to freeze in a given time and memory"),
    "suggest": Command("searching", "suggest selections, each with its reason"),
    "export": Command("taking", "write the selection as code for a trainer"),
    "import": Command("taking", "read rules back from a file: a spec, names, a trainer's own settings"),
    "check": Command("taking", "fail when a saved spec no longer gives the same set"),
    "completion": Command("completing", "print a script by which bash, zsh or fish complete this command line"),
}
