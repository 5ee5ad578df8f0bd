"""Functions of Python's own library, written anew: the real ones would read past the guards."""

from __future__ import annotations

from importlib import import_module

from freezecore.importing.execution.run import GUARDED_READ, now
from freezecore.importing.execution.unknown import Unknown


def attrgetter(*names: str):
    def get(held):
        found = []
        for name in names:
            value = held
            for part in name.split("."):
                value = GUARDED_READ[0](value, part)
            found.append(value)
        return found[0] if len(found) == 1 else tuple(found)

    return get


def methodcaller(name: str, *args, **kwargs):
    return lambda held: GUARDED_READ[0](held, name)(*args, **kwargs)


def copied(value, *args):
    """A deep copy; of a module its own copy, whose parameters are other ones and are frozen as they were."""
    made = import_module("copy").deepcopy(value)
    run = now()
    if any(value is each for each in run.models):
        vars(made)["_fx_born"] = run.now()
        run.copies.append(made)
    return made


def dumped(*args, **kwargs):
    """JSON; unknown where it would hold something unknown."""
    try:
        return import_module("json").dumps(*args, **kwargs)
    except (TypeError, ValueError):
        return Unknown("json.dumps()", library=True)


def variable(name=None, default=None):
    """An environment variable: its default where the script states one, else not known."""
    if default is None:
        return Unknown(f"os.environ[{name!r}]", True)
    now().note("Environment variables are read with the defaults that it states.")
    return default


class Environment:
    """`os.environ`, of which nothing is set."""

    get = staticmethod(variable)

    def __getitem__(self, name) -> Unknown:
        return variable(name)

    def __setitem__(self, name, value) -> None:
        pass

    def __contains__(self, name) -> bool:
        return False

    setdefault = __getattr__ = lambda self, name, *default: Unknown(f"os.environ.{name}", True)


def first(value=None, *args, **kwargs):
    return value


def passing(*args, **kwargs):
    """A decorator that changes nothing, with and without arguments."""
    return args[0] if args and callable(args[0]) and not kwargs else first
