"""What a pasted script finds built in: what is safe of Python's own, with the guards where that reads or writes."""

from __future__ import annotations

import builtins as python
import types

from freezecore.importing.execution.guards import each, has, is_metaclass, read, text, write
from freezecore.importing.execution.policy import readable, writable
from freezecore.importing.execution.run import PASTED_MODULE, ScriptStopped, now
from freezecore.importing.execution.standins.module import Module, Tensor
from freezecore.importing.execution.unknown import Unknown, any_unknown, involves

SAFE = (
    "abs", "all", "any", "bin", "bool", "bytes", "chr", "complex", "dict", "divmod", "enumerate", "filter", "float",
    "frozenset", "hash", "hex", "id", "int", "iter", "len", "list", "map", "max", "min", "next", "object", "oct",
    "ord", "pow", "property", "range", "reversed", "round", "set", "slice", "sorted", "staticmethod", "classmethod",
    "str", "super", "tuple", "zip", "callable", "repr", "ascii", "bytearray", "NotImplemented", "Ellipsis",
    "__build_class__", "ArithmeticError", "AssertionError", "AttributeError", "BaseException", "EOFError",
    "Exception", "FileNotFoundError", "FloatingPointError", "ImportError", "IndexError", "KeyError",
    "KeyboardInterrupt", "LookupError", "MemoryError", "ModuleNotFoundError", "NameError", "NotImplementedError",
    "OSError", "OverflowError", "RecursionError", "RuntimeError", "StopIteration", "SyntaxError", "SystemExit",
    "TypeError", "UnboundLocalError", "UnicodeDecodeError", "UnicodeEncodeError", "UnicodeError", "UserWarning",
    "ValueError", "Warning", "DeprecationWarning", "FutureWarning", "RuntimeWarning", "ZeroDivisionError", "IOError",
    "PermissionError", "TimeoutError", "ConnectionError",
)  # fmt: skip
UNKNOWN = "open input eval exec compile globals locals __import__ breakpoint help memoryview get_ipython display"


def variables(held=None):
    """`vars`: a copy of what a script put into its own things and read from its command line; of others nothing."""
    own = type(held).__module__ == PASTED_MODULE or getattr(type(held), "_fx_settable", False)
    if isinstance(held, (Module, Tensor, type)) or not own:
        return Unknown("vars()", library=True)
    return {name: value for name, value in vars(held).items() if readable(name) and not name.startswith("_")}


def attribute_setter(held, name, value) -> None:
    if type(name) is Unknown:
        if involves([held]):
            now().tell("which attribute is set depends on '{name}', which is not known", name=name._fx_path)
        return
    if not (isinstance(name, str) and writable(name)):
        raise AttributeError(f"'{name}' is not set here")
    setattr(write(held), name, value)


def attribute_deleter(held, name) -> None:
    if isinstance(name, str) and writable(name):
        delattr(write(held), name)


def kind(*args):
    if len(args) != 1:
        raise TypeError("type() makes no classes here")
    if type(args[0]) is Unknown:
        return Unknown(f"type({args[0]._fx_path})", about=args[0]._fx_about)
    return Unknown("type") if is_metaclass(type(args[0])) else type(args[0])


def is_instance(value, kinds):
    """`isinstance`; of what is not known, unknown."""
    if isinstance(kinds, types.UnionType):
        kinds = kinds.__args__
    kinds = kinds if isinstance(kinds, tuple) else (kinds,)
    flat = [one for each in kinds for one in (each if isinstance(each, tuple) else (each,))]
    known = [type if each is kind else each for each in flat if isinstance(each, type) or each is kind]
    if type(value) is Unknown:
        return any(each is object for each in known) or Unknown(f"isinstance({value._fx_path})")
    if any(isinstance(value, each) for each in known):
        return True
    lacking = [each for each in flat if type(each) is Unknown and not each._fx_library]
    return Unknown("isinstance") if lacking and isinstance(value, Module) else False


def is_subclass(kind_, kinds):
    if type(kind_) is Unknown or any_unknown([kinds]):
        return Unknown("issubclass")
    return issubclass(kind_, kinds)


def printed(*args, **kwargs) -> None:
    """What a script prints goes nowhere."""


def stop(*args) -> None:
    raise ScriptStopped


def total(values, start=0):
    for value in each(values):
        start = start + value
    return start


def builtins() -> dict:
    """By name what a script has without importing it."""
    found = {name: getattr(python, name) for name in SAFE}
    found |= {name: Unknown(name, name == "display") for name in UNKNOWN.split()}
    return found | {
        "getattr": read, "setattr": attribute_setter, "delattr": attribute_deleter, "hasattr": has, "type": kind,
        "isinstance": is_instance, "issubclass": is_subclass, "print": printed, "format": lambda value, spec="": text(
            (value, -1, spec)), "dir": lambda *args: Unknown("dir()"), "vars": variables, "exit": stop, "quit": stop,
        "sum": total,
    }  # fmt: skip
