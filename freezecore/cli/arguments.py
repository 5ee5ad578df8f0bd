"""Arguments that several commands share, and what is read from them."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from freezecore.api import read_tree
from freezecore.cli.output import stoppable, tell
from freezecore.datasets import default_for
from freezecore.errors import ProbeError, RuleError, RunsPython, shortened
from freezecore.metrics import METRICS
from freezecore.probe import Emit
from freezecore.report import bytes_from_text
from freezecore.source import QUANTIZED, TASKS, WEIGHTS, ModelSource
from freezecore.spec import FreezeSpec
from freezecore.tree import LayerTree

LARGEST_FILE = 16 * 2**20
READING: dict[str, tuple[type, str, str]] = {  # of a probe's request: type, what stands for its value, help
    "metric": (str, "NAME", ", ".join(METRICS)),
    "target": (str, "COLUMN", "of labels or values"),
    "text": (str, "COLUMN", "of texts"),
    "text_pair": (str, "COLUMN", "of second texts"),
    "group": (str, "COLUMN", "rows of one group are never divided"),
    "fold": (str, "COLUMN", "of folds, one of which is held out"),
    "held_out_fold": (str, "NAME", "which (default: the first)"),
    "train_size": (int, "N", "samples to train on"),
    "test_size": (int, "N", "samples held out"),
    "image_size": (int, "N", "pixels a side (default: what suits the model)"),
    "sequence_length": (int, "N", "tokens (default: what holds most texts whole)"),
}
TRAINING = ("data", "steps", "seconds", "batch_size", "seed", "learning_rate", "head_learning_rate", "device", *READING)


def add_source(to: ArgumentParser, flag: str | None = None) -> None:
    """SOURCE, or `flag SOURCE`, and how it is built."""
    named: dict[str, Any] = {"dest": "source", "required": True} if flag else {}
    to.add_argument(flag or "source", metavar="SOURCE", help="such as timm:resnet18 or config:bert", **named)
    own = f"{', '.join(WEIGHTS)}, or torchvision's own name, as IMAGENET1K_V2 (default: pretrained to train, else none)"
    to.add_argument("--weights", metavar="WEIGHTS", help=own)
    tasks = f"the head of a Hugging Face model: {', '.join(TASKS)}"  # too many for one word of the usage
    to.add_argument("--task", choices=TASKS, metavar="TASK", help=tasks)
    to.add_argument("--num-labels", type=int, metavar="N", help="outputs of the classifier")
    to.add_argument("--adapter", metavar="TEXT", help='such as "lora r=8 on *.q_proj *.v_proj"; several: ";"')
    to.add_argument("--quantize", choices=QUANTIZED, help="keep the base's linear layers in 4 or 8 bits")
    add_leave(to)


def add_leave(to: ArgumentParser) -> None:
    """`--allow-python`."""
    to.add_argument("--allow-python", action="store_true", help="let a py: source run its function")


def add_rules(to: ArgumentParser) -> None:
    """`--rules` or `--spec`, and `--epoch`."""
    which = to.add_mutually_exclusive_group()
    which.add_argument("--rules", metavar="TEXT", help='such as "freeze all; train head"; @FILE reads a file')
    which.add_argument("--spec", metavar="FILE", help="a spec saved by export --to spec")
    to.add_argument("--epoch", type=int, metavar="N", help="the phase of a schedule that holds in epoch N")


def add_training(to: ArgumentParser) -> None:
    """How each run trains."""
    to.add_argument("--data", metavar="NAME", help="shapes, digits, docstrings, a file of your own, or hub:NAME")
    to.add_argument("--steps", type=int, metavar="N", help="optimizer steps (default 60)")
    to.add_argument("--seconds", type=float, metavar="N", help="stop training after this time")
    to.add_argument("--batch-size", type=int, default=32, metavar="N")
    to.add_argument("--seed", type=int, default=0, metavar="N")
    to.add_argument("--learning-rate", type=float, metavar="X", help="of what was pretrained")
    to.add_argument("--head-learning-rate", type=float, metavar="X", help="of the new head")
    to.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    to.add_argument("--no-cache", action="store_true", help="do not compute the frozen prefix once")
    add_reading(to)


def add_reading(to: ArgumentParser) -> None:
    """How data is read, divided and scored."""
    for name, (kind, value, meaning) in READING.items():
        to.add_argument(f"--{name.replace('_', '-')}", type=kind, metavar=value, help=meaning)


def read_source(options: Namespace, default_weights: str = "none") -> ModelSource:
    """The source as typed.

    Raises:
        SourceError: it cannot be read, or would run Python code without leave.
    """
    weights = options.weights or default_weights
    named = {name: getattr(options, name) for name in ("task", "num_labels", "adapter", "quantize")}
    return with_leave(ModelSource.parse(options.source, weights=weights, **named), options)


def with_leave(source: ModelSource, options: Namespace) -> ModelSource:
    """The source, where opening it runs no Python code or that was allowed.

    Raises:
        RunsPython: it would run Python code without leave.
    """
    if source.scheme == "py" and not options.allow_python:
        raise RunsPython(f"'{shortened(str(source))}' runs Python code of yours.", "Allow it with --allow-python.")
    return source


def read_layers(options: Namespace) -> LayerTree:
    """The tree of the source as typed."""
    return read_tree(read_source(options), allow_python=options.allow_python)


def read_spec(options: Namespace) -> FreezeSpec:
    """The rules as typed or from a file; none leave everything as the model's author set it, and train the adapters
    alone where there are some, as PEFT does.

    That a saved spec names another model is told on standard error.
    """
    if options.spec:
        from freezecore.saved_spec import load_spec

        saved = load_spec(read_text(options.spec))
        if saved.source not in ("", options.source, str(ModelSource.parse(options.source))):
            was, now = shortened(saved.source), shortened(options.source)
            tell(f"freezecore: the spec was saved for {was}; here its rules are applied to {now}.")
        return saved.spec
    usual = "freeze all; train adapters" if options.adapter else ""  # what PEFT's own model trains
    text = usual if options.rules is None else options.rules
    return FreezeSpec.parse(read_text(text[1:]) if text.startswith("@") else text)


def read_training(options: Namespace, steps: int | None = None) -> dict:
    """The probe request's fields that were typed; without `--data`, what suits the kind of model."""
    typed = read_fields(options, TRAINING)
    pictures = options.source.startswith(("timm:", "torchvision:")) or (options.task or "").startswith("image")
    typed.setdefault("data", default_for("image" if pictures else "text"))
    typed.setdefault("steps", steps or (60 if options.seconds is None else 100_000))
    return {**typed, "cache": not options.no_cache}


