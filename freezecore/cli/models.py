"""`models`: what can be opened."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import asdict

from freezecore.report import count_text, table

EXAMPLE = "resnet"


def add_arguments(to: ArgumentParser) -> None:
    to.add_argument("word", nargs="?", default="", metavar="WORD", help="only names that contain it")


def gather(options: Namespace) -> dict:
    from freezecore.runtime.build.library import names

    return {"models": [asdict(model) for model in names(options.word)]}


def show(document: dict) -> str:
    rows = [(m["source"], m["family"] or "", count_text(m["parameters"])) for m in document["models"]]
    return table(["source", "family", "parameters"], rows, right=[2])
