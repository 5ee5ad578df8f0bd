"""Arithmetic and comparisons of arrays, value by value."""

from __future__ import annotations

import operator

from freezecore.importing.execution.standins.numpy_array import Array, refused
from freezecore.importing.execution.unknown import Unknown


def worked(held: Array, work, other=0):
    """`work` of each value with the other operand, or with the other operand's of its place."""
    if type(other) is Unknown:
        return Unknown("numpy.ndarray", library=True)
    if not isinstance(other, (Array, list, tuple)):
        return Array([work(each, other) for each in held])
    other = other if isinstance(other, Array) else Array(other)
    rows = [any(isinstance(each, Array) for each in one) for one in (held, other)]
    if len(held) != len(other) or rows[0] != rows[1]:
        refused("what numpy makes of different shapes")
    return Array([work(one, two) for one, two in zip(held, other, strict=True)])


def _in_place(work):
    def operate(self, other):
        made = worked(self, work, other)
        if self._fx_shared or type(made) is Unknown or {*map(type, made)} != {*map(type, self)}:
            refused("what is written into an array")
        self._fx_held[:] = made._fx_held
        return self

    return operate


def _straight(work):
    return lambda self, other: worked(self, work, other)


def _turned(work):
    return lambda self, other: worked(self, lambda one, two: work(two, one), other)


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    for _sign, _made in (("", _straight), ("r", _turned), ("i", _in_place)):
        setattr(Array, f"__{_sign}{_name}__", _made(getattr(operator, _name)))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Array, f"__{_name}__", _straight(getattr(operator, _name)))
for _name, _work in {"and": operator.and_, "or": operator.or_, "xor": operator.xor}.items():
    setattr(Array, f"__{_name}__", _straight(_work))
Array.__neg__ = lambda self: worked(self, lambda one, _: -one)
Array.__abs__ = lambda self: worked(self, lambda one, _: abs(one))
Array.__invert__ = lambda self: worked(self, lambda one, _: not one if type(one) is bool else ~one)
