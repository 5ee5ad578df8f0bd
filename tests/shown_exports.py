"""Exports that a document shows: `python -m tests.shown_exports` writes each below its command.

A command stands in an HTML comment, `<!-- freezecore export … -->`, right above a fenced block.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path

from freezecore.cli import main

DOCS = Path(__file__).parents[1] / "docs"
SHOWN = DOCS / "exports.md", DOCS / "multimodal.md"
MARKED = re.compile(r"(<!-- (freezecore export [^\n]+?) -->\n+```\w*\n)(.*?)(```)", re.DOTALL)


def printed(command: str) -> str:
    """What the command prints."""
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        code = main(shlex.split(command)[1:])
    assert code == 0, command
    return shown.getvalue()


def filled(text: str) -> str:
    """The text with every marked block as its command prints it."""
    return MARKED.sub(lambda match: match[1] + printed(match[2]) + match[4], text)


if __name__ == "__main__":
    for page in SHOWN:
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")
