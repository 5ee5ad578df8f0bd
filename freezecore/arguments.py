"""Arguments of the library's verbs, held against their signatures: a wrong one is told in a sentence before it harms.

Annotations say what is taken, as a type checker reads them (`FreezeSpec | str`, `int | None`, `Sequence[str]`); what
they say is looked up in the verb's own module. Text where a source or rules are taken is read as such, and one text is
taken for a list of one. Ranges are the verbs' own business.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from numbers import Integral, Real
from typing import Any, ParamSpec, TypeVar

from freezecore.errors import FreezeError, SourceError, did_you_mean, shortened, told_if_missing
from freezecore.sentences import say

P = ParamSpec("P")
R = TypeVar("R")

PARSED = ("ModelSource", "FreezeSpec")  # classes that text is read as
LISTS = ("Sequence", "Iterable")
ALIASES = {"Emit": "Callable", "ShouldStop": "Callable", "Any": "object"} | dict.fromkeys(
    (
        *("StepOptimizer", "Implementation", "Precision", "Device", "ProbeOptimizer", "ProbeDevice", "Weights"),
        *("Trainer", "ComputeCapability"),
    ),
    "str",
)
PLAIN: dict[str, tuple[str, Callable[[Any], bool]]] = {  # what it is called, and whether a value is one
    "object": ("anything", lambda value: True),
    "None": ("None", lambda value: value is None),
    "str": (say("text"), lambda value: isinstance(value, str)),
    "bool": (say("True or False"), lambda value: isinstance(value, bool)),
    "int": (say("a whole number"), lambda value: isinstance(value, Integral) and not isinstance(value, bool)),
    "float": (say("a number"), lambda value: isinstance(value, Real) and not isinstance(value, bool)),
    "Callable": (say("a function"), callable),
    "Path": (say("a path"), lambda value: hasattr(value, "__fspath__")),
    "Optimizer": (say("an optimizer"), lambda value: hasattr(value, "param_groups")),
    **{name: (say("a list"), lambda value: isinstance(value, Iterable)) for name in LISTS},
}
HINTS = {  # how to come by one
    "LayerTree": say("Call fc.read_tree(model) first."),
    "Trace": say("Call fc.trace(model) first."),
    "Mask": say("Call fc.apply(model, rules), or fc.resolve(spec, tree), which leaves the model alone."),
    "Workload": say("Give an example batch by name: batch=x."),
    "FreezeSpec": say("Give rules as text, or a FreezeSpec."),
    "ModelSource": say("Name a model, such as 'timm:resnet18', or hand over the model itself."),
    "Module": say("Hand over the model itself; a model's name is opened with fc.read_tree."),
    "star": say("Whatever stands after the star is given by name."),
}


def checked(verb: Callable[P, R], *, values: bool = True) -> Callable[P, R]:
    """The same verb, which raises a FreezeError for arguments that its signature does not take.

    Args:
        values: check the arguments too, not their names alone.
    """
    signature = inspect.signature(verb)
    call_ = Call(verb, signature)

    @functools.wraps(verb)
    def call(*args: P.args, **named: P.kwargs) -> R:
        bound = call_.bound(args, named)
        for name, value in bound.arguments.items() if values else ():
            parameter = signature.parameters[name]
            if parameter.kind is parameter.VAR_KEYWORD:
                bound.arguments[name] = call_.options(value, str(parameter.annotation))
            elif parameter.annotation is not parameter.empty:
                bound.arguments[name] = call_.taken(name, value, str(parameter.annotation))
        with told_if_missing():
            return verb(*bound.args, **bound.kwargs)

    return call


def checked_fields(kind: type[R], *, values: bool = True) -> type[R]:
    """The same dataclass, whose fields are checked as a verb's arguments are."""
    setattr(kind, "__init__", checked(kind.__init__, values=values))  # noqa: B010  as `kind.__init__ = …`, which mypy refuses
    return kind


