"""`suggest`: selections that looks at the model and the data speak for, each with its reason."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from freezecore.api import run_suggest
from freezecore.cli import arguments
from freezecore.cli.arguments import read_budget, read_list, read_source, read_training
from freezecore.cli.output import NOTHING, lines, progress, stoppable
from freezecore.packaged import DEFAULT_SOURCE
from freezecore.probe import silent
from freezecore.report import bytes_text, table

EXAMPLE = f"{DEFAULT_SOURCE} --budget 200MB"


def add_arguments(to: ArgumentParser) -> None:
    arguments.add_source(to)
    to.add_argument("--by", default="features,gradients,snr", metavar="LIST", help="ways to look (default: all)")
    to.add_argument("--budget", metavar="8GB", help="also the least frozen selection that fits")
    arguments.add_training(to)


def gather(options: Namespace) -> dict:
    with stoppable() as should_stop:
        return run_suggest(
            read_source(options, default_weights="pretrained"),
            by=read_list(options.by),
            budget_bytes=read_budget(options),
            emit=silent if options.json else progress(options, _phase),
            should_stop=should_stop,
            **read_training(options, steps=60),
        ).to_json()


def show(document: dict) -> str:
    found = document["suggestions"]
    rows = [
        [
            one["by"],
            "" if one["score"] is None else f"{one['score']:.3g}",
            bytes_text(one["peak_bytes"]),
            {None: "", True: "yes", False: "no"}[one["fits"]],
            one["rules"] or NOTHING,
        ]
        for one in found
    ]
    shown = [table(["by", "score", "peak", "fits", "rules"], rows, right=[1, 2]) + "\n"] if found else []
    reasons = [f"{one['by']}: {one['why']}" for one in found]
    notes = [note for note in document["notes"] if note not in document["message"]]
    return lines(*shown, *reasons, *notes, document["message"], document["hint"])


def _phase(event: dict) -> str:
    return f"looking: {event['phase']}" if event["event"] == "phase" else ""
