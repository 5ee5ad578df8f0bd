"""The order in which a model's code names its layers, for a model whose forward pass cannot be followed.

A layer may be defined last and run first. What `forward` and the methods it calls name of `self` is read from their
source in the order of evaluation: the arguments of a call before what is called. What no code names (`getattr` by a
made-up name, or nothing uses it), or only without gradients, stays after what is defined before it and is not last;
without source, all does.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Hashable
from dataclasses import replace
from functools import cache
from types import FunctionType
from typing import cast

from freezecore.runtime.tree.module_tree import ModuleNode, ModuleTree
from freezecore.runtime.tree.order import Execution

ASKED = ("config", "device", "dtype", "get_input_embeddings")  # of a module, without running it


def completed(run: Execution | None, seen: ModuleTree) -> Execution:
    """A run of the whole model as it is; where its parts alone could be followed, or nothing, what the code tells."""
    if run is None:
        return Execution(written_order(seen), {})
    if "" in run.calls:
        return run
    parts = [
        node for path, node in seen.nodes.items() if path in run.calls and path.rpartition(".")[0] not in run.calls
    ]
    order: list[str] = []
    for name in written_order(seen):
        part = next((node for node in parts if node.contains(name)), None)
        order += [each for each in run.parameters if part.contains(each)] if part else [name]
    return replace(run, parameters=tuple(dict.fromkeys(order)))


def written_order(seen: ModuleTree) -> tuple[str, ...]:
    """First names of all parameters, in the order in which the code names them."""
    order: dict[str, None] = {}
    _visit(seen, seen.root, order, set())
    return tuple(dict.fromkeys((*order, *seen.tensors)))


def _visit(seen: ModuleTree, node: ModuleNode, order: dict[str, None], above: set[int]) -> None:
    module, defined = node.module, (*node.module._parameters, *node.module._modules)
    named = _named(cast(Hashable, type(module)), getattr(module.forward, "__func__", None))
    rank = {name: at for at, name in enumerate(name for name in named if name in defined)}
    place: dict[str, float] = {}
    last = -1.0
    for name in defined:
        place[name] = last = rank.get(name, min(last, len(rank) - 1.5) if rank else last)
    for name in sorted(defined, key=place.__getitem__):
        tensor, child = module._parameters.get(name), node.children.get(name)
        if tensor is not None:
            order.setdefault(seen.name_of[id(tensor)])
        elif child is not None and id(child) not in above:
            _visit(seen, child, order, above | {id(node)})


@cache
def _named(kind: Hashable, forward: FunctionType | None) -> tuple[str, ...]:
    """Attributes of `self` that a class's forward and the methods it calls name, each where it is first evaluated."""
    reader = _Reader(cast(type, kind))
    reader.read(forward)
    return tuple(reader.found)


class _Reader(ast.NodeVisitor):
    def __init__(self, kind: type) -> None:
        self.kind = kind
        self.found: dict[str, None] = {}
        self.read_already: set[object] = set()
        self.me, self.home = "", kind

    def read(self, function: object) -> None:
        """Read a method's source, once; what has none names nothing."""
        function = function.fget if isinstance(function, property) else function
        function = inspect.unwrap(function) if callable(function) else None
        if not isinstance(function, FunctionType) or function in self.read_already or not function.__code__.co_varnames:
            return
        self.read_already.add(function)
        try:
            (parsed,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
        except (OSError, SyntaxError, TypeError, ValueError):
            return
        if not isinstance(parsed, ast.FunctionDef):
            return
        if any(map(_without_gradients, parsed.decorator_list)):
            return
        outer = self.me, self.home
        self.me = function.__code__.co_varnames[0]
        self.home = next((each for each in self.kind.__mro__ if function in vars(each).values()), self.kind)
        self.generic_visit(parsed)
        self.me, self.home = outer

    def visit_With(self, node: ast.With) -> None:
        if not any(_without_gradients(each.context_expr) for each in node.items):
            self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        for each in (*node.args, *node.keywords, node.func):
            self.visit(each)

    def visit_Assign(self, node: ast.Assign) -> None:
        for each in (node.value, *node.targets):
            self.visit(each)

    def visit_comprehended(self, node: ast.ListComp | ast.GeneratorExp | ast.SetComp) -> None:
        for each in (*node.generators, node.elt):
            self.visit(each)

    visit_ListComp = visit_GeneratorExp = visit_SetComp = visit_comprehended

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if node.attr in ASKED and isinstance(node.value, ast.Attribute):
            return
        if isinstance(node.value, ast.Name) and node.value.id == self.me:
            self.found.setdefault(node.attr)
            self.read(getattr(self.kind, node.attr, None))
        elif isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "super":
            self.read(getattr(super(self.home, self.kind), node.attr, None))
        self.generic_visit(node)


def _without_gradients(node: ast.expr) -> bool:
    """`torch.no_grad()` and its like, as a decorator or a context: a momentum encoder's outputs make no prediction."""
    made = node.func if isinstance(node, ast.Call) else node
    return getattr(made, "attr", getattr(made, "id", "")) in ("no_grad", "inference_mode")
