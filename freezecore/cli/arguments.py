"""Arguments that several commands share, and what is read from them."""

from __future__ import annotations

import argparse
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

from freezecore.api import read_tree
from freezecore.cli.commands import COMMANDS
from freezecore.errors import RuleError, SourceError, shortened
from freezecore.source import TASKS, WEIGHTS, ModelSource
from freezecore.spec import FreezeSpec
from freezecore.tree import LayerTree

LARGEST_FILE = 16 * 2**20


def command(
    commands, name: str, example: str, gather: Callable[[Namespace], dict], show: Callable[[dict], str]
) -> ArgumentParser:
    """A command with `--json`; `gather` makes its document, `show` the words for a person."""
    summary = COMMANDS[name].summary
    added = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=f"example:\n  freezecore {name} {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    added.add_argument("--json", action="store_true", help="print JSON and nothing else")
    added.set_defaults(gather=gather, show=show)
    return added


def add_source(to: ArgumentParser, flag: str | None = None) -> None:
    """SOURCE, or `flag SOURCE`, and how it is built."""
    named = {"dest": "source", "required": True} if flag else {}
    to.add_argument(flag or "source", metavar="SOURCE", help="such as timm:resnet18 or config:bert", **named)
    to.add_argument("--weights", choices=WEIGHTS, help="default: pretrained where the model trains, else none")
    to.add_argument("--task", choices=TASKS, help="the head of a Hugging Face model")
    to.add_argument("--num-labels", type=int, metavar="N", help="outputs of the classifier")
    to.add_argument("--allow-python", action="store_true", help="let a py: source run its function")


def add_rules(to: ArgumentParser) -> None:
    """`--rules` or `--spec`, and `--epoch`."""
    which = to.add_mutually_exclusive_group()
    which.add_argument("--rules", metavar="TEXT", help='such as "freeze all; train head"; @FILE reads a file')
    which.add_argument("--spec", metavar="FILE", help="a spec saved by export --to spec")
    to.add_argument("--epoch", type=int, default=0, metavar="N", help="the phase of a schedule that holds in epoch N")


def read_source(options: Namespace, default_weights: str = "none") -> ModelSource:
    """The source as typed.

    Raises:
        SourceError: it cannot be read, or would run Python code without leave.
    """
    weights = options.weights or default_weights
    source = ModelSource.parse(options.source, weights=weights, task=options.task, num_labels=options.num_labels)
    if source.scheme == "py" and not options.allow_python:
        raise SourceError(f"'{shortened(str(source))}' runs Python code of yours.", "Allow it with --allow-python.")
    return source


def read_layers(options: Namespace) -> LayerTree:
    """The tree of the source as typed."""
    return read_tree(read_source(options), allow_python=options.allow_python)


def read_spec(options: Namespace) -> FreezeSpec:
    """The rules as typed or from a file; none leave everything as the model's author set it."""
    if options.spec:
        from freezecore.saved_spec import load_spec

        return load_spec(read_text(options.spec)).spec
    text = options.rules or ""
    return FreezeSpec.parse(read_text(text[1:]) if text.startswith("@") else text)


def read_text(path: str) -> str:
    """A text file's content.

    Raises:
        RuleError: it cannot be read, is no text, or is too large.
    """
    try:
        return read_bytes(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise RuleError(f"'{shortened(path)}' is no text in UTF-8.", "Is it the right file?") from error


def read_bytes(path: str) -> bytes:
    """A file's content.

    Raises:
        RuleError: it cannot be read, or is too large.
    """
    try:
        if Path(path).stat().st_size > LARGEST_FILE:
            raise RuleError(f"'{shortened(path)}' is larger than {LARGEST_FILE // 2**20} MiB.", "Is it the right file?")
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise RuleError(f"'{shortened(path)}' cannot be read.", "Check the path.") from error