class Call:
    """How a verb is called."""

    def __init__(self, verb: Callable, signature: inspect.Signature) -> None:
        self.verb, self.scope = verb, verb.__globals__
        self.signature = signature
        self.names = [name for name in signature.parameters if name not in ("self", "cls")]

    @property
    def form(self) -> str:
        """The call as a sentence names it."""
        return f"{self.verb.__qualname__.removesuffix('.__init__')}({', '.join(self._written())})"

    def _written(self) -> Iterator[str]:
        """The signature's names, with the star behind which they must be given."""
        starred = False
        for name in self.names:
            one = self.signature.parameters[name]
            if one.kind is one.KEYWORD_ONLY and not starred:
                starred = True
                yield "*"
            yield "…" if one.kind is one.VAR_KEYWORD else name

    def bound(self, args: tuple, named: dict[str, Any]) -> inspect.BoundArguments:
        """The arguments by the names of the signature."""
        try:
            return self.signature.bind(*args, **named)
        except TypeError:
            raise self._misfit(len(args), named) from None

    def _misfit(self, count: int, named: Mapping[str, Any]) -> FreezeError:
        """The error of arguments that cannot be given names."""
        taken = self.signature.parameters
        if strange := [name for name in named if name not in taken]:
            return self.refused_name(strange[0], self.names)
        required = [name for name, one in taken.items() if one.default is one.empty and one.kind != one.VAR_KEYWORD]
        if missing := [name for name in required if name not in named and name not in list(taken)[:count]]:
            return FreezeError("{verb} needs '{name}'.", HINTS["star"], verb=self.form, name=missing[0])
        return FreezeError("{verb} was given too many arguments, or one of them twice.", HINTS["star"], verb=self.form)

    def options(self, given: Mapping[str, Any], annotation: str) -> dict[str, Any]:
        """Keywords that a TypedDict describes."""
        known = {
            name: str(getattr(kind, "__forward_arg__", kind))
            for name, kind in self.scope[annotation.removeprefix("Unpack[").removesuffix("]")].__annotations__.items()
        }
        for name in given:
            if name not in known:
                raise self.refused_name(name, [*self.names[:-1], *known])
        return {name: self.taken(name, value, known[name]) for name, value in given.items()}

    def refused_name(self, name: str, names: Iterable[str]) -> FreezeError:
        """The error of a keyword that there is not."""
        hint = did_you_mean(name, names) or say("It takes {names}.", names=", ".join(names))
        return FreezeError("{verb} has no argument '{name}'.", hint, verb=self.form, name=shortened(name))

    def taken(self, name: str, value: Any, annotation: str) -> Any:
        """The value as the verb takes it: text as what it stands for.

        Raises:
            FreezeError: it is none of what the annotation says.
        """
        kinds = re.split(r" \| (?![^\[]*\])", annotation)
        for kind in kinds:
            base, inside = _base(kind), kind.partition("[")[2]
            if base in PARSED and isinstance(value, str) and base in self.scope:
                return self.scope[base].parse(value)
            if base in LISTS and isinstance(value, (str, *self._classes(PARSED))) and len(kinds) == 1:
                value = (value,)
            if self._is(value, base):
                if base == "Sequence" and inside:
                    return tuple(self.taken(name, one, inside[:-1]) for one in value)
                return int(value) if base == "int" else value
        problem = say(
            "This takes {kinds} as '{name}', not {value}.",
            kinds=functools.reduce(_either, (self._called(kind) for kind in kinds if kind != "None")),
            name=name,
            value=described(value),
        )
        raise (SourceError if PARSED[0] in kinds else FreezeError)(problem, self._hint(value, kinds))

    def _classes(self, names: Iterable[str]) -> list[type]:
        return [self.scope[name] for name in names if isinstance(self.scope.get(name), type)]

    def _is(self, value: Any, kind: str) -> bool:
        if kind in PLAIN:
            return PLAIN[kind][1](value)
        if classes := self._classes([kind]):
            return isinstance(value, classes[0])
        return _derives(type(value), kind)  # of one that only a type checker imports, such as torch's Module

    def _called(self, kind: str) -> str:
        base = _base(kind)
        return PLAIN[base][0] if base in PLAIN else say("a {kind}", kind=base)

    def _hint(self, value: Any, kinds: list[str]) -> str:
        if isinstance(value, type) and "Module" in kinds and _derives(value, "Module"):
            return say("Hand over the model itself, such as {kind}(), not its class.", kind=value.__name__)
        return next((HINTS[kind] for kind in kinds if kind in HINTS), say("It is called {verb}.", verb=self.form))


def _base(kind: str) -> str:
    """An annotation's own name: `Sequence` of `Sequence[str]`, `Module` of `nn.Module`."""
    name = kind.partition("[")[0].rpartition(".")[2]
    return ALIASES.get(name, name)


def _derives(kind: type, name: str) -> bool:
    return any(one.__name__ == name for one in kind.__mro__)


def _either(first: str, second: str) -> str:
    return say("{first} or {second}", first=first, second=second)


def described(value: object) -> str:
    """A wrong argument as a sentence names it: itself where that is short, else its class."""
    if isinstance(value, (str, int, float)):
        return shortened(repr(value), 60)
    if isinstance(value, type):
        return say("the type {kind}", kind=value.__name__)
    return say("an object of the class {kind}", kind=type(value).__name__)
