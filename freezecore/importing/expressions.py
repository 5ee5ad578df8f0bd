"""Expressions over a parameter's name, as snippets write them, worked out on their syntax tree with bounded effort.

Known are literals, f-strings, comparisons, `and`, `or`, `not`, `any` and `all`, a few methods of text, `re`'s three
searches, and functions that the snippet itself defines. Everything else is `Unknown`, never run.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field

from freezecore.errors import shortened
from freezecore.importing.vocabulary import COMPARISONS, METHODS, MOST_ITEMS, SEARCHES, Unknown, items, made, searched

MOST_STEPS = 20_000_000
DEEPEST = 40


@dataclass
class Scope:
    """What is defined where an expression stands.

    Attributes:
        values: plain values by variable.
        functions: the snippet's own functions by name.
        steps: nodes that may still be looked at, shared by all scopes of one snippet.
    """

    values: dict[str, object] = field(default_factory=dict)
    functions: dict[str, ast.FunctionDef] = field(default_factory=dict)
    steps: list[int] = field(default_factory=lambda: [MOST_STEPS])
    depth: int = 0

    def within(self, **values: object) -> Scope:
        """The same scope with more variables."""
        return Scope({**self.values, **values}, self.functions, self.steps, self.depth + 1)


def evaluate(node: ast.expr, scope: Scope) -> object:
    """The value of an expression.

    Raises:
        Unknown: it is not understood, or takes too long.
    """
    scope.steps[0] -= 1
    if scope.steps[0] < 0 or scope.depth > DEEPEST:
        raise Unknown("it takes too long to work out")
    known = KINDS.get(type(node))
    if known is None:
        raise Unknown(f"'{shortened(ast.unparse(node))}' is not understood")
    return known(node, scope)


def _name(node: ast.Name, scope: Scope) -> object:
    if node.id not in scope.values:
        raise Unknown(f"'{shortened(node.id)}' is not defined here")
    return scope.values[node.id]


def _formatted(node: ast.JoinedStr, scope: Scope) -> str:
    parts = []
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            if part.format_spec is not None or part.conversion != -1:
                raise Unknown(f"'{shortened(ast.unparse(node))}' is not understood")
            part = part.value
        parts.append(str(evaluate(part, scope)))
    return "".join(parts)


def _collection(node: ast.Tuple | ast.List | ast.Set, scope: Scope) -> object:
    found: list[object] = []
    for element in node.elts:
        if isinstance(element, ast.Starred):
            found += items(evaluate(element.value, scope))
        else:
            found.append(evaluate(element, scope))
    return made({ast.Tuple: tuple, ast.List: list, ast.Set: set}[type(node)], found)


def _generated(node: ast.GeneratorExp | ast.ListComp | ast.SetComp, scope: Scope) -> list:
    if len(node.generators) != 1 or not isinstance(node.generators[0].target, ast.Name):
        raise Unknown(f"'{shortened(ast.unparse(node))}' is not understood")
    loop = node.generators[0]
    found = []
    for item in items(evaluate(loop.iter, scope)):
        inner = scope.within(**{loop.target.id: item})
        if all(evaluate(test, inner) for test in loop.ifs):
            found.append(evaluate(node.elt, inner))
    return found


def _boolean(node: ast.BoolOp, scope: Scope) -> object:
    value: object = None
    for part in node.values:
        value = evaluate(part, scope)
        if bool(value) == isinstance(node.op, ast.Or):
            break
    return value


def _negated(node: ast.UnaryOp, scope: Scope) -> object:
    value = evaluate(node.operand, scope)
    if isinstance(node.op, ast.Not):
        return not value
    if isinstance(node.op, ast.USub) and isinstance(value, (int, float)):
        return -value
    raise Unknown(f"'{shortened(ast.unparse(node))}' is not understood")


def _compared(node: ast.Compare, scope: Scope) -> bool:
    left = evaluate(node.left, scope)
    for kind, right_node in zip(node.ops, node.comparators, strict=True):
        right = evaluate(right_node, scope)
        compare = COMPARISONS.get(type(kind))
        try:
            if compare is None or not compare(left, right):
                if compare is None:
                    raise Unknown(f"'{shortened(ast.unparse(node))}' is not understood")
                return False
        except TypeError:
            raise Unknown(f"'{shortened(ast.unparse(node))}' is not understood") from None
        left = right
    return True


def _subscript(node: ast.Subscript, scope: Scope) -> object:
    value = evaluate(node.value, scope)
    index = evaluate(node.slice, scope)
    if isinstance(value, (str, list, tuple)) and isinstance(index, int) and -len(value) <= index < len(value):
        return value[index]
    raise Unknown(f"'{shortened(ast.unparse(node))}' is not understood")


def _called(node: ast.Call, scope: Scope) -> object:
    if node.keywords:
        raise Unknown(f"'{shortened(ast.unparse(node))}' is not understood")
    arguments = [evaluate(argument, scope) for argument in node.args]
    if isinstance(node.func, ast.Name):
        return _function(node, node.func.id, arguments, scope)
    if isinstance(node.func, ast.Attribute):
        return _method(node, node.func, arguments, scope)
    raise Unknown(f"'{shortened(ast.unparse(node))}' is not understood")


def _function(node: ast.Call, name: str, arguments: list, scope: Scope) -> object:
    if name in scope.functions:
        return call_own(scope.functions[name], arguments, scope)
    if name == "range" and all(isinstance(n, int) and abs(n) <= MOST_ITEMS for n in arguments) and arguments:
        return list(range(*arguments[:2]))
    if name in ("any", "all", "set", "tuple", "list", "bool", "len") and len(arguments) == 1:
        makers = {"any": any, "all": all, "bool": bool, "len": len, "set": set, "tuple": tuple, "list": list}
        return made(makers[name], arguments[0] if name == "bool" else items(arguments[0]))
    if name in ("int", "str") and len(arguments) == 1 and isinstance(arguments[0], (str, int)):
        return made({"int": int, "str": str}[name], arguments[0])
    raise Unknown(f"'{shortened(ast.unparse(node))}' is not understood")


def _method(node: ast.Call, function: ast.Attribute, arguments: list, scope: Scope) -> object:
    if isinstance(function.value, ast.Name) and function.value.id == "re" and function.attr in SEARCHES:
        return searched(function.attr, arguments)
    value = evaluate(function.value, scope)
    if function.attr not in METHODS.get(type(value), ()):
        raise Unknown(f"'{shortened(ast.unparse(node))}' is not understood")
    try:
        return getattr(value, function.attr)(*arguments)
    except (TypeError, ValueError):
        raise Unknown(f"'{shortened(ast.unparse(node))}' is not understood") from None


def call_own(function: ast.FunctionDef, arguments: list, scope: Scope) -> object:
    names = [argument.arg for argument in function.args.args]
    if len(arguments) > len(names):
        raise Unknown(f"'{shortened(function.name)}' takes fewer arguments")
    values = dict(zip(names, arguments, strict=False))
    defaults = zip(reversed(names), reversed(function.args.defaults), strict=False)
    for name, default in defaults:
        if name not in values:
            values[name] = evaluate(default, scope)
    returned, value = _run(function.body, scope.within(**values))
    if not returned:
        raise Unknown(f"'{shortened(function.name)}' returns nothing")
    return value


def by_epoch(node: ast.expr, scope: Scope) -> list[tuple[int, bool]]:
    """For a call `trains(name, epoch)` of the snippet's own: the epochs it compares with, and its value from each."""
    own = scope.functions.get(node.func.id) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else None
    if own is None or len(node.args) != 2 or len(own.args.args) != 2:
        return []
    epoch = own.args.args[1].arg
    compared = [n for n in ast.walk(own) if isinstance(n, ast.Compare) and getattr(n.left, "id", None) == epoch]
    numbers = {part.value for n in compared for part in n.comparators if isinstance(part, ast.Constant)}
    name = evaluate(node.args[0], scope)
    epochs = sorted(number for number in numbers if isinstance(number, int) and number > 0)
    return [(number, bool(call_own(own, [name, number], scope))) for number in epochs[:100]]


