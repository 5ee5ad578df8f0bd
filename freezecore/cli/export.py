"""`export`: a selection as code for a trainer."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from freezecore._export import TARGETS, export
from freezecore.cli.arguments import add_rules, add_source, read_fields, read_layers, read_source, read_spec
from freezecore.workload import CHOICES, Workload

EXAMPLE = 'timm:resnet18 --rules "freeze all; train head" --to pytorch'
OPTIONS = ("learning_rate", "head_learning_rate", "layer_decay")
STEP = ("batch_size", "accumulate", "image_size", "sequence_length")  # numbers of the workload
NAMED = ("precision", "optimizer")


def add_arguments(to: ArgumentParser) -> None:
    add_source(to)
    add_rules(to)
    to.add_argument("--to", default="pytorch", metavar="TARGET", help=", ".join(TARGETS))
    for name in OPTIONS:
        to.add_argument(f"--{name.replace('_', '-')}", type=float, metavar="X")
    for name in STEP:
        to.add_argument(f"--{name.replace('_', '-')}", type=int, metavar="N")
    for name in NAMED:
        to.add_argument(f"--{name}", choices=CHOICES[name])
    to.add_argument("--checkpointing", action="store_true", help="compute activations again")
    to.add_argument("--model-id", metavar="ID", help="the checkpoint to start from, for a config: source")


def gather(options: Namespace) -> dict:
    source, spec = read_source(options), read_spec(options)
    extra = {name: getattr(options, name) for name in (*OPTIONS, "model_id")}
    step = read_fields(options, (*STEP, *NAMED)) | ({"checkpointing": True} if options.checkpointing else {})
    extra["workload"] = Workload(**step) if step else None
    return {"target": options.to, "code": export(source, spec, options.to, tree=read_layers(options), **extra)}


def show(document: dict) -> str:
    return document["code"].rstrip("\n")
