"""`data`: a look at what a probe would train on; and the arguments that say how data is read."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from freezecore.cli.arguments import command
from freezecore.metrics import METRICS
from freezecore.probe import ProbeRequest
from freezecore.report import table
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec

FIELDS = (
    *("metric", "target", "text", "text_pair", "group", "fold", "held_out_fold"),
    *("train_size", "test_size", "image_size", "sequence_length"),
)


def add(commands) -> None:
    """Put the command on the command line."""
    look = command(commands, "data", "shapes", gather_data, show_data)
    look.add_argument("data", metavar="NAME", help="shapes, digits, docstrings, a .zip, .csv or .parquet, or hub:NAME")
    look.add_argument("--source", metavar="MODEL", help="count lengths in this model's tokens, not in words")
    add_reading(look)


def add_reading(to: ArgumentParser) -> None:
    """How data is read, divided and scored."""
    to.add_argument("--metric", metavar="NAME", help=", ".join(METRICS))
    to.add_argument("--target", metavar="COLUMN", help="of labels or values")
    to.add_argument("--text", metavar="COLUMN", help="of texts")
    to.add_argument("--text-pair", metavar="COLUMN", help="of second texts")
    to.add_argument("--group", metavar="COLUMN", help="rows of one group are never divided")
    to.add_argument("--fold", metavar="COLUMN", help="of folds, one of which is held out")
    to.add_argument("--held-out-fold", metavar="NAME", help="which (default: the first)")
    to.add_argument("--train-size", type=int, metavar="N", help="samples to train on")
    to.add_argument("--test-size", type=int, metavar="N", help="samples held out")
    to.add_argument("--image-size", type=int, metavar="N", help="pixels a side (default: what suits the model)")
    to.add_argument("--sequence-length", type=int, metavar="N", help="tokens (default: what holds most texts whole)")


def gather_data(options: Namespace) -> dict:
    from freezecore.runtime.data.preview import preview

    typed = {name: getattr(options, name) for name in FIELDS if getattr(options, name) is not None}
    source = ModelSource.parse(options.source or "timm:resnet18")  # a request names one, though few looks need it
    return preview(ProbeRequest(source, FreezeSpec(), data=options.data, **typed)).to_json()


def show_data(document: dict) -> str:
    lines = [f"{document['name']}: {document['train_size']:,} to train on, {document['test_size']:,} held out"]
    taken = [f"{role.replace('_', ' ')} {column}" for role, column in document["columns"].items() if column]
    lines += [f"columns: {', '.join(taken)}" if taken else "", document["split"]]
    if document["classes"]:
        rows = [(one["name"], f"{one['train']:,}", f"{one['test']:,}") for one in document["classes"]]
        lines.append(table(["class", "train", "held out"], rows, right=[1, 2]))
    if document["values"]:
        low, middle, high = document["values"]
        lines.append(f"values from {low:g} to {high:g}, half of them below {middle:g}")
    if document["lengths"]:
        longest = document["lengths"][-1][0]
        rows = [(f"up to {high:,}" if high < 10**9 else "more", f"{texts:,}") for high, texts in document["lengths"]]
        lines.append(table([document["counted"], "texts"], rows, right=[1]) if longest else "")
    if document["sequence_length"]:
        lines.append(f"a probe reads {document['sequence_length']} tokens of each")
    lines += [f"{one['target']}: {one['text']}" for one in document["samples"] if one["text"]]
    return "\n".join(filter(None, [*lines, *document["notes"]]))
