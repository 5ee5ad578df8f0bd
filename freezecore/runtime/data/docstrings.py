"""`docstrings`: real text without a download: which installed library wrote this sentence, and what in it is code?

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
SENTENCES = re.compile(r"(?<=[.!?])\s+(?=[A-Z`:])")
MARKED = re.compile(r"(?::[\w:]+:)?(?:``([^`]+)``|`([^`<>]+)`)(?!_)")  # reStructuredText's, Markdown's and Sphinx's
WORDS = re.compile(r"\w[\w.]*\w|\w|[^\w\s]")
HEADED = re.compile(r"\s*(?:\w+\s*\n\s*-{3}|Args|Arguments|Parameters|Returns|Examples?|>>>|:|\.\.)")
FEWEST_WORDS = 4
MARKED_EACH = 250  # sentences with marks that a library gives at most, from so many of its files
MOST_FILES = 150
MARKS = ("B-name", "B-parameter", "B-value", "I-name", "I-parameter", "I-value", "O")
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


def marked_sentences() -> tuple[list[tuple[tuple[str, ...], tuple[int, ...]]], tuple[str, ...]]:
    """Words and tag numbers of sentences in which their authors marked words as code, in random order; and the tags.

    What a mark is, the code says: a parameter of the function whose docstring it stands in, a value (None, a number, a
    string), or else another name. The marks themselves (``, :class:`…`) are taken out.

    Raises:
        DataError: too few of them are installed.
    """
    key = json.dumps([FORMAT, versions(distribution for distribution, _ in LIBRARIES.values())])
    if (kept := store.load("marks", key, _kept_marks)) is not None:
        return kept
    rows: list[tuple[tuple[str, ...], tuple[int, ...]]] = []
    for name in LIBRARIES:
        rows += islice(dict.fromkeys(_marked_of_library(name)), MARKED_EACH)
    if len(rows) < FEWEST_EACH:
        raise DataError("Too few libraries with docstrings are installed here.", "Choose a file of your own texts.")
    random.Random(0).shuffle(rows)
    store.write("marks", key, json.dumps([rows, MARKS]).encode())
    return rows, MARKS


def _kept_marks(content: bytes) -> tuple[list[tuple[tuple[str, ...], tuple[int, ...]]], tuple[str, ...]]:
    rows, marks = json.loads(content)
    if tuple(marks) != MARKS or any(len(words) != len(tags) or not words for words, tags in rows):
        raise ValueError("words and their tags do not go together")
    return [(tuple(words), tuple(tags)) for words, tags in rows], MARKS


def _marked_of_library(name: str) -> Iterator[tuple[tuple[str, ...], tuple[int, ...]]]:
    for file in _files(name)[:MOST_FILES]:
        for text, parameters in _documented(file):
            for paragraph in text.split("\n\n"):
                if HEADED.match(paragraph):  # lists of parameters are no prose
                    break
                for sentence in SENTENCES.split(" ".join(paragraph.split())):
                    if SHORTEST <= len(sentence) <= LONGEST and (found := _marked(sentence, parameters)):
                        yield found


def _marked(sentence: str, parameters: frozenset[str]) -> tuple[tuple[str, ...], tuple[int, ...]] | None:
    """Words and tag numbers; None where nothing is marked, or the markup is of another kind."""
    words: list[str] = []
    tags: list[int] = []
    end = 0
    for mark in MARKED.finditer(sentence):
        _add(sentence[end : mark.start()], "", words, tags)
        inside = (mark[1] or mark[2]).strip("~!. ")
        _add(inside, _what(inside, parameters), words, tags)
        end = mark.end()
    _add(sentence[end:], "", words, tags)
    plain = not any("`" in word or word.startswith((">>>", "..")) for word in words)
    return (tuple(words), tuple(tags)) if end and plain and len(words) > FEWEST_WORDS else None


def _add(text: str, kind: str, words: list[str], tags: list[int]) -> None:
    found = WORDS.findall(text)
    words += found
    if kind:
        tags += [MARKS.index(f"{'I' if i else 'B'}-{kind}") for i in range(len(found))]
    else:
        tags += [MARKS.index("O")] * len(found)


def _what(inside: str, parameters: frozenset[str]) -> str:
    """What a marked piece is, as the code has it."""
    if inside.lstrip("*") in parameters:
        return "parameter"
    try:
        ast.literal_eval(inside)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return "name"
    return "value"


def _documented(file: Path) -> Iterator[tuple[str, frozenset[str]]]:
    """Docstrings of a file, each with the parameters of its function, or of its class's `__init__`."""
    for node in _nodes(file):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and (text := ast.get_docstring(node)):
            makers = node.body if isinstance(node, ast.ClassDef) else [node]
            takes = [
                one.args
                for one in makers
                if isinstance(one, ast.FunctionDef) and (one is node or one.name == "__init__")
            ]
            names = {a.arg for args in takes for a in (*args.posonlyargs, *args.args, *args.kwonlyargs)}
            yield text, frozenset(names - {"self"})


def _kept(content: bytes) -> tuple[list[str], list[int], tuple[str, ...]]:
    """What an earlier call stored, if it is of one piece."""
    texts, targets, classes = json.loads(content)
    if len(texts) != len(targets) or set(map(type, texts)) != {str} or not set(targets) <= set(range(len(classes))):
        raise ValueError("texts and their classes do not go together")
    return texts, targets, tuple(classes)


def _of_library(name: str) -> Iterator[str]:
    """First sentences of a library's docstrings, files in a fixed random order."""
    giveaway = re.compile(rf"\b({LIBRARIES[name][1]})\b", re.IGNORECASE)
    for file in _files(name):
        for text in _first_sentences(file):
            hidden = " ".join(giveaway.sub("…", text).split())
            if SHORTEST <= len(hidden) <= LONGEST:
                yield hidden


def _files(name: str) -> list[Path]:
    """A library's own Python files, in a fixed random order; none where it is not installed."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return []
    root = Path(spec.submodule_search_locations[0])
    files = sorted(f for f in root.rglob("*.py") if not ELSEWHERE & set(f.parts))
    random.Random(name).shuffle(files)
    return files


def _first_sentences(file: Path) -> Iterator[str]:
    for node in _nodes(file):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            match = SENTENCE.match((ast.get_docstring(node) or "").partition("\n\n")[0])
            if match:
                yield match.group(1)


def _nodes(file: Path) -> Iterator[ast.AST]:
    try:
        if file.stat().st_size > LARGEST_FILE:
            return
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):  # a library's file that is no Python of this version
        return
    yield from ast.walk(tree)


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
