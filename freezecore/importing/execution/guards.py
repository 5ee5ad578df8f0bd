"""Guards: what a pasted script reaches the world through: attributes, items, calls, names, imports and writes."""

from __future__ import annotations

import _string
import dataclasses
import operator
import re
import string
import types

from freezecore.importing.execution.policy import readable
from freezecore.importing.execution.run import (
    GUARDED_READ,
    MOST_EPOCHS,
    PASTED,
    PASTED_MODULE,
    ScriptStopped,
    now,
    pasted_line,
    pasted_place,
)
from freezecore.importing.execution.standins import library
from freezecore.importing.execution.standins.framework import Partial
from freezecore.importing.execution.standins.model import built
from freezecore.importing.execution.standins.module import SAME, Kind, Module, Tensor
from freezecore.importing.execution.standins.tqdm import Bar
from freezecore.importing.execution.unknown import OpenRange, Unknown, any_unknown, involves, uncounted
from freezecore.sentences import say

HIDDEN = (types.ModuleType, types.FrameType, types.CodeType, types.TracebackType, types.GetSetDescriptorType,
          types.MappingProxyType)  # fmt: skip
REAL = (types.BuiltinFunctionType, types.MethodDescriptorType, types.MethodWrapperType, types.ClassMethodDescriptorType)
KEEPS = {"dict", "append", "insert", "add", "setdefault", "extend", "update", "appendleft", "partial", "count", "index",
         "remove"}  # fmt: skip
HOLDING = (list, tuple, set, dict)
HASHED = (set, frozenset, dict, type({}.keys()))
SET_METHODS = {"difference", "intersection", "symmetric_difference", "issubset", "issuperset", "isdisjoint"}
OURS = "freezecore."
OPERATORS = {
    "Add": operator.iadd, "Sub": operator.isub, "Mult": operator.imul, "Div": operator.itruediv, "Mod": operator.imod,
    "Pow": operator.ipow, "LShift": operator.ilshift, "RShift": operator.irshift, "BitOr": operator.ior,
    "BitXor": operator.ixor, "BitAnd": operator.iand, "FloorDiv": operator.ifloordiv, "MatMult": operator.imatmul,
}  # fmt: skip
COUNTING = (len, enumerate, zip)
SET_OPERATORS = {"Sub": operator.sub, "BitAnd": operator.and_, "BitXor": operator.xor}
NOTHING = object()


def read(held, name, default=NOTHING):
    """`held.name`, and `getattr`; what leads out of the script is unknown."""
    if isinstance(held, library.Library) and (type(name) is Unknown or name == "__dict__"):
        return held if name == "__dict__" else held[name]
    if type(name) is Unknown:
        return Unknown(f"getattr({name._fx_path})", about=involves([held]))
    if type(name) is not str:
        raise TypeError("an attribute's name is a text")
    if name == "__dataclass_fields__" and dataclasses.is_dataclass(held):
        return {field.name: field for field in dataclasses.fields(held)}
    if not readable(name) or name.startswith("_fx_"):
        return Unknown(name)
    if type(held) is Unknown:
        return held._fx_derived(f"{held._fx_path}.{name}") if name.startswith("__") else Unknown.__getattr__(held, name)
    if isinstance(held, (str, bytes)) and name in ("format", "format_map"):
        return lambda *args, **kwargs: formatted(held, args[0] if name == "format_map" else kwargs, args)
    if isinstance(held, type) and issubclass(held, str) and name in ("format", "format_map"):
        return lambda text, *args, **kwargs: formatted(text, args[0] if name == "format_map" else kwargs, args)
    if type(held) is super and name == "__init__":
        return _initialiser(held)
    if default is not NOTHING and not has(held, name):
        return default
    if held is Tensor and not hasattr(Tensor, name):
        return Unknown(f"torch.Tensor.{name}", library=True)
    found = getattr(held, name)
    return Unknown(name) if isinstance(found, HIDDEN) or is_metaclass(found) else found


def is_metaclass(found) -> bool:
    """A class that makes classes: with one, a script could make those that this compiler refuses."""
    return isinstance(found, type) and type.__subclasscheck__(type, found)


def _initialiser(held):
    found = held.__init__
    plain = getattr(found, "__objclass__", None) is object or isinstance(found, types.MethodWrapperType)
    return (lambda *args, **kwargs: None) if plain else found


