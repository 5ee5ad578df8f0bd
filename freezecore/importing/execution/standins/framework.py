"""What the libraries' stand-ins share: things of which only some names are known, callbacks, and a trainer's epochs."""

from __future__ import annotations

from collections.abc import Callable
from inspect import CO_VARARGS

from freezecore.importing.execution.run import now
from freezecore.importing.execution.unknown import INHERITED, Unknown


class Partial:
    """Something of a library; what its stand-in does not name is unknown and freezes nothing."""

    _fx_settable = True

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        return Unknown(f"{type(self).__name__.lower()}.{name}", True)


class Inherited(Partial):
    """A base class of a library whose stand-in does not name it."""

    def __init__(self, *args, **kwargs) -> None:
        pass


INHERITED.append(Inherited)


def keep(holder, values: dict) -> None:
    """Keep what a call was given, but for names with two underscores, which Python itself would ask for."""
    vars(holder).update({name: value for name, value in values.items() if not name.startswith("__")})


def seen_as(name: str) -> Callable[[type], type]:
    """The name under which scripts see a class, which in this source has one of its own."""

    def named(kind: type) -> type:
        kind.__name__ = kind.__qualname__ = name
        return kind

    return named


@seen_as("Callback")
class FrameworkCallback:
    """A callback's hooks do nothing unless a script defines them."""

    def __init__(self, *args, **kwargs) -> None:
        pass


def listed(value) -> list:
    """One or several, as frameworks take callbacks and parameters; nothing of what is not known."""
    if value is None or type(value) is Unknown:
        return []
    one = isinstance(value, (dict, str)) or getattr(value, "_fx_of_model", False) or not hasattr(value, "__iter__")
    return [value] if one else list(value)


def epochs(number, before: Callable[[int], None], after: Callable[[int], None]) -> None:
    """A training: what a framework calls as each epoch begins, and after its steps."""
    for epoch in now().epochs(int(number) if isinstance(number, (int, float)) else None):
        before(epoch)
        now().stepped = True
        after(epoch)


def hook(part, name: str, *args):
    """Call what a script defines under this name, or its framework does, with as many values as it takes."""
    found = getattr(part, name, None) if part is not None and name in dir(type(part)) else None
    code = getattr(getattr(found, "__func__", None), "__code__", None)
    if code is not None and not code.co_flags & CO_VARARGS:
        args = args[: code.co_argcount - 1]
    return found(*args) if callable(found) else None


def begun(trainer) -> None:
    """That a trainer that was made is now run."""
    if trainer in now().pending:
        now().pending.remove(trainer)


def half(bf16: bool, fp16: bool) -> str | None:
    """The precision's name in a workload; None for a full one."""
    return "bf16-autocast" if bf16 else "fp16-autocast" if fp16 else None