def _run(body: list[ast.stmt], scope: Scope) -> tuple[bool, object]:
    """Whether the statements return, and what; assignments change the scope."""
    for statement in body:
        if isinstance(statement, ast.Return) and statement.value is not None:
            return True, evaluate(statement.value, scope)
        if isinstance(statement, ast.If):
            returned, value = _run(statement.body if evaluate(statement.test, scope) else statement.orelse, scope)
            if returned:
                return True, value
        elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            assign(statement.targets[0], evaluate(statement.value, scope), scope)
        elif not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
            raise Unknown(f"'{shortened(ast.unparse(statement))}' is not understood")
    return False, None


def assign(target: ast.expr, value: object, scope: Scope) -> None:
    """`name = value`, or `a, b = pair`."""
    if isinstance(target, ast.Name):
        scope.values[target.id] = value
    elif isinstance(target, ast.Tuple) and isinstance(value, (tuple, list)) and len(target.elts) == len(value):
        for part, item in zip(target.elts, value, strict=True):
            assign(part, item, scope)
    else:
        raise Unknown(f"'{shortened(ast.unparse(target))}' is not understood")


KINDS: dict[type, Callable] = {
    ast.Constant: lambda node, scope: node.value,
    ast.Name: _name,
    ast.JoinedStr: _formatted,
    ast.Tuple: _collection,
    ast.List: _collection,
    ast.Set: _collection,
    ast.GeneratorExp: _generated,
    ast.ListComp: _generated,
    ast.SetComp: lambda node, scope: set(_generated(node, scope)),
    ast.BoolOp: _boolean,
    ast.UnaryOp: _negated,
    ast.Compare: _compared,
    ast.Subscript: _subscript,
    ast.Call: _called,
}
