"""What a script will need, imported before the walls stand: after that nothing is read from disk."""

from __future__ import annotations

import re
from importlib import import_module

from freezecore.importing.execution.standins import library, stdlib

IMPORTS = re.compile(r"^\s*(?:from|import)\s+([\w., \t]+)", re.MULTILINE)


def load(text: str) -> None:
    """Import the stand-ins and the few real modules that the text names."""
    words = set(re.findall(r"\w+", " ".join(IMPORTS.findall(text))))
    for name in set(library.FILES.values()):
        import_module(f"freezecore.importing.execution.standins.{name}")
    for name in words | {root for root in stdlib.MODULES if f"{root}." in text}:
        if stdlib.MODULES.get(name) != "" and name in stdlib.MODULES:
            import_module(name)
    if "copy" in text:
        import_module("copy")
    "".encode("unicode_escape")  # a codec that `ast.unparse` needs for f-strings with a line break
