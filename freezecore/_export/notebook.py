"""Notebooks for Jupyter, Kaggle or Colab: the cells that a template makes, as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from freezecore._export import header
from freezecore._export.jinja import render
from freezecore._export.model import tokenizer_packages
from freezecore._export.plan import ExportPlan
from freezecore._export.python import printable
from freezecore.errors import ExportError


def export_notebook(plan: ExportPlan) -> str:
    """Target `notebook`: from `pip install` to a trained model.

    Raises:
        ExportError: the model takes neither pictures nor text, or cannot be built from a package.
    """
    if plan.source.scheme == "config" and plan.source.weights != "random":
        plan = replace(plan, model_id=plan.checkpoint)
    link = "".join(
        ch if ch.isprintable() and ch not in " ()<>\\" else f"%{ord(ch) % 256:02X}" for ch in header.link(plan)
    )
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


def as_script(text: str) -> str:
    """A notebook's cells one below the other, as editors show them: `# %%` before each, Markdown as comments."""
    shown = []
    for cell in json.loads(text)["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            source = "\n".join(f"# {line}".rstrip() for line in source.splitlines())
        shown.append(("# %% [markdown]\n" if cell["cell_type"] == "markdown" else "# %%\n") + source)
    return "\n\n".join(shown) + "\n"


def markdown(text: str) -> str:
    """A text as it stands in Markdown, whatever is in it."""
    return "".join(ch if ch.isalnum() or ch in " ._-" else f"&#{ord(ch)};" for ch in printable(text))


def packages(plan: ExportPlan) -> list[str]:
    """What Kaggle and Colab may lack, in the versions that the tree was read with."""
    name = plan.source.scheme if plan.task.of_timm or plan.task.of_torchvision else "transformers"
    version = plan.tree.versions.get(name, "")
    known = version and all(part.isalnum() and part.isascii() for part in version.split("."))
    adapters = ["peft"] if plan.lora else []
    return [f"{name}=={version}" if known else name, *adapters, *tokenizer_packages(plan.source)]


def data_template(plan: ExportPlan) -> str:
    """The template of the cell that loads a person's data, or example data that fits the model.

    Raises:
        ExportError: no example data fits.
    """
    if plan.task.data:
        return f"{plan.task.data}.py.jinja"
    raise ExportError(
        "The notebook classifies pictures or texts or continues texts, and {source} as {root} does neither.",
        "Export to pytorch, or choose a task that the model has, such as sequence-classification."
        if plan.task.of_transformers
        else "Export to pytorch, and put your own data and loop below it.",
        source=plan.source,
        root=plan.task.root,
    )
