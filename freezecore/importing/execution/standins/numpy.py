"""`numpy` over numbers that a script states: what is exact there is worked out, and the rest is not known."""

from __future__ import annotations

import math

from freezecore.importing.execution.standins.numpy_array import METHODS, Array
from freezecore.importing.execution.standins.numpy_functions import FUNCTIONS, ROUNDED
from freezecore.importing.execution.standins.numpy_made import each, reduced
from freezecore.importing.execution.unknown import Unknown, any_unknown

METHOD_NAMES = "max min any all sum prod mean cumsum argsort astype round nonzero argmax argmin"


def _followed(name: str, work):
    """A function of numpy's; unknown where its arguments are, or where it is not followed for them."""

    def function(*args, **kwargs):
        unknown = Unknown(f"numpy.{name}", library=True)
        if any_unknown(args) or any_unknown(kwargs.values()):
            return unknown(*args, **kwargs)
        try:
            return work(*args, **kwargs)
        except (TypeError, ValueError, IndexError, ArithmeticError):
            return unknown(*args, **kwargs)

    return function


_ALL = {
    **FUNCTIONS,
    **{name: each(work) for name, work in ROUNDED.items()},
    **{name: reduced(work) for name, work in {"max": max, "min": min, "any": any, "all": all, "sum": sum}.items()},
    "amax": reduced(max), "amin": reduced(min), "prod": reduced(math.prod),
}  # fmt: skip
METHODS |= {
    **{name: _followed(f"ndarray.{name}", _ALL[name]) for name in METHOD_NAMES.split()},
    "tolist": lambda held: [one.tolist() if isinstance(one, Array) else one for one in held],
    "copy": Array,
}  # fmt: skip
NAMES = {
    **{f"numpy.{name}": _followed(name, work) for name, work in _ALL.items() if name != "astype"},
    "numpy.ndarray": Array, "numpy.int64": int, "numpy.int32": int, "numpy.int_": int, "numpy.float64": float,
    "numpy.bool_": bool, "numpy.inf": math.inf, "numpy.pi": math.pi, "numpy.e": math.e, "numpy.newaxis": None,
}  # fmt: skip
