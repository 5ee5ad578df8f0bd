"""What scripts use of Python's own library: closed lists of functions, never a module itself."""

from __future__ import annotations

from importlib import import_module
from types import MethodType

from freezecore.importing.execution.run import ScriptStopped
from freezecore.importing.execution.standins.argparse import ArgumentParser, Namespace
from freezecore.importing.execution.standins.stdlib_functions import (
    Environment,
    attrgetter,
    copied,
    dumped,
    first,
    methodcaller,
    passing,
    variable,
)
from freezecore.importing.execution.standins.tqdm import bar
from freezecore.importing.execution.unknown import Unknown

MODULES = {
    "math": None, "re": None, "itertools": None, "string": "ascii_letters ascii_lowercase ascii_uppercase digits "
    "punctuation", "collections": "defaultdict OrderedDict Counter deque namedtuple ChainMap", "fnmatch": "fnmatch "
    "fnmatchcase filter translate", "json": "loads", "enum": "Enum IntEnum auto", "functools": "partial reduce "
    "lru_cache cache cmp_to_key total_ordering", "copy": "", "operator": "add sub mul truediv eq ne lt le gt ge not_ "
    "and_ or_ itemgetter contains", "dataclasses": "dataclass field fields asdict replace is_dataclass", "contextlib":
    "contextmanager nullcontext suppress", "typing": "NamedTuple", "types": "", "os": "", "sys": "", "argparse": "",
    "abc": "", "tqdm": "", "collections.abc": "", "asyncio": "", "typing_extensions": "",
    "bisect": "bisect bisect_left bisect_right",
}  # fmt: skip


class Names:
    """The functions of one module that may be used; the rest is unknown."""

    def __init__(self, path: str, found: dict) -> None:
        vars(self).update(found, _fx_path=path)

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        path = f"{self._fx_path}.{name}"
        return NAMES[path]() if path in NAMES else Unknown(path, library=True)


def module(path: str):
    root, _, rest = path.partition(".")
    names = MODULES.get(path, "")
    found: dict = {}
    if path in MODULES and names != "":
        real = import_module(path)
        listed = names.split() if names else [n for n in getattr(real, "__all__", dir(real)) if not n.startswith("_")]
        found = {name: getattr(real, name) for name in listed if not isinstance(getattr(real, name), type(real))}
    return Names(path, found) if path in MODULES else Unknown(path, library=True)


def _stopped(*args) -> None:
    raise ScriptStopped


NAMES = {
    "copy.deepcopy": lambda: copied, "copy.copy": lambda: copied, "operator.attrgetter": lambda: attrgetter,
    "operator.methodcaller": lambda: methodcaller, "argparse.ArgumentParser": lambda: ArgumentParser,
    "argparse.Namespace": lambda: Namespace, "sys.exit": lambda: _stopped, "os._exit": lambda: _stopped,
    "types.MethodType": lambda: MethodType, "types.SimpleNamespace": lambda: Namespace,
    "tqdm.tqdm": lambda: bar,
    "tqdm.trange": lambda: range, "tqdm.auto.tqdm": lambda: bar, "tqdm.notebook.tqdm": lambda: bar,
    "tqdm.auto.trange": lambda: range, "functools.wraps": lambda: lambda *args, **kwargs: first,
    "functools.cached_property": lambda: property, "abc.abstractmethod": lambda: passing, "abc.ABC": lambda: object,
    "typing.Generic": lambda: object, "typing.Protocol": lambda: object, "asyncio.run": lambda: first,
    "typing.TypedDict": lambda: dict, "typing.TYPE_CHECKING": lambda: False, "sys.argv": lambda: ["script.py"],
    "os.path.join": lambda: lambda *parts: "/".join(map(str, parts)), "typing.cast": lambda: lambda kind, value: value,
    "os.environ": Environment, "os.getenv": lambda: variable,
    "json.dumps": lambda: dumped,
    "sys.version_info": lambda: (3, 11, 0),
}  # fmt: skip
