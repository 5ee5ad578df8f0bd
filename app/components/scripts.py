"""What a component is made of, as plain text: a script of modules, and sentences; whoever draws the page mounts it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from ..text import sentences

JS = Path(__file__).with_name("js")
SHARED = ("channel", "element", "mount")


def script(folder: Path, modules: Iterable[str]) -> str:
    """Modules of a folder behind those that all share, as one, since a component's script is one text.

    Imports go, exports become plain; lines of comment go as well, since Streamlit sends the script of a message again
    with every message.
    """
    files = [*(JS / f"{name}.js" for name in SHARED), *(folder / f"{name}.js" for name in modules)]
    parts = [file.read_text(encoding="utf-8") for file in files]
    plain = [re.sub(r"^import .*?;\n", "", part, flags=re.MULTILINE | re.DOTALL) for part in parts]
    plain = [re.sub(r"^export (?!default)", "", part, flags=re.MULTILINE) for part in plain]
    return re.sub(r"^\s*(//.*)?\n", "", "\n".join(plain), flags=re.MULTILINE)


@cache
def strings(component: str, lang: str) -> dict[str, str]:
    """A component's own sentences in a language."""
    start = f"{component}."
    return {"lang": lang} | {
        key.removeprefix(start): text for key, text in sentences(lang).items() if key.startswith(start)
    }
