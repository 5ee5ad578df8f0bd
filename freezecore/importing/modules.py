"""Modules in expressions: which part of the tree `model.encoder.layer[:3]` stands for."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from freezecore.errors import shortened
from freezecore.importing.expressions import Scope, Unknown, evaluate
from freezecore.tree import LayerTree

LOOPS = {"parameters": False, "named_parameters": True}


@dataclass(frozen=True)
class Place:
    """A module or parameter of the tree: its path as written, and the positions of what lies under it."""

    path: str
    positions: tuple[int, ...]


def place_of(node: ast.expr, scope: Scope, tree: LayerTree) -> Place:
    """The part of the tree that an expression names.

    Raises:
        Unknown: it does not name one.
    """
    if isinstance(node, ast.Name):
        value = scope.values.get(node.id)
        return value if isinstance(value, Place) else whole(tree)
    if isinstance(node, ast.Attribute):
        return _attribute(node, scope, tree)
    if isinstance(node, ast.Subscript):
        places = _indexed(node, scope, tree)
        return Place(ast.unparse(node), tuple(i for place in places for i in place.positions))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and len(node.args) == 1:
        if node.func.attr in ("get_submodule", "get_parameter"):
            inner = place_of(node.func.value, scope, tree)
            return under(inner, str(evaluate(node.args[0], scope)), tree)
        if node.func.attr in ("unwrap_model", "compile"):
            return place_of(node.args[0], scope, tree)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get_classifier":
        return role(tree, "head")
    raise Unknown(f"'{shortened(ast.unparse(node))}' names no part of the model")


def whole(tree: LayerTree) -> Place:
    """The whole model."""
    return Place("", tuple(range(len(tree.parameters))))


def role(tree: LayerTree, kind: str) -> Place:
    """Everything of one kind."""
    return Place(kind, tuple(i for i, p in enumerate(tree.parameters) if p.kind == kind))


def under(place: Place, path: str, tree: LayerTree) -> Place:
    """A path below a place; without positions where the tree has none."""
    full = f"{place.path}.{path}" if place.path else path
    return Place(full, tree.under(full))


def _attribute(node: ast.Attribute, scope: Scope, tree: LayerTree) -> Place:
    """`model.a.b`: the tree's path is what remains when the names of the model's holders are left out."""
    chain: list[str] = []
    at: ast.expr = node
    while isinstance(at, ast.Attribute):
        chain.insert(0, at.attr)
        at = at.value
    if not isinstance(at, ast.Name):
        inner = place_of(at, scope, tree)
        return under(inner, ".".join(chain), tree)
    held = scope.values.get(at.id)
    if isinstance(held, Place):
        return under(held, ".".join(chain), tree)
    for first in range(len(chain)):
        path = ".".join(chain[first:])
        if tree.under(path):
            return Place(path, tree.under(path))
    if chain[-1] in ("model", "module", "net", "network", "backbone", "base_model", "encoder"):
        if chain[-1] in ("backbone", "base_model") and role(tree, "head").positions:
            head = set(role(tree, "head").positions)
            return Place(chain[-1], tuple(i for i in range(len(tree.parameters)) if i not in head))
        if chain[-1] in ("model", "module", "net", "network"):
            return whole(tree)
    return Place(".".join(chain), ())


def _indexed(node: ast.Subscript, scope: Scope, tree: LayerTree) -> list[Place]:
    """`layers[0]`, `layers[:3]`: the numbered children of a module."""
    base = place_of(node.value, scope, tree)
    children = children_of(base, tree)
    if isinstance(node.slice, ast.Slice):
        ends = [None if end is None else evaluate(end, scope) for end in (node.slice.lower, node.slice.upper)]
        if node.slice.step is not None or not all(end is None or isinstance(end, int) for end in ends):
            raise Unknown(f"'{shortened(ast.unparse(node))}' is not understood")
        return children[slice(*ends)]
    index = evaluate(node.slice, scope)
    if isinstance(index, str):
        return [under(base, index, tree)]
    if not isinstance(index, int) or not -len(children) <= index < len(children):
        raise Unknown(f"'{shortened(ast.unparse(node))}' is not in this model")
    return [children[index]]


def children_of(place: Place, tree: LayerTree) -> list[Place]:
    """The direct children of a module, in the tree's order."""
    start = f"{place.path}." if place.path else ""
    paths = [layer.path for layer in tree.layers if layer.path.startswith(start) and layer.path]
    return [Place(path, tree.under(path)) for path in paths if "." not in path[len(start) :]]


def looped(node: ast.expr, scope: Scope, tree: LayerTree) -> tuple[Place, bool] | None:
    """What `X.parameters()` or `X.named_parameters()` goes over, and whether with names; None for other loops."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LOOPS:
        return place_of(node.func.value, scope, tree), LOOPS[node.func.attr]
    return None


def each(node: ast.expr, scope: Scope, tree: LayerTree) -> list[object]:
    """The items of any other loop: modules, or plain values.

    Raises:
        Unknown: they cannot be told.
    """
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "children":
        return list(children_of(place_of(node.func.value, scope, tree), tree))
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        return list(_indexed(node, scope, tree))
    if (
        isinstance(node, (ast.List, ast.Tuple))
        and node.elts
        and isinstance(node.elts[0], (ast.Attribute, ast.Subscript))
    ):
        return [place_of(element, scope, tree) for element in node.elts]
    if isinstance(node, ast.Attribute):
        return list(children_of(place_of(node, scope, tree), tree))
    value = evaluate(node, scope)
    if not isinstance(value, (list, tuple, set)):
        raise Unknown(f"'{shortened(ast.unparse(node))}' is no list")
    return list(value)
