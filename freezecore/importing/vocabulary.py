"""Vocabulary: the methods, comparisons and searches that expressions in snippets may use."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable

from freezecore.errors import RuleError
from freezecore.rules.regexes import compile_bounded

MOST_ITEMS = 10_000
SEARCHES = ("match", "search", "fullmatch")
METHODS = {
    str: {
        "startswith", "endswith", "split", "rsplit", "partition", "rpartition", "replace", "removeprefix",
        "removesuffix", "strip", "lower", "isdigit",
    },
    set: {"isdisjoint", "intersection", "issubset", "issuperset"},
}  # fmt: skip
COMPARISONS: dict[type, Callable] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}


class Unknown(Exception):
    """An expression that is not understood; its text says which."""


def searched(how: str, arguments: list) -> bool:
    if len(arguments) != 2 or not all(isinstance(argument, str) for argument in arguments):
        raise Unknown("a regular expression with flags is not understood")
    try:
        return getattr(compile_bounded(arguments[0]), how)(arguments[1]) is not None
    except RuleError as error:
        raise Unknown(error.problem.rstrip(".")) from None


def items(value: object) -> list:
    """The value as a list of bounded length."""
    if not isinstance(value, Iterable) or isinstance(value, bytes):
        raise Unknown("it is no list")
    found = list(value)
    if len(found) > MOST_ITEMS:
        raise Unknown("the list is too long")
    return found


def made(maker: Callable, value: object) -> object:
    """What a builtin makes of a value."""
    try:
        return maker(value)
    except (TypeError, ValueError):
        raise Unknown("it is not understood") from None
