"""Notebooks: the code of all cells as one script, without what is for the notebook's shell."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from freezecore.errors import ExportError

MAGIC = re.compile(r"^\s*(%|!|\?|[\w.]+\?\s*$)")
ASSIGNED = re.compile(r"^\s*\w+\s*=\s*[!%]")
FOREIGN = ("bash", "sh", "html", "javascript", "js", "latex", "markdown", "writefile", "script", "perl", "ruby", "svg")


@dataclass(frozen=True)
class Notebook:
    """A notebook's code; `dropped` counts the lines left out."""

    text: str
    dropped: int


def notebook_source(text: str) -> Notebook | None:
    """The code of a Jupyter notebook; None for any other text.

    Raises:
        ExportError: it is a notebook that is cut off, or has no code.
    """
    if (
        not text.lstrip().startswith("{")
        or '"cells"' not in text
        or '"nbformat"' not in text
        and '"cell_type"' not in text
    ):
        return None
    try:
        cells = json.loads(text)["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell.get("cell_type") == "code"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ExportError("This Jupyter notebook cannot be read.", "It may be cut off; save it again.") from None
    if not code:
        raise ExportError("This is a Jupyter notebook.", "It has no code: paste the cell that freezes, or the rules.")
    lines, dropped = [], 0
    for cell in code:
        first = cell.lstrip().split("\n", 1)[0]
        whole = first.startswith("%%") and first[2:].split(" ")[0] in FOREIGN
        for line in cell.split("\n"):
            gone = whole or MAGIC.match(line) or ASSIGNED.match(line)
            dropped += bool(gone)
            lines.append("" if gone and not line[:1].isspace() else re.sub(r"\S.*", "pass", line) if gone else line)
    return Notebook("\n".join(lines), dropped)
