"""Every template that the page may have to tell, read from the source: what `say`, an error or a finding is given."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from freezecore import errors

ROOT = Path(__file__).parents[2]
ENGLISH_ONLY = ("freezecore/cli/", "freezecore/runtime/search/cluster.py")  # never told on the page
WRITES_CODE = "freezecore/_export/"  # whose strings are mostly Python
ERRORS = [name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)]
GIVEN = {
    "say": slice(1),
    "fail": slice(2),
    "Finding": slice(3, 4),
    "none_called": slice(1, 2),
    "require": slice(2, 3),
    "tell": slice(2),
    "note": slice(2),
}


@cache
def templates() -> dict[str, str]:
    """Each template, and where it stands."""
    return {text.value: place for place, argument in given() for text in literals(argument) if text.value}


@cache
def given() -> list[tuple[str, ast.expr]]:
    """Where a template is given, and the expression that gives it."""
    reasons = [
        node.name
        for _, node in _nodes()
        if isinstance(node, ast.ClassDef) and "Reason" in [getattr(base, "id", "") for base in node.bases]
    ]
    known = {**GIVEN, **dict.fromkeys(ERRORS, slice(2)), **dict.fromkeys(reasons, slice(1))}
    calls = ((place, node) for place, node in _nodes() if isinstance(node, ast.Call))
    return [
        (f"{place}:{argument.lineno}", argument)
        for place, call in calls
        for argument in call.args[known.get(getattr(call.func, "id", getattr(call.func, "attr", "")), slice(0))]
    ]


def literals(node: ast.expr) -> Iterator[ast.Constant]:
    """The texts that an expression may be, where they stand in it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node
    elif isinstance(node, (ast.IfExp, ast.BoolOp)):
        for side in node.values if isinstance(node, ast.BoolOp) else (node.body, node.orelse):
            yield from literals(side)


def put_together() -> list[str]:
    """Places where a template is not a literal, so that no language can have it."""
    return [place for place, argument in given() if isinstance(argument, (ast.JoinedStr, ast.BinOp))]


def unsaid() -> dict[str, str]:
    """Texts that read like a sentence and that nothing is given, and where they stand."""
    aside = {id(text) for _, argument in given() for text in literals(argument)}
    aside |= {id(node.value) for _, node in _nodes() if isinstance(node, (ast.Expr, ast.FormattedValue))}
    aside |= {id(part) for _, node in _nodes() if isinstance(node, ast.JoinedStr) for part in node.values}
    return {
        node.value: f"{place}:{node.lineno}"
        for place, node in _nodes()
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in aside
        if not place.startswith(WRITES_CODE) and re.fullmatch(r"['{A-Z][^\n]* [^\n]*\w[.?]", node.value)
    }


@cache
def _nodes() -> list[tuple[str, ast.AST]]:
    """Every node of the source, and its file."""
    files = [file for folder in ("freezecore", "app") for file in sorted((ROOT / folder).rglob("*.py"))]
    named = [(file.relative_to(ROOT).as_posix(), file) for file in files]
    trees = [(name, ast.parse(file.read_text("utf-8"))) for name, file in named if not name.startswith(ENGLISH_ONLY)]
    return [(name, node) for name, tree in trees for node in ast.walk(tree)]
