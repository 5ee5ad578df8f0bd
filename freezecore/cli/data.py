"""`data`: a look at what a probe would train on."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from freezecore.cli.arguments import READING, add_reading, read_fields
from freezecore.cli.output import lines
from freezecore.datasets import OF_TOKENS
from freezecore.probe import ProbeRequest
from freezecore.report import table
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec

EXAMPLE = "shapes"


def add_arguments(to: ArgumentParser) -> None:
    to.add_argument("data", metavar="NAME", help="shapes, digits, docstrings, a .zip, .csv or .parquet, or hub:NAME")
    to.add_argument("--source", metavar="MODEL", help="count lengths in this model's tokens, not in words")
    to.add_argument("--task", choices=OF_TOKENS, help="read texts to be continued, or words and their tags")
    add_reading(to)


def gather(options: Namespace) -> dict:
    from freezecore.runtime.data.preview import preview

    usual = "config:bert" if options.task else "timm:resnet18"  # a request names one, though few looks need it
    source = ModelSource.parse(options.source or usual, task=options.task)
    request = ProbeRequest(source, FreezeSpec(), data=options.data, **read_fields(options, READING))
    return preview(request).to_json()


def show(document: dict) -> str:
    shown = [f"{document['name']}: {document['train_size']:,} to train on, {document['test_size']:,} held out"]
    taken = [f"{role.replace('_', ' ')} {column}" for role, column in document["columns"].items() if column]
    shown += [f"columns: {', '.join(taken)}" if taken else "", document["split"]]
    if document["classes"]:
        rows = [(one["name"], f"{one['train']:,}", f"{one['test']:,}") for one in document["classes"]]
        shown.append(table(["class", "train", "held out"], rows, right=[1, 2]))
    if document["values"]:
        low, middle, high = document["values"]
        shown.append(f"values from {low:g} to {high:g}, half of them below {middle:g}")
    if document["lengths"]:
        longest = document["lengths"][-1][0]
        counts = [(f"up to {high:,}" if high < 10**9 else "more", f"{texts:,}") for high, texts in document["lengths"]]
        shown.append(table([document["counted"], "texts"], counts, right=[1]) if longest else "")
    if document["sequence_length"]:
        shown.append(f"a probe reads {document['sequence_length']} tokens of each")
    shown += [f"{one['target']}: {one['text']}" for one in document["samples"] if one["text"]]
    return lines(*shown, *document["notes"])
