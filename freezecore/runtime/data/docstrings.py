"""`docstrings`: real text without a download: which installed library wrote this sentence?

The files are parsed, never imported. The library's own name is removed, sentences that two libraries share are left
out. Which libraries there are, and their versions, decide the set; each result names the versions.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import random
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from freezecore.cache import store
from freezecore.cache.keys import versions
from freezecore.errors import DataError

LIBRARIES = {  # import name: its distribution, and the words that would give it away
    "numpy": ("numpy", r"numpy|np"),
    "pandas": ("pandas", r"pandas|pd|dataframes?"),
    "sklearn": ("scikit-learn", r"sklearn|scikit[- ]learn"),
    "torch": ("torch", r"(py)?torch"),
    "transformers": ("transformers", r"transformers|hugging ?face"),
    "scipy": ("scipy", r"scipy"),
    "streamlit": ("streamlit", r"streamlit|st"),
    "plotly": ("plotly", r"plotly|px"),
    "timm": ("timm", r"timm"),
    "pyarrow": ("pyarrow", r"pyarrow|arrow|pa"),
}
CLASSES = 8
EACH = 150  # sentences a library gives at most
FEWEST_EACH = 60
SHORTEST, LONGEST = 30, 240  # characters
LARGEST_FILE = 400_000
SENTENCE = re.compile(r"^(.+?[.!?])(?:\s|$)", re.DOTALL)
ELSEWHERE = {"tests", "testing", "vendor", "_vendor", "vendored", "externals", "third_party"}  # not its own words
FORMAT = 1


def sentences() -> tuple[list[str], list[int], tuple[str, ...]]:
    """Texts in random order, class numbers, and the libraries' names.

    Raises:
        DataError: too few libraries with docstrings are installed.
    """
    key = json.dumps([FORMAT, versions(distribution for distribution, _ in LIBRARIES.values())])
    if (kept := store.load("docstrings", key, _kept)) is not None:
        return kept
    found = _unshared({name: list(islice(_of_library(name), EACH + EACH // 4)) for name in LIBRARIES})
    chosen = [name for name, texts in found.items() if len(texts) >= FEWEST_EACH][:CLASSES]
    if len(chosen) < 2:
        raise DataError("Too few libraries with docstrings are installed here.", "Choose a file of your own texts.")
    rows = [(text, number) for number, name in enumerate(chosen) for text in found[name][:EACH]]
    random.Random(0).shuffle(rows)
    texts, targets = [text for text, _ in rows], [number for _, number in rows]
    store.write("docstrings", key, json.dumps([texts, targets, chosen]).encode())
    return texts, targets, tuple(chosen)


def _kept(content: bytes) -> tuple[list[str], list[int], tuple[str, ...]]:
    """What an earlier call stored, if it is of one piece."""
    texts, targets, classes = json.loads(content)
    if len(texts) != len(targets) or set(map(type, texts)) != {str} or not set(targets) <= set(range(len(classes))):
        raise ValueError("texts and their classes do not go together")
    return texts, targets, tuple(classes)


def _of_library(name: str) -> Iterator[str]:
    """First sentences of a library's docstrings, files in a fixed random order."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return
    root = Path(spec.submodule_search_locations[0])
    files = sorted(f for f in root.rglob("*.py") if not ELSEWHERE & set(f.parts))
    random.Random(name).shuffle(files)
    giveaway = re.compile(rf"\b({LIBRARIES[name][1]})\b", re.IGNORECASE)
    for file in files:
        for text in _first_sentences(file):
            hidden = " ".join(giveaway.sub("…", text).split())
            if SHORTEST <= len(hidden) <= LONGEST:
                yield hidden


def _first_sentences(file: Path) -> Iterator[str]:
    try:
        if file.stat().st_size > LARGEST_FILE:
            return
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):  # a library's file that is no Python of this version
        return
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            match = SENTENCE.match((ast.get_docstring(node) or "").partition("\n\n")[0])
            if match:
                yield match.group(1)


def _unshared(found: dict[str, list[str]]) -> dict[str, list[str]]:
    """Each sentence once, and none that two libraries wrote."""
    writers: dict[str, set[str]] = {}
    for name, texts in found.items():
        for text in texts:
            writers.setdefault(text.lower(), set()).add(name)
    return {
        name: [text for text in dict.fromkeys(texts) if len(writers[text.lower()]) == 1]
        for name, texts in found.items()
    }
