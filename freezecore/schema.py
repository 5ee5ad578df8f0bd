"""Reads JSON that a stranger may have written as the classes it is said to hold; nothing else comes through.

`reader(LayerTree)` takes values apart by the type hints of a class: a dataclass is an object of its fields, a tuple or
named tuple a list, a dictionary whose keys are no texts a list of pairs.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Callable
from functools import cache
from typing import Any

LARGEST_NUMBER = 2**62
LONGEST_TEXT = 20_000

Read = Callable[[Any], Any]


def parse(content: bytes | str) -> Any:
    """JSON values.

    Raises:
        ValueError: this is no JSON, is nested deeper than any of ours, or holds a number that is none.
    """
    try:
        return json.loads(content, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def reader(kind: Any) -> Read:
    """What makes a value of this type from JSON values.

    Raises:
        ValueError: (when it is called) the values are not of this type, or out of bounds.
    """
    return _made(kind)


@cache
def _made(kind: Any) -> Read:
    if kind in (int, str, bool, type(None)):
        return {int: _number, str: _text, bool: _truth, type(None): _nothing}[kind]
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return _one_of(arguments)
    if origin in (types.UnionType, typing.Union):
        return _any_of([reader(each) for each in sorted(arguments, key=lambda each: each is not type(None))])
    if origin is tuple:
        items = [reader(each) for each in arguments if each is not ...]
        return _list_of(items[0]) if ... in arguments else _row(tuple, items, len(items))
    if origin is dict:
        return _pairs(*map(reader, arguments), of_texts=arguments[0] is str)
    hints = {name: reader(hint) for name, hint in typing.get_type_hints(kind).items()}
    if dataclasses.is_dataclass(kind):
        return _object(kind, {field.name: hints[field.name] for field in dataclasses.fields(kind)})
    return _row(lambda values: kind(*values), list(hints.values()), len(kind._fields) - len(kind._field_defaults))


def _refuse(constant: Any) -> Any:
    raise ValueError(f"{str(constant)[:40]!r} does not belong here")


def _number(value: Any) -> int:
    return value if type(value) is int and -LARGEST_NUMBER < value < LARGEST_NUMBER else _refuse(value)


def _text(value: Any) -> str:
    if type(value) is not str or len(value) > LONGEST_TEXT:
        _refuse(type(value))
    value.encode()  # half a character, as JSON can write it, is a ValueError
    return value


def _truth(value: Any) -> bool:
    return value if type(value) is bool else _refuse(value)


def _nothing(value: Any) -> None:
    if value is not None:
        _refuse(value)


def _one_of(choices: tuple) -> Read:
    return lambda value: value if type(value) is str and value in choices else _refuse(value)


def _any_of(readers: list[Read]) -> Read:
    nothing, *others = readers if readers[0] is _nothing else [_refuse, *readers]

    def read(value: Any) -> Any:
        if value is None:
            return nothing(value)
        for each in others[:-1]:
            try:
                return each(value)
            except ValueError:
                continue
        return others[-1](value)

    return read


def _list_of(item: Read) -> Read:
    return lambda value: tuple([item(each) for each in value]) if type(value) in (list, tuple) else _refuse(type(value))


def _row(make: Callable[[list], Any], items: list[Read], fewest: int) -> Read:
    def read(value: Any) -> Any:
        if type(value) not in (list, tuple) or not fewest <= len(value) <= len(items):
            _refuse(type(value))
        return make([item(each) for item, each in zip(items, value, strict=False)])

    return read


def _pairs(key: Read, value: Read, *, of_texts: bool) -> Read:
    def read(found: Any) -> dict:
        if type(found) is not (dict if of_texts else list):
            _refuse(type(found))
        rows = (
            found.items()
            if of_texts
            else [row if type(row) is list and len(row) == 2 else _refuse(row) for row in found]
        )
        return {key(name): value(each) for name, each in rows}

    return read


def _object(kind: Any, fields: dict[str, Read]) -> Read:
    required = {
        field.name
        for field in dataclasses.fields(kind)
        if field.default is field.default_factory is dataclasses.MISSING
    }

    def read(value: Any) -> Any:
        if type(value) is not dict or not required <= value.keys():
            _refuse(type(value))
        try:
            return kind(**{name: fields[name](each) for name, each in value.items()})
        except KeyError as error:
            raise ValueError(f"no field is called {error}") from None

    return read
