"""Every sentence that freezecore and the page can raise in English, read from the source with its values left open."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path

ROOT = Path(__file__).parents[2]
VALUE = "Xq7"  # stands where a raise site fills in a value
TELLING = {"FreezeError", "SourceError", "RuleError", "WorkloadError", "TraceError", "DataError", "ProbeError"}
TELLING |= {"ProofError", "ExportError", "fail", "Ended", "Broken"}
RETURNING = {"told", "_out_of_memory", "action", "_lost"}  # functions whose strings a stored run or the analyst tells
UNSEEN = {"cli", "cluster.py"}  # never told on the page


@cache
def sentences() -> dict[str, str]:
    """Each sentence, and where it is raised."""
    found: dict[str, str] = {}
    for file, tree in _files().items():
        if UNSEEN & set(file.parts):
            continue
        for node, function in _with_functions(tree):
            arguments = []
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in TELLING:
                arguments = node.args[:3]
            elif isinstance(node, ast.Return) and node.value and getattr(function, "name", "") in RETURNING:
                arguments = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in ("problem", "hint"):
                arguments = [node.value]
            for argument in arguments:
                for text in _texts(argument, function, tree):
                    if " " in text.replace(VALUE, "").strip():
                        found.setdefault(text, f"{file.relative_to(ROOT)}:{node.lineno}")
    return found


@cache
def _files() -> dict[Path, ast.Module]:
    folders = (ROOT / "freezecore", ROOT / "app")
    return {
        file: ast.parse(file.read_text(encoding="utf-8")) for folder in folders for file in sorted(folder.rglob("*.py"))
    }


def _with_functions(tree: ast.AST, function: ast.AST | None = None) -> Iterator[tuple[ast.AST, ast.AST | None]]:
    for node in ast.iter_child_nodes(tree):
        yield node, function
        yield from _with_functions(node, node if isinstance(node, ast.FunctionDef) else function)


def _texts(node: ast.AST, function: ast.AST | None, tree: ast.Module, depth: int = 0) -> list[str]:
    """What an expression can say; `VALUE` for what cannot be read off the source."""
    if isinstance(node, ast.Constant):
        return [re.sub(r"\{[a-z_]\w*[^}]*\}", VALUE, node.value)] if isinstance(node.value, str) else [VALUE]
    if isinstance(node, ast.FormattedValue):
        return [VALUE]
    if isinstance(node, ast.JoinedStr):
        return _joined([_texts(part, function, tree, depth) for part in node.values])
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _joined([_texts(side, function, tree, depth) for side in (node.left, node.right)])
    if isinstance(node, ast.BoolOp):
        return [text for side in node.values for text in _texts(side, function, tree, depth)]
    if isinstance(node, ast.IfExp):
        return [text for side in (node.body, node.orelse) for text in _texts(side, function, tree, depth)]
    if depth < 3 and isinstance(node, ast.Name):
        return _named(node.id, function, tree, depth)
    if depth < 3 and isinstance(node, ast.Call):
        return _returned(node, tree, depth)
    return [VALUE]


def _joined(parts: list[list[str]]) -> list[str]:
    return ["".join(choice) for choice in product(*parts)]


def _named(name: str, function: ast.AST | None, tree: ast.Module, depth: int) -> list[str]:
    """A variable's strings: those assigned in its function, else in its module."""
    for scope in filter(None, (function, tree)):
        nodes = ast.walk(scope) if scope is function else scope.body
        values = [n.value for n in nodes if isinstance(n, ast.Assign) and getattr(n.targets[0], "id", "") == name]
        if values:
            return [text for value in values for text in _texts(value, function, tree, depth + 1)]
    return [VALUE]


def _returned(call: ast.Call, tree: ast.Module, depth: int) -> list[str]:
    """The strings of every function of that name that returns some."""
    name = getattr(call.func, "id", getattr(call.func, "attr", ""))
    if name == "say":
        return _texts(call.args[0], None, tree, depth)
    if name in ("shortened", "join", "str"):
        return [VALUE]
    texts = []
    for tree, node in _functions().get(name, []):
        returns = [n.value for n in ast.walk(node) if isinstance(n, ast.Return) and n.value]
        texts += [text for value in returns for text in _texts(value, node, tree, depth + 1)]
    return texts or [VALUE]


@cache
def _functions() -> dict[str, list[tuple[ast.Module, ast.FunctionDef]]]:
    found: dict[str, list[tuple[ast.Module, ast.FunctionDef]]] = {}
    for tree in _files().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                found.setdefault(node.name, []).append((tree, node))
    return found
