"""Unknown: a value that the text does not tell. It takes part in everything and decides nothing.

What it gives back is unknown too; a condition on it is noted and both ways are tried; a parameter that it would set is
not claimed.
"""

from __future__ import annotations

from types import FunctionType

from freezecore.importing.execution.run import now, pasted_place

FREEZING_WORDS = (
    "freeze",
    "unfreeze",
    "trainable",
    "requires_grad",
    "lora",
    "peft",
    "adapter",
    "prune",
    "quantize",
    "tune_",
)
HARMLESS = (
    "train", "fit", "eval", "test", "valid", "predict", "infer", "summar", "print", "count", "num", "plot", "save",
    "load", "get_optim", "build_optim", "make_optim", "create_optim", "configure_optim", "log", "watch", "show",
    "trainer", "len", "str", "id", "dict", "compute", "run", "step", "debug", "flop", "profile", "write", "to_",
    "deepcopy",
)  # fmt: skip
MOST_LOOKED_AT = 200
PLAIN = (list, tuple, set, dict)
STAGES = ("freeze_at", "frozen_stages")  # set on a configuration, each freezes by a rule of its library
TOLD = ""  # in the place of a lacking module's path: why it is not known was told already
ROUND = "[…]"  # in a path: one of nobody knows how many
PARTS = ("parameters", "named_parameters", "requires_grad_", "children", "modules", "named_children", "named_modules")

IN_LIBRARY: list = []  # what stands for a dotted name of a library, put here by `standins.library`
INHERITED: list[type] = []  # what stands for a library's class that is not known, put here by `standins.framework`
OUTSIDE: list[type] = []  # what stands for a module class that the text does not define, put here by `standins.module`


class Unknown:
    """A value that is not known.

    Args:
        path: how it came about, such as `args.epochs`.
        library: it belongs to a library whose other parts freeze nothing.
        about: the model had a part in it.
        lacks: path of the module that the model should have had.
    """

    __slots__ = ("_fx_path", "_fx_library", "_fx_about", "_fx_lacks")

    def __init__(self, path: str = "", library: bool = False, about: bool = False, lacks: str | None = None) -> None:
        object.__setattr__(self, "_fx_path", path[:120])
        object.__setattr__(self, "_fx_library", library)
        object.__setattr__(self, "_fx_about", about)
        object.__setattr__(self, "_fx_lacks", lacks)

    def _fx_derived(self, path: str) -> Unknown:
        return Unknown(path, self._fx_library, self._fx_about, self._fx_lacks)

    def __getattr__(self, name: str) -> Unknown:
        if name.startswith("__") and name.endswith("__"):
            if name == "__name__":
                return self._fx_path.rpartition(".")[2]
            raise AttributeError(name)
        if self._fx_lacks and name in PARTS:
            run = now()
            run.missing[self._fx_lacks] = None
            run.tell("'{name}' is not in this model", name=self._fx_lacks)
        path = f"{self._fx_path}.{name}"
        known = IN_LIBRARY[0](path) if self._fx_library and path.replace(".", "").isidentifier() else None
        return self._fx_derived(path) if known is None else known

    def __setattr__(self, name: str, value) -> None:
        if name.lower() in STAGES and type(value) is int:
            now().tell("what '{name}' freezes is not known", name=f"{self._fx_path}.{name}")
        if name != "requires_grad" or self._fx_lacks == TOLD:
            return
        if self._fx_lacks is not None:
            now().missing[self._fx_lacks] = None
            now().tell("'{name}' is not in this model", name=self._fx_lacks)
        elif self._fx_about:
            now().tell("which parameters '{name}' are is not known", name=self._fx_path)
        else:
            now().note("'{name}' is no part of this model; what is set on it was left out.", name=self._fx_path)

    def __delattr__(self, name: str) -> None:
        pass

    def __call__(self, *args, **kwargs):
        run, path = now(), self._fx_path
        last = path.rpartition(".")[2]
        about = self._fx_about or involves(args) or involves(kwargs.values())
        run.handed_over += [each for each in (*args, *kwargs.values()) if isinstance(each, FunctionType)
                            or getattr(type(each), "_fx_settable", False)]  # fmt: skip
        if last in ("backward", "step"):
            run.stepped = True
        if last.startswith(("train", "fit", "finetune", "fine_tune")) and about and run.epoch is None:
            run.trained(None)
        elif run.epoch is not None and last.startswith(("train", "fit")):
            run.stepped = True
        if _sets_stages((*args, *kwargs.values())):
            run.tell("what '{name}' freezes is not known", name=path)
        acts = any(act in last.lower() for act in FREEZING_WORDS)
        if acts and (about or not self._fx_library) and self._fx_lacks is None:
            run.tell("what '{name}' freezes is not known", name=path)
            return Unknown(f"{path}()", about=about, lacks=TOLD)
        if self._fx_lacks and acts:
            self.__getattr__(PARTS[0])
        elif about and not self._fx_library and not self._fx_about and not last.lower().startswith(HARMLESS):
            run.tell("'{name}' is not defined in this text, and what it does to the model is not known", name=path)
            return Unknown(f"{path}()", about=about, lacks=TOLD)
        return Unknown(f"{path}()", self._fx_library, about, self._fx_lacks)

    def __bool__(self) -> bool:
        place, line = pasted_place()
        run = now()
        run.asked.setdefault(place, (line, self._fx_path))
        return run.choices.get(place, False)

    def __iter__(self):
        """One round for as many as there may be."""
        with now().uncounted():
            yield self._fx_derived(f"{self._fx_path}{ROUND}")

    def __next__(self) -> Unknown:
        return self._fx_derived(f"next({self._fx_path})")

    def __len__(self) -> int:
        raise TypeError(f"the length of '{self._fx_path}' is not known")

    def __contains__(self, item) -> bool:
        return bool(self)

    def __hash__(self) -> int:
        return id(self)

    def __getitem__(self, key) -> Unknown:
        return self._fx_derived(f"{self._fx_path}[]")

    def __setitem__(self, key, value) -> None:
        if type(key) is str and key.lower() in STAGES:
            self.__setattr__(key, value)

    def __delitem__(self, key) -> None:
        pass

    def __enter__(self) -> Unknown:
        return self

    def __exit__(self, *error) -> bool:
        return False

    async def __aenter__(self) -> Unknown:
        return self

    async def __aexit__(self, *error) -> bool:
        return False

    async def __aiter__(self):
        yield self

    def __await__(self):
        return self
        yield

    def __mro_entries__(self, bases: tuple) -> tuple:
        modules = any(isinstance(base, type) and issubclass(base, OUTSIDE[0].__base__) for base in bases)
        first = next(base for base in bases if type(base) is Unknown) is self
        return (INHERITED[0] if self._fx_library else OUTSIDE[0],) if first and not modules else ()

    def __repr__(self) -> str:
        raise TypeError(f"'{self._fx_path}' is not known")

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __eq__(self, other):
        if self is other:
            return True
        if self._fx_library and isinstance(other, Unknown) and other._fx_library and self._constant(other):
            return self._fx_path == other._fx_path
        return Unknown(f"{self._fx_path} == …")

    def _constant(self, other: Unknown) -> bool:
        """Whether both are names of a library, such as `torch.float16`."""
        return not set("([") & set(self._fx_path + other._fx_path)

    def __ne__(self, other):
        same = self == other
        return Unknown(f"{self._fx_path} != …") if isinstance(same, Unknown) else not same