def has(held, name) -> object:
    """`hasattr`: a module of the tree has its children and parameters, and what every module has."""
    if type(held) is Unknown or type(name) is Unknown:
        return Unknown(f"hasattr({getattr(held, '_fx_path', '')})")
    if not readable(name):
        return False
    if isinstance(held, Module) and not isinstance(held, Tensor):
        if name in SAME or hasattr(type(held), name) or name in vars(held):
            return not name.startswith("_fx_")
        if name in held._parameters or name in held._modules:
            return True
        found = held._fx_lacking(name) if type(held).__module__ != PASTED_MODULE else None
        if found is None or type(found) is Unknown and found._fx_about:
            known = name not in library.PLAIN_ATTRIBUTES
            return False if known else Unknown(f"hasattr({name})")
        return not (isinstance(found, Module))
    try:
        found = getattr(held, name)
    except AttributeError:
        return False
    return Unknown(f"hasattr({name})") if isinstance(held, Partial) and type(found) is Unknown else True


class Formatter(string.Formatter):
    """`str.format` whose fields are read through the guards."""

    def get_field(self, field_name, args, kwargs):
        first, rest = _string.formatter_field_name_split(field_name)
        found = self.get_value(first, args, kwargs)
        for is_attribute, key in rest:
            found = read(found, key) if is_attribute else item(found, key)
        return found, first


def formatted(text: str, kwargs, args=()):
    if any_unknown(args) or any_unknown([*dict(kwargs).values()] if isinstance(kwargs, dict) else ()):
        return Unknown(text, about=False)
    try:
        return Formatter().vformat(text, args, kwargs)
    except (TypeError, KeyError, IndexError):  # a part of a value is not known, or what `**` gives
        if "__" in text:  # it would have read what leads out
            raise
        return Unknown(text, about=False)


def text(*parts):
    """An f-string; unknown where a part is."""
    if any(type(part) is tuple and any_unknown(part) for part in parts):
        return Unknown("f-string")
    made = []
    for part in parts:
        if type(part) is tuple:
            value, conversion, spec = part
            value = {115: str, 114: repr, 97: ascii}.get(conversion, lambda same: same)(value)
            part = format(value, spec)
        made.append(part)
    return "".join(made)


def item(held, key):
    """`held[key]`."""
    if isinstance(held, library.Library):
        return held[key]
    if type(held) is Unknown or not any_unknown(
        [key] if not isinstance(key, slice) else [key.start, key.stop, key.step]
    ):
        if isinstance(held, type) and not isinstance(held, Kind):
            return held  # list[int], Generic[T]
        return held[key]
    return Unknown(f"[{getattr(key, '_fx_path', '')}]", about=involves([held]))


def write(held):
    """What a script may set attributes or items of: its own things, stand-ins and plain containers."""
    kind = type(held)
    own = getattr(held if isinstance(held, type) else kind, "__module__", "") == PASTED_MODULE
    if own or kind in (Unknown, dict, list, set) or isinstance(held, (Module, Tensor, dict, list)):
        return held
    if kind.__module__.startswith(OURS) and not isinstance(held, type) and getattr(kind, "_fx_settable", False):
        return held
    if isinstance(held, types.FunctionType) and held.__module__ == PASTED_MODULE:
        return held
    return Unknown("attribute", library=True)


def call(function, /, *args, **kwargs):
    """A call; a function of Python's own does not see unknown values."""
    kind = type(function)
    if isinstance(function, type) and function.__module__ == PASTED_MODULE:
        now().built.add(function.__name__)
    if kind is types.MethodType or kind is types.FunctionType and _is_ours(function):
        if any(function is each for each in now().decorated):
            kwargs = {**_given_by_decorator(function, args, kwargs), **kwargs}
        return function(*args, **kwargs)
    real = kind in REAL or isinstance(function, (type, types.FunctionType)) and not _is_ours(function)
    if real and (args or kwargs) and any_unknown(args, 0) | any_unknown(kwargs.values(), 0):
        name = getattr(function, "__name__", "")
        if function is range:
            first = args[0] if len(args) > 1 else 0
            return OpenRange(first) if isinstance(first, int) else Unknown("range()")
        if name not in KEEPS and not (isinstance(function, type) and issubclass(function, BaseException)):
            about = function is zip or involves(args) or involves(kwargs.values())
            return Unknown(f"{name}({next((a._fx_path for a in args if type(a) is Unknown), '')})", about=about)
    if not real:
        return function(*args, **kwargs)
    if any(function is each for each in COUNTING):
        for some in (uncounted(one, depth=1) for one in args):
            if some is not None:
                return Unknown(f"{function.__name__}({some._fx_path})", about=function is not len)
    if getattr(function, "__name__", "") in SET_METHODS and any_unknown([getattr(function, "__self__", ()), *args]):
        return Unknown(function.__name__, about=involves(args))
    try:
        return function(*args, **kwargs)
    except (TypeError, ValueError) as error:
        if any_unknown(args) or any_unknown(kwargs.values()) or "Unknown" in str(error):
            return Unknown(getattr(function, "__name__", ""), about=involves(args))
        raise


