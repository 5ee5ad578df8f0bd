"""`models`: what can be opened."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import asdict

from freezecore.cli.output import lines
from freezecore.errors import shortened
from freezecore.report import count_text, table

EXAMPLE = "resnet"


def add_arguments(to: ArgumentParser) -> None:
    to.add_argument("word", nargs="?", default="", metavar="WORD", help="only names that contain it")


def gather(options: Namespace) -> dict:
    from freezecore.runtime.build.library import names, nearest_of_all

    found, word = names(options.word), options.word.strip().lower()
    note = ""
    if not any(word in model.source.lower() for model in found):
        note = f"No model's name contains '{shortened(options.word)}'; " + (
            "these are like it." if found else f"the nearest are {', '.join(nearest_of_all(word))}."
        )
    return {"models": [asdict(model) for model in found], "note": note}


def show(document: dict) -> str:
    rows = [(m["source"], m["family"] or "", count_text(m["parameters"])) for m in document["models"]]
    return lines(table(["source", "family", "parameters"], rows, right=[2]) if rows else "", document["note"])
