"""Arrays as numpy makes them from numbers that are known: those whose values are the same to the bit."""

from __future__ import annotations

import math

from freezecore.importing.execution.standins.numpy_array import Array
from freezecore.importing.execution.standins.numpy_operators import worked

KINDS = {int: int, float: float, bool: bool, "int": int, "int64": int, "int32": int, "float": float, "float64": float}


MOST = 20_000  # values; of more, a script freezes nothing one by one


def array(values, dtype=None):
    if isinstance(values, (int, float, str)):
        return values if dtype is None else KINDS[dtype](values)
    made = Array(list(values) if isinstance(values, (list, tuple, range, Array)) else None)
    return made if dtype is None else astype(made, dtype)


def astype(held: Array, dtype):
    return each(KINDS[dtype])(held)


def each(work):
    """A function of one value, over a value or an array."""

    def function(held, *rest):
        made = array(held)
        return worked(made, lambda one, _: work(one, *rest)) if isinstance(made, Array) else work(held, *rest)

    return function


def reduced(work):
    """What an array comes to; the sum of broken numbers depends on the order in which numpy adds."""

    def function(held):
        values = list(array(held))
        if work in (sum, math.prod) and not all(isinstance(one, int) for one in values):
            raise TypeError("a sum of broken numbers is not followed")
        return work(values)

    return function


def few(count: int) -> int:
    if count > MOST:
        raise TypeError("so many values are not followed")
    return max(0, count)


def arange(start, stop=None, step=1, dtype=None):
    start, stop = (0, start) if stop is None else (start, stop)
    if float in map(type, (start, stop, step)):
        between = (start + step) - start  # as numpy has it: the second number less the first
        start = float(start)
    else:
        between = step
    if dtype not in (None, float) and type(between) is float:
        raise TypeError("numpy counts these in another way")
    made = Array([start + at * between for at in range(few(math.ceil((stop - start) / step)))])
    return made if dtype is None else astype(made, dtype)


def linspace(start, stop, num=50, endpoint=True, dtype=None):
    parts = num - 1 if endpoint else num
    step = (stop - start) / parts if parts else math.nan
    made = (
        [float(at * step + start) if step else float(start) for at in range(few(num))]
        if parts
        else [float(start)][:num]
    )
    made[-1:] = [float(stop)] if endpoint and num > 1 else made[-1:]
    return Array([math.floor(one) for one in made] if KINDS[dtype or float] is int else made)
