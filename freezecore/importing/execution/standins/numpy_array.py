"""`numpy.ndarray` of numbers or texts that are known, worked out as numpy does; the rest of it is unknown."""

from __future__ import annotations

from freezecore.importing.execution.unknown import Unknown

METHODS: dict = {}  # put here by `standins.numpy`


class Array:
    """An array; its rows, where it has two dimensions, are arrays too."""

    _fx_settable = True
    __hash__ = None

    def __init__(self, values) -> None:
        held = [Array(each) if isinstance(each, (list, tuple, range)) else each for each in values]
        kinds = {type(each) for each in held}
        if not kinds <= {bool, int, float} and not (len(kinds) == 1 and kinds <= {str, Array}):
            refused("this array")
        of = float if float in kinds else int if len(kinds) > 1 else None
        self._fx_held, self._fx_shared = [of(each) for each in held] if of else held, False

    def __iter__(self):
        return iter(self._fx_held)

    def __len__(self) -> int:
        return len(self._fx_held)

    def __getitem__(self, key):
        if isinstance(key, slice):
            made = Array(self._fx_held[key])
            made._fx_shared = self._fx_shared = True  # numpy's slice is a view
            return made
        if isinstance(key, (Array, list)):
            chosen = list(key)
            if chosen and all(type(each) is bool for each in chosen):
                return Array([value for value, taken in zip(self._fx_held, chosen, strict=True) if taken])
            return Array([self._fx_held[at] for at in chosen])
        return self._fx_held[key]

    def __setitem__(self, key, value) -> None:
        if self._fx_shared or not isinstance(value, (bool, int, float)):
            refused("what is written into an array")
        places = Array(range(len(self)))[key]
        for at in places if isinstance(places, Array) else [places]:
            self._fx_held[at] = type(self._fx_held[at])(value)

    def __bool__(self) -> bool:
        return bool(*self._fx_held) if len(self) == 1 else refused("the truth of several values")

    def __repr__(self) -> str:
        return refused("how an array is printed")

    __str__ = __repr__

    def __getattr__(self, name: str):
        if name in METHODS:
            return lambda *args, **kwargs: METHODS[name](self, *args, **kwargs)
        if name.startswith("__"):
            raise AttributeError(name)
        if name in ("size", "shape", "ndim") and not (self._fx_held and type(self._fx_held[0]) is Array):
            return {"size": len(self), "shape": (len(self),), "ndim": 1}[name]
        return Unknown(f"numpy.ndarray.{name}", library=True)


def refused(what: str):
    raise TypeError(f"{what} is not followed")
