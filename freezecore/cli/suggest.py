"""`suggest`: selections that looks at the model and the data speak for, each with its reason."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from freezecore.api import run_suggest
from freezecore.cli.arguments import add_source, add_training, read_budget, read_list, run_typed
from freezecore.cli.output import NOTHING, lines, progress
from freezecore.packaged import DEFAULT_SOURCE
from freezecore.probe import silent
from freezecore.report import bytes_text, table

EXAMPLE = f"{DEFAULT_SOURCE} --budget 200MB"


def add_arguments(to: ArgumentParser) -> None:
    add_source(to)
    to.add_argument("--by", default="features,gradients,snr", metavar="LIST", help="ways to look (default: all)")
    to.add_argument("--budget", metavar="8GB", help="also the least frozen selection that fits")
    add_training(to)


def gather(options: Namespace) -> dict:
    emit = silent if options.json else progress(options, _phase)
    by, budget = read_list(options.by), read_budget(options)
    return run_typed(options, run_suggest, emit, steps=60, by=by, budget_bytes=budget)


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
