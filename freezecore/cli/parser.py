"""What can be typed: commands, their arguments, and an example of each."""

from __future__ import annotations

import argparse

from freezecore.source import TASKS, WEIGHTS
from freezecore.workload import CHOICES


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    root = argparse.ArgumentParser(
        prog="freezecore",
        description="Choose which layers to freeze: see what it costs, try it, prove it, take the code away.",
    )
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _models(commands)
    _tree(commands)
    _mask(commands)
    _estimate(commands)
    _probe(commands)
    _sweep(commands)
    _find(commands)
    _suggest(commands)
    _export(commands)
    _import(commands)
    _check(commands)
    return root


def _command(commands, name: str, help_: str, example: str) -> argparse.ArgumentParser:
    added = commands.add_parser(
        name, help=help_, description=help_, epilog=f"example: freezecore {name} {example}", allow_abbrev=False
    )
    added.add_argument("--json", action="store_true", help="print JSON and nothing else")
    return added


def _source(command: argparse.ArgumentParser, flag: str | None = None) -> None:
    names = {"dest": "source", "required": True} if flag else {}
    command.add_argument(flag or "source", metavar="SOURCE", help="such as timm:resnet18 or config:bert", **names)
    command.add_argument("--weights", choices=WEIGHTS, help="default: pretrained where a model trains, else none")
    command.add_argument("--task", choices=TASKS, help="the head of a Hugging Face model")
    command.add_argument("--num-labels", type=int, metavar="N", help="outputs of the classifier")
    command.add_argument("--allow-python", action="store_true", help="let a py: source run its function")


def _rules(command: argparse.ArgumentParser) -> None:
    which = command.add_mutually_exclusive_group()
    which.add_argument("--rules", metavar="TEXT", help='such as "freeze all; train head"; @FILE reads a file')
    which.add_argument("--spec", metavar="FILE", help="a spec saved by export --to spec")
    command.add_argument("--epoch", type=int, metavar="N", help="the phase of a schedule that holds in epoch N")


def _models(commands) -> None:
    command = _command(commands, "models", "list models by name", "resnet")
    command.add_argument("word", nargs="?", default="", metavar="WORD", help="only names that contain it")


def _tree(commands) -> None:
    _source(_command(commands, "tree", "show a model's layers, blocks, embeddings and head", "timm:resnet18"))


def _mask(commands) -> None:
    command = _command(
        commands, "mask", "show which parameters train", 'timm:resnet18 --rules "freeze contains:layer1.0."'
    )
    _source(command)
    _rules(command)


def _estimate(commands) -> None:
    command = _command(
        commands,
        "estimate",
        "predict peak training memory and FLOPs",
        'timm:resnet18 --rules "freeze all; train head" --batch-size 32',
    )
    _source(command)
    _rules(command)
    command.add_argument("--batch-size", type=int, default=32, metavar="N")
    size = command.add_mutually_exclusive_group()
    size.add_argument("--image-size", type=int, metavar="N", help="pixels per side")
    size.add_argument("--sequence-length", type=int, metavar="N", help="tokens per sample")
    for name, default in (
        ("optimizer", "adamw"),
        ("implementation", "foreach"),
        ("precision", "fp32"),
        ("device", "cpu"),
    ):
        command.add_argument(f"--{name}", choices=CHOICES[name], default=default)
    command.add_argument("--checkpointing", action="store_true", help="the library's own gradient checkpointing")
    command.add_argument("--accumulate", type=int, default=1, metavar="N", help="forward passes per optimizer step")
    command.add_argument("--curve", action="store_true", help="memory against the number of frozen blocks")
    command.add_argument("--budget", metavar="16GB", help="find the least frozen selection that fits")


def _training(command: argparse.ArgumentParser, steps: bool = True) -> None:
    command.add_argument(
        "--data", default=None, metavar="NAME", help="shapes, digits, docstrings, or a file of your own"
    )
    command.add_argument("--batch-size", type=int, default=32, metavar="N")
    command.add_argument("--seed", type=int, default=0, metavar="N")
    command.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    if steps:
        command.add_argument("--steps", type=int, metavar="N")
        command.add_argument("--seconds", type=float, metavar="N", help="stop after this time")
        command.add_argument("--learning-rate", type=float, metavar="X")
        command.add_argument("--head-learning-rate", type=float, metavar="X")
        command.add_argument("--no-cache", action="store_true", help="do not compute the frozen prefix once")


def _probe(commands) -> None:
    command = _command(
        commands,
        "probe",
        "train for a moment and prove that the freeze held",
        'timm:tf_efficientnet_lite0 --rules "freeze all; train head" --steps 60',
    )
    _source(command)
    _rules(command)
    _training(command)


def _sweep(commands) -> None:
    command = _command(
        commands, "sweep", "try many selections side by side", "timm:tf_efficientnet_lite0 --over depth,presets"
    )
    _source(command)
    command.add_argument("--over", default="depth,presets", metavar="LIST", help="depth, presets, or both")
    command.add_argument("--seeds", type=int, default=1, metavar="N")
    command.add_argument("--ray", metavar="ADDRESS", help="spread the runs over a Ray cluster")
    _training(command)


def _find(commands) -> None:
    command = _command(
        commands, "find", "find what to freeze in a given time and memory", "timm:tf_efficientnet_lite0 --minutes 3"
    )
    _source(command)
    command.add_argument("--minutes", type=float, required=True, metavar="N")
    command.add_argument("--budget", metavar="16GB", help="peak memory that a selection may need")
    _training(command, steps=False)


def _suggest(commands) -> None:
    command = _command(commands, "suggest", "suggest selections, each with its reason", "timm:tf_efficientnet_lite0")
    _source(command)
    command.add_argument("--by", default="features", metavar="LIST", help="features, gradients, snr")
    command.add_argument("--budget", metavar="8GB", help="also the least frozen selection that fits")
    _training(command, steps=False)


def _export(commands) -> None:
    command = _command(
        commands,
        "export",
        "write the selection as code for a trainer",
        'timm:resnet18 --rules "freeze all; train head" --to pytorch',
    )
    _source(command)
    _rules(command)
    command.add_argument("--to", default="pytorch", metavar="TARGET", help="pytorch, timm, transformers-trainer, …")


def _import(commands) -> None:
    command = _command(commands, "import", "read rules back from a file", "names.txt --source timm:resnet18")
    command.add_argument("file", metavar="FILE")
    _source(command, "--source")


def _check(commands) -> None:
    command = _command(commands, "check", "fail when a saved spec no longer gives the same set", "spec.yaml")
    command.add_argument("spec", metavar="SPEC")
