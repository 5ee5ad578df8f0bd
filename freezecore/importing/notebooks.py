"""Code out of notebooks and documents: without what is for the notebook's shell, and without what stands around it."""

from __future__ import annotations

import ast
import json
import re
import textwrap
from dataclasses import dataclass

from freezecore.errors import ExportError

MAGIC = re.compile(r"^\s*(%|!|\?|[\w.]+\?\s*$)")
ASSIGNED = re.compile(r"^\s*\w+\s*=\s*[!%]")
COPIED = re.compile(r"^\s*(?:```|[%!]+\w|[\w.]+\?\s*$)|^\s*\w+\s*=\s*[!%]", re.MULTILINE)
LONGEST = 400_000
NAMED_FILE = re.compile(r"[\W_]*?([\w./\\-]+\.\w+)\W*")
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
    return _without_shell(code)


def copied_source(text: str) -> Notebook:
    """Text as it was copied out of a document or of a notebook's cells: what no Python holds is blank, line by line.

    The name of a file above a fenced part, or after `%%writefile`, heads that part as a comment.
    """
    if not COPIED.search(text) or len(text) > LONGEST or is_python(text):
        return Notebook(text, 0)
    lines = [re.sub(r"^%%writefile\s+(\S+)$", r"# \1", line) for line in text.splitlines()]
    fences = [n for n, line in enumerate(lines) if line.lstrip().startswith("```")]
    if len(fences) > 1:
        inside = {n for first, last in zip(fences[::2], fences[1::2], strict=False) for n in range(first + 1, last)}
        named = {n: f"# {found[1]}" for n, line in enumerate(lines) if (found := NAMED_FILE.fullmatch(line))}
        lines = [line if n in inside else named.get(n, "") for n, line in enumerate(lines)]
    without = _without_shell(["\n".join(lines)])
    return without if is_python(without.text) else Notebook("\n".join(lines), 0)


def is_python(text: str) -> bool:
    """Whether Python can read the text."""
    try:
        ast.parse(textwrap.dedent(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _without_shell(cells: list[str]) -> Notebook:
    lines, dropped = [], 0
    for cell in cells:
        first = cell.lstrip().split("\n", 1)[0]
        whole = first.startswith("%%") and first[2:].split(" ")[0] in FOREIGN
        gone: object = False
        before = ""
        for line in cell.split("\n"):
            goes_on = bool(gone) and before.rstrip().endswith("\\")
            gone, before = whole or goes_on or MAGIC.match(line) or ASSIGNED.match(line), line
            dropped += bool(gone)
            blank = goes_on or gone and not line[:1].isspace()
            lines.append("" if blank else re.sub(r"\S.*", "pass", line) if gone else line)
    return Notebook("\n".join(lines), dropped)
