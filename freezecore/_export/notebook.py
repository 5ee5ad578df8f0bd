"""Notebooks for Jupyter, Kaggle or Colab: the cells that a template makes, as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable

from freezecore._export.jinja import render
from freezecore._export.model import tokenizer_packages
from freezecore._export.plan import CAUSAL, ExportPlan
from freezecore._export.python import printable
from freezecore.errors import ExportError


def export_notebook(plan: ExportPlan) -> str:
    """Target `notebook`: from `pip install` to a trained model.

    Raises:
        ExportError: the model takes neither pictures nor text, or cannot be built from a package.
    """
    link = "".join(ch if ch.isprintable() and ch not in " ()<>\\" else f"%{ord(ch) % 256:02X}" for ch in plan.reopens)
    never_trains = any(not any(column) for column in zip(*(mask.trains for _, mask in plan.masks), strict=True))
    rules = printable(plan.rules).replace("`", "'")
    return notebook("notebook.jinja", plan, link=link, never_trains=never_trains, rules=rules)


def notebook(template: str, plan: ExportPlan, **values: object) -> str:
    """The cells that a template makes by its block `cell(kind)`, as a notebook's JSON."""
    cells: list[dict] = []

    def cell(kind: str, caller: Callable[[], str]) -> str:
        code: dict[str, object] = {"execution_count": None, "outputs": []} if kind == "code" else {}
        source = caller().strip("\n").splitlines(keepends=True)
        cells.append({"cell_type": kind, **code, "metadata": {}, "source": source, "id": f"cell-{len(cells)}"})
        return ""

    label = markdown(plan.source.label)
    render(template, cell=cell, plan=plan, label=label, packages=packages(plan), data=data_template, **values)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n"


def markdown(text: str) -> str:
    """A text as it stands in Markdown, whatever is in it."""
    return "".join(ch if ch.isalnum() or ch in " ._-" else f"&#{ord(ch)};" for ch in printable(text))


def packages(plan: ExportPlan) -> list[str]:
    """What Kaggle and Colab may lack, in the versions that the tree was read with."""
    name = "timm" if plan.source.scheme == "timm" else "transformers"
    version = plan.tree.versions.get(name, "")
    known = version and all(part.isalnum() and part.isascii() for part in version.split("."))
    return [f"{name}=={version}" if known else name, *tokenizer_packages(plan.source)]


def data_template(plan: ExportPlan) -> str:
    """The template of the cell that loads a person's data, or example data that fits the model.

    Raises:
        ExportError: no example data fits.
    """
    root = plan.tree.layers[0].type
    if plan.source.scheme == "timm" or (plan.source.scheme == "hf" and root.endswith("ForImageClassification")):
        return "pictures.py.jinja"
    if plan.source.scheme == "hf" and root.endswith(("ForSequenceClassification", *CAUSAL)):
        return "texts.py.jinja"
    raise ExportError(
        "The notebook classifies pictures or texts or continues texts, and {source} as {root} does neither.",
        "Choose a task such as sequence-classification, or export to pytorch.",
        source=plan.source,
        root=root,
    )