def _is_ours(kind: object) -> bool:
    """Whether the script or a stand-in defines it, rather than Python's own library."""
    module = getattr(kind, "__module__", "")
    return module == PASTED_MODULE or str(module).startswith(OURS)


def each(values, spec=None):
    """What a loop goes through."""
    taken = iter(values)
    if type(values) in (list, tuple, set) and uncounted(values) is not None:
        taken = _rounds(values)
    return taken if spec is None else (unpacked(value, spec) for value in taken)


def _rounds(values):
    """A loop through what came out of a loop of unknown length has such a length too."""
    with now().uncounted():
        yield from values


def unpacked(value, spec):
    """A value for `a, (b, *c) = value`; of an unknown one as many unknown parts."""
    star, *parts = spec
    if type(value) is Unknown:
        taken = [value._fx_derived(f"{value._fx_path}[{i}]") for i in range(len(parts))]
        return [unpacked(one, part) if part else one for one, part in zip(taken, parts, strict=True)]
    if any(value is each for each in now().models):  # `model, tokenizer = FastModel.from_pretrained(…)`
        return [value, *(Unknown("tokenizer", True) for _ in parts[1:])]
    value = list(value)
    if any(parts) and star == -1 and len(value) == len(parts):
        value = [unpacked(one, part) if part else one for one, part in zip(value, parts, strict=True)]
    return value


def augmented(sign: str, value, other, name: str = ""):
    """`value += other`; a number that is counted up in a loop of unknown length is not known after it."""
    if name and now().loops_uncounted and type(value) in (int, float):
        return Unknown(name)
    if type(other) is Unknown and type(value) is not Unknown:
        return Unknown("…", about=involves([value]))
    if sign in SET_OPERATORS and (unknown := _not_told(value, other)) is not None:
        return unknown
    return OPERATORS[sign](value, other)


def remainder(left, right):
    """`%`: of a text with unknown parts, unknown."""
    return Unknown("text") if isinstance(left, str) and any_unknown([right]) else left % right


def augment_attribute(sign: str, held, name: str, other) -> None:
    setattr(write(held), name, augmented(sign, read(held, name), other))


def augment_item(sign: str, held, key, other) -> None:
    write(held)[key] = augmented(sign, item(held, key), other)


def same(left, right, positive: bool):
    if (type(left) is Unknown or type(right) is Unknown) and left is not right:
        if type(left) is type(right) and left._fx_library and right._fx_library and left._constant(right):
            return (left._fx_path == right._fx_path) is positive
        return Unknown(f"{getattr(left, '_fx_path', '')} is …")
    return (left is right) is positive


def equal(left, right, positive: bool):
    """`==` and `!=`; of what holds something unknown, unknown."""
    if type(left) in HOLDING and type(right) in HOLDING and any_unknown([left, right]):
        return Unknown("… == …")
    return left == right if positive else left != right


def contained(sought, holder, positive: bool):
    """`in` and `not in`; a hash finds nothing that is not known, so what holds or seeks such is not decided by it."""
    if not isinstance(holder, HASHED) or not any_unknown([sought, list(holder)]):
        return (sought in holder) is positive
    if not any_unknown([sought]) and sought in holder:
        return positive
    unknown = next((each for each in (sought, *holder) if type(each) is Unknown), sought)
    return Unknown(f"{getattr(unknown, '_fx_path', '')} in …")


def combined(sign: str, left, right):
    """`-`, `&` and `^`; of sets that hold something unknown, unknown."""
    unknown = _not_told(left, right)
    return SET_OPERATORS[sign](left, right) if unknown is None else unknown


def _not_told(left, right) -> Unknown | None:
    """What two sets share or do not, where one of them holds what is not known."""
    sets = isinstance(left, HASHED) and isinstance(right, HASHED)
    return Unknown("set", about=involves([left, right])) if sets and any_unknown([list(left), list(right)]) else None


def mapping(found):
    """`**found`: nothing of what is not known, nor of what stands under a name that is not."""
    if type(found) is Unknown:
        return {}
    return {key: value for key, value in found.items() if type(key) is not Unknown} if type(found) is dict else found


def while_(test):
    """An undecided loop is gone through once."""
    if type(test) is not Unknown:
        return test
    run, (place, _) = now(), pasted_place()
    run.rounds[place] = run.rounds.get(place, 0) + 1
    return run.rounds[place] == 1