def _sets_stages(values, depth: int = 5) -> bool:
    """Whether an option among them is one that freezes, as `{'model.backbone.frozen_stages': 1}`."""
    return depth > 0 and any(
        type(each) is dict
        and (
            any(type(key) is str and key.lower().rpartition(".")[2] in STAGES for key in each)
            or _sets_stages(each.values(), depth - 1)
        )
        for each in values
    )


def _operation(name: str):
    def operate(self, *others):
        return Unknown(f"{self._fx_path} …", self._fx_library, self._fx_about or involves(others))

    operate.__name__ = name
    return operate


for _name in (
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "matmul",
    "and",
    "or",
    "xor",
    "lshift",
    "rshift",
):
    setattr(Unknown, f"__{_name}__", _operation(_name))
    setattr(Unknown, f"__r{_name}__", _operation(f"r{_name}"))
for _name in ("lt", "le", "gt", "ge", "neg", "pos", "invert", "abs", "round"):
    setattr(Unknown, f"__{_name}__", _operation(_name))


def involves(values, depth: int = 2) -> bool:
    """Whether the model has a part in one of these values."""
    return any(
        getattr(type(value), "_fx_of_model", False)
        or (value._fx_about if type(value) is Unknown else depth > 0 and involves(_inside(value), depth - 1))
        for value in values
    )


def any_unknown(values, depth: int = 2) -> bool:
    """Whether one of these values is unknown, or holds one that is."""
    return any(type(value) is Unknown or depth > 0 and any_unknown(_inside(value), depth - 1) for value in values)


def uncounted(value, depth: int = 2) -> Unknown | None:
    """What in a container stands for nobody knows how many, such as the lines of a file that is not here, or the
    numbers of `range(n)`; a range among other things is one of them."""
    for each in _inside(value):
        if type(each) is Unknown and ROUND in each._fx_path:
            return each
        if depth > 0 and type(each) in PLAIN and (found := uncounted(each, depth - 1)) is not None:
            return found
    return None


class OpenRange:
    """A `range` whose end is not known."""

    def __init__(self, first: int) -> None:
        self.first = first

    @property
    def each(self) -> Unknown:
        """One of its numbers, for all of them."""
        return Unknown(f"range(){ROUND}")

    def __iter__(self):
        with now().uncounted():
            yield self.each


def _inside(value) -> list:
    """What a plain container holds, a progress bar shows or a range goes through, as far as it is looked at."""
    if getattr(type(value), "_fx_shows", False):
        return _inside(value._fx_shown)
    if type(value) is OpenRange:
        return [value.each]
    if type(value) not in PLAIN:
        return []
    return list(value.values() if type(value) is dict else value)[:MOST_LOOKED_AT]
