"""`argparse`, and transformers' parser of dataclasses: a script that is run without arguments has its defaults."""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass

from freezecore.importing.execution.run import now
from freezecore.importing.execution.standins.framework import Partial, keep, listed
from freezecore.importing.execution.unknown import Unknown


class Namespace:
    """`argparse.Namespace` and `types.SimpleNamespace`."""

    _fx_settable = True

    def __init__(self, **values) -> None:
        keep(self, values)

    def __getattr__(self, name: str):
        if name.startswith("__") or not any(self is each for each in now().handed_over):
            raise AttributeError(f"'Namespace' object has no attribute '{name}'")
        return Unknown(f"args.{name}")  # which what it was given to may have set


class ArgumentParser(Partial):
    """`argparse.ArgumentParser`: a script run without arguments has its defaults."""

    def __init__(self, *args, parents=(), **kwargs) -> None:
        self._fx_values = {}
        for parent in parents if isinstance(parents, (list, tuple)) else ():
            self._fx_values.update(parent._fx_values if isinstance(parent, ArgumentParser) else {})

    def add_argument(self, *flags, **options) -> None:
        long = [flag for flag in flags if flag.startswith("--")] or list(flags)
        name = str(options.get("dest", long[0].lstrip("-").replace("-", "_")))
        default = {"store_true": False, "store_false": True}.get(options.get("action"))
        needed = options.get("required") is True or not flags[0].startswith("-") and "default" not in options
        self._fx_values[name] = Unknown(f"args.{name}") if needed else options.get("default", default)

    def set_defaults(self, **values) -> None:
        self._fx_values.update(values)

    def add_argument_group(self, *args, **kwargs) -> ArgumentParser:
        return self

    add_mutually_exclusive_group = add_argument_group

    def parse_args(self, *args, **kwargs) -> Namespace:
        _by_default()
        return Namespace(**self._fx_values)

    def parse_known_args(self, *args, **kwargs) -> tuple:
        return self.parse_args(), []


class HfArgumentParser(Partial):
    """transformers' `HfArgumentParser` and TRL's `TrlParser`: one value of each dataclass."""

    def __init__(self, dataclass_types=(), *args, **kwargs) -> None:
        self._fx_kinds = listed(dataclass_types)

    def parse_args_into_dataclasses(self, *args, **kwargs) -> tuple:
        _by_default()
        return tuple(map(_made, self._fx_kinds))

    parse_args_and_config = parse_args_into_dataclasses


def _by_default() -> None:
    now().note("Its command line is read with the defaults of its arguments.")


def _made(kind):
    """A dataclass of the script with its defaults; of a library's nothing is known."""
    if not (isinstance(kind, type) and is_dataclass(kind)):
        return Unknown("args", library=True)
    needed = [f.name for f in fields(kind) if f.init and f.default is MISSING and f.default_factory is MISSING]
    return kind(**{name: Unknown(f"args.{name}") for name in needed})