def training(values, epochs: bool, spec=None):
    """A training loop: its epochs are counted; of many rounds only as many as the script's numbers tell apart."""
    run = now()
    values = values._fx_shown if type(values) is Bar else values
    if not epochs or run.epoch is not None:
        for at, value in enumerate(each(values, spec)):
            if at > min(run.limit, MOST_EPOCHS):
                break
            yield value
    elif isinstance(values, (range, list, tuple)):
        for at in run.epochs(len(values)):
            yield values[at]
    else:
        first = values.first if type(values) is OpenRange else 0
        for at in run.epochs(None):
            yield first + at


def decorator(found):
    """A decorator that is not known leaves what it decorates as it is."""
    if type(found) is not Unknown:
        return found
    return _decorated if found._fx_library else lambda decorated: decorated


def _decorated(function):
    now().decorated.append(function)
    return function


def _given_by_decorator(function, args, kwargs) -> dict:
    """What a library's decorator gives where a call does not, as hydra its configuration."""
    code = getattr(function, "__code__", None)
    if code is None:
        return {}
    required = code.co_varnames[len(args) : code.co_argcount - len(function.__defaults__ or ())]
    return {name: Unknown(name) for name in required if name not in kwargs}


def model_of_its_own(value, name: str):
    """What an unknown function builds under a model's name is taken for the open model, where none is built yet."""
    if type(value) is not Unknown or value._fx_about or now().models:
        return value
    now().note(
        say(
            "'{name}' comes from '{path}', which is not in this text; it was read as the open model.",
            name=name,
            path=value._fx_path,
        )
    )
    made = built(None)
    vars(made)["_fx_guessed"] = value._fx_path  # what holds it may hold it otherwise than the tree does
    return made


def models_of_its_own(values: list, names: str) -> list:
    """The same of each of the values that are unpacked into these names, with a blank for those of no model."""
    named = zip(values, names.split(" "), strict=False)
    return [model_of_its_own(value, name) if name else value for value, name in named]


def assert_(test) -> None:
    if type(test) is not Unknown and not test:
        now().note("Line {line} asserts something that is not so for this model.", line=pasted_line())


def raise_(error):
    error = error() if isinstance(error, type) else error
    now().raised = error if isinstance(error, BaseException) else None
    return error if isinstance(error, BaseException) else RuntimeError("raised")


class Trying:
    """Inside `try`, an error goes to the script's own handlers."""

    def __enter__(self) -> None:
        now().trying += 1

    def __exit__(self, *error) -> bool:
        now().trying -= 1
        return False


def told(error: BaseException) -> bool:
    """Whether the statement is given up and the script goes on: told, unless the script itself means to stop."""
    run = now()
    if run.trying or isinstance(error, (GeneratorExit, StopIteration)):
        return False
    if isinstance(error, ScriptStopped) or error is run.raised:
        run.failed = True
        return False
    run.tell(reason(error), line_of(error))
    return True


def line_of(error: BaseException) -> int:
    """The innermost pasted line that an error went through; 0 for none."""
    line, at = 0, error.__traceback__
    while at is not None:
        if at.tb_frame.f_code.co_filename == PASTED:
            line = at.tb_lineno
        at = at.tb_next
    return line


def reason(error: BaseException) -> str:
    said = re.sub(r"\s+", " ", str(error))[:120]
    return say("it could not be run: {cause}", cause=said or type(error).__name__)


def lost(name: str) -> Unknown:
    return Unknown(name, about=True)


def hooks() -> dict:
    """The names that compiled scripts call."""
    return {
        "_getattr_": read, "_getitem_": item, "_getiter_": each, "_write_": write, "_fx_call_": call, "_fx_text_": text,
        "_fx_is_": same, "_fx_mod_": remainder, "_fx_equal_": equal,
        "_fx_in_": contained, "_fx_combined_": combined,
        "_fx_model_": model_of_its_own, "_fx_models_": models_of_its_own,
        "_fx_mapping_": mapping, "_fx_unpack_": unpacked, "_fx_augmented_": augmented,
        "_fx_aug_attribute_": augment_attribute,
        "_fx_aug_item_": augment_item, "_fx_training_": training, "_fx_while_": while_, "_fx_decorator_": decorator,
        "_fx_raise_": raise_, "_fx_assert_": assert_, "_fx_trying_": Trying(), "_fx_told_": told, "_fx_lost_": lost,
        "_fx_handled_": lambda: setattr(now(), "raised", None), "_fx_exception_": Exception,
        "_fx_refused_": Unknown, "_fx_import_": library.imported, "_fx_from_": library.imported_from,
    }  # fmt: skip


GUARDED_READ.append(read)
