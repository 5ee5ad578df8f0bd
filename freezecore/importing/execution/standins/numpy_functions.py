"""Functions of numpy over arrays that are known, as numpy has them."""

from __future__ import annotations

import math
from itertools import accumulate, pairwise

from freezecore.importing.execution.standins.numpy_array import Array
from freezecore.importing.execution.standins.numpy_made import (
    KINDS,
    arange,
    array,
    astype,
    each,
    few,
    linspace,
    reduced,
)


def rounded(value, decimals=0):
    if decimals < 0:
        raise TypeError("numpy rounds these in another way")
    return value if isinstance(value, int) else float(round(value * 10**decimals)) / 10**decimals


def array_split(held, parts):
    values = list(array(held))
    size, more = divmod(len(values), parts) if isinstance(parts, int) else (0, 0)
    sizes = [size + (at < more) for at in range(parts)] if isinstance(parts, int) else []
    ends = list(accumulate(sizes)) if sizes else [*parts, len(values)]
    return [Array(values[low:high]) for low, high in pairwise([0, *ends])]


def where(chosen, yes=None, no=None):
    if yes is not None or no is not None:
        raise TypeError("a choice between arrays is not followed")
    return (Array([at for at, taken in enumerate(array(chosen)) if taken]),)


def _of_sets(work):
    return lambda one, two: Array(sorted(work(set(array(one)), set(array(two)))))


def _whole(work):
    """Numpy keeps broken numbers broken, whatever they are rounded to."""
    return lambda one: type(one)(work(one))


FUNCTIONS = {
    "array": array, "asarray": array, "astype": astype, "arange": arange, "linspace": linspace, "where": where,
    "nonzero": where, "array_split": array_split, "round": each(rounded), "around": each(rounded),
    "mean": lambda held: reduced(sum)(held) / len(held), "cumsum": lambda held: Array(accumulate(array(held))),
    "zeros": lambda count, dtype=float: Array([KINDS[dtype](0)] * few(count)), "unique": lambda held: Array(
        sorted(set(array(held)))), "ones": lambda count, dtype=float: Array([KINDS[dtype](1)] * few(count)),
    "concatenate": lambda held: Array([one for part in held for one in array(part)]), "append": lambda one, two: Array(
        [*array(one), *(array(two) if isinstance(two, (list, tuple, range, Array)) else [two])]),
    "sort": lambda held: Array(sorted(array(held))), "flip": lambda held: Array(list(array(held))[::-1]),
    "isin": lambda held, of: Array([one in list(of) for one in array(held)]), "setdiff1d": _of_sets(set.difference),
    "intersect1d": _of_sets(set.intersection), "union1d": _of_sets(set.union), "diff": lambda held: Array(
        [two - one for one, two in pairwise(array(held))]), "argsort": lambda held: Array(
        sorted(range(len(held)), key=list(held).__getitem__)) if len({*held}) == len(held) else Array(None),
    "argmax": lambda held: list(held).index(max(held)), "argmin": lambda held: list(held).index(min(held)),
    "full": lambda count, value: Array([value] * few(count)), "clip": lambda held, low, high: each(
        lambda one: min(max(one, low), high))(held),
    "maximum": lambda one, two: max(one, two), "minimum": lambda one, two: min(one, two),
}  # fmt: skip
ROUNDED = {
    "ceil": _whole(math.ceil), "floor": _whole(math.floor), "trunc": _whole(math.trunc), "rint": _whole(round),
    "sqrt": math.sqrt, "abs": abs, "absolute": abs, "sign": lambda one: (one > 0) - (one < 0),
    "square": lambda one: one * one,
}  # fmt: skip
