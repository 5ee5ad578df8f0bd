"""What the visitors of a server may open, which is less than the person at the keyboard may.

A visitor's text reaches no code and no file of the server's machine, unless its owner said so:

    FREEZE_EXPLORER_PYTHON=1         visitors may name functions (`py:…`), which run with all of the server's rights
    FREEZE_EXPLORER_FOLDER=/models   visitors may open models and data in this folder
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from freezecore.cache import uploads
from freezecore.datasets import BUILT_IN
from freezecore.errors import DataError, SourceError, shortened
from freezecore.source import ModelSource

PYTHON_VARIABLE = "FREEZE_EXPLORER_PYTHON"
FOLDER_VARIABLE = "FREEZE_EXPLORER_FOLDER"


def check_source(source: ModelSource) -> None:
    """Let a source pass, or say why not.

    Raises:
        SourceError: it is code, or a file outside the folders that are open.
        FreezeError: it is an upload that is no longer there, or not whole.
    """
    if source.scheme == "py" and os.environ.get(PYTHON_VARIABLE) != "1":
        raise SourceError(
            "This server runs nobody's code, so it does not open '{source}'.",
            "Write the model into a file with fc.save, or start the server with {variable}=1.",
            source=source,
            variable=PYTHON_VARIABLE,
        )
    if source.scheme in ("hf", "config", "file") and _is_closed(source.name):
        raise SourceError(
            "This server does not open '{name}' on its own disk.",
            "Its owner can name a folder: {variable}=/path/of/models.",
            name=shortened(source.name),
            variable=FOLDER_VARIABLE,
        )
    if source.scheme in ("config", "file"):
        uploads.check(source.name)


def check_data(name: str) -> None:
    """Let the name of a data set pass, or say why not.

    Raises:
        DataError: it is a file outside the folders that are open.
        FreezeError: it is an upload that is no longer there, or not whole.
    """
    if name not in BUILT_IN and _is_closed(name):
        raise DataError(
            "This server does not open '{name}' on its own disk.",
            "Upload the data, or let its owner name a folder: {variable}=/path/of/data.",
            name=shortened(name),
            variable=FOLDER_VARIABLE,
        )
    uploads.check(name)


def check_request(request: Any) -> None:
    """Let a probe, sweep or search pass, or say why not.

    Raises:
        FreezeError: its source or data may not be opened here.
    """
    probe = getattr(request, "base", request)
    check_source(probe.source)
    check_data(probe.data)


def _is_closed(name: str) -> bool:
    """Whether this names a place on the disk, there or not, outside the open folders, links followed."""
    path = Path(name)
    if not (
        name.startswith((".", "/", "~", "\\")) or path.is_absolute() or ".." in path.parts or os.path.lexists(name)
    ):
        return False  # a model or data set by its id
    named = os.environ.get(FOLDER_VARIABLE)
    folders = (uploads.folder(), *([Path(named)] if named else []))
    return not any(path.expanduser().resolve().is_relative_to(folder.resolve()) for folder in folders)