def run_typed(options: Namespace, run: Callable, emit: Emit, *, steps: int | None = None, **asked: object) -> dict:
    """The answer of `run_sweep`, `run_find` or `run_suggest` on the source and the training as typed."""
    source = read_source(options, default_weights="pretrained")
    with stoppable() as should_stop:
        return run(source, emit=emit, should_stop=should_stop, **asked, **read_training(options, steps)).to_json()


def read_fields(options: Namespace, names: Iterable[str]) -> dict:
    """Those of the options that were typed or have a default."""
    return {name: getattr(options, name) for name in names if getattr(options, name) is not None}


def read_factors(text: str | None) -> list[float]:
    """`--rates` as numbers; without it the default rates alone.

    Raises:
        ProbeError: something in it is no number.
    """
    try:
        return [float(word) for word in read_list(text)] if text else [1.0]
    except ValueError as error:
        raise ProbeError("'{text}' is no list of numbers.", "Write something like 0.3,1,3.", text=text) from error


def read_budget(options: Namespace) -> int | None:
    """`--budget` in bytes."""
    return bytes_from_text(options.budget) if options.budget else None


def read_list(text: str) -> list[str]:
    """The words between commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


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
    """A file's content; `-` is standard input.

    Raises:
        RuleError: it cannot be read, or is too large.
    """
    try:
        with sys.stdin.buffer if path == "-" else Path(path).open("rb") as file:
            content = file.read(LARGEST_FILE + 1)  # no further: a device has no end
        if len(content) > LARGEST_FILE:
            raise RuleError(f"'{shortened(path)}' is larger than {LARGEST_FILE // 2**20} MB.", "Is it the right file?")
        return content
    except (OSError, ValueError) as error:
        raise RuleError(f"'{shortened(path)}' cannot be read.", "Check the path.") from error
