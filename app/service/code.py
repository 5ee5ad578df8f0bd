"""A selection as code for a trainer, or as a notebook."""

from __future__ import annotations

from freezecore._export import TARGETS, export
from freezecore.datasets import DataPreview

from .selection import ModelSelection

ENDING = {"yaml": ".yaml", "json": ".ipynb", "python": ".py"}
MIME = {"yaml": "application/yaml", "json": "application/x-ipynb+json", "python": "text/x-python"}
NOTEBOOK = "notebook"


def code_of(selection: ModelSelection, target: str, address: str | None, data: DataPreview | None = None) -> str:
    """The selection as text for a target.

    Args:
        address: of the page, which the code then links to.
        data: one's own that is picked, whose classes and columns the code then has.

    Raises:
        ExportError: the target cannot express it.
    """
    link = f"{address}/?{selection.link.query()}" if address else None
    return export(
        selection.source,
        selection.spec,
        to=target,
        tree=selection.tree,
        link=link,
        workload=selection.workload,
        num_classes=len(data.classes) or None if data else None,
        columns=data.columns if data else None,
    )


def file_name(selection: ModelSelection, target: str) -> str:
    """What its file is called."""
    return f"freeze_{selection.source.label.removesuffix('.json')}{ENDING[TARGETS[target].language]}"
