"""`nn.Module` as scripts know it: children, parameters and their `requires_grad`, and nothing that computes."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Iterator

from freezecore.importing.execution.run import PASTED_MODULE, now
from freezecore.importing.execution.standins.framework import seen_as
from freezecore.importing.execution.unknown import OUTSIDE, STAGES, Unknown

SAME = (
    "train", "eval", "to", "cuda", "cpu", "half", "float", "double", "bfloat16", "type", "compile", "share_memory",
    "to_empty", "zero_grad",
)  # fmt: skip
IN_TREE: list = []  # what a module of the tree answers for a name that is no child of its own
SIZES = {
    "in_features": 1, "out_features": 0, "num_features": 0, "in_channels": 1, "out_channels": 0,
    "num_embeddings": 0, "embedding_dim": 1,
}  # fmt: skip
CONTAINERS = {"nn.Sequential", "nn.ModuleList", "nn.ModuleDict"}
MISSPELT = re.compile(r"requires?_?grad\w*", re.ASCII)  # what is written for `requires_grad`, and torch takes silently
KINDS: dict[str, type] = {}
MAKERS: dict = {}  # what a class of this name puts into a fresh module of its own


class Tensor:
    """A tensor of which only its name, shape and `requires_grad` matter."""

    _fx_of_model = True
    is_leaf = True
    grad = None

    def __init__(self, shape=None, dtype: str = "float32", trains: bool = True, name: str = "") -> None:
        vars(self).update(_fx_shape=shape, _fx_dtype=dtype, _fx_first=trains, _fx_value=trains, _fx_name=name)

    @property
    def requires_grad(self):
        value = self._fx_value
        return Unknown(f"{self._fx_name or 'parameter'}.requires_grad", about=True) if value is None else value

    @property
    def shape(self):
        return Size(self._fx_shape) if self._fx_shape is not None else Unknown("shape", True)

    @property
    def ndim(self):
        return len(self._fx_shape) if self._fx_shape is not None else Unknown("ndim", True)

    @property
    def dtype(self):
        return Unknown(f"torch.{self._fx_dtype}", True)

    def dim(self):
        return self.ndim

    def numel(self):
        return math.prod(self._fx_shape) if self._fx_shape is not None else Unknown("numel()", True)

    nelement = numel

    def size(self, at: int | None = None):
        return self.shape if at is None else self.shape[at]

    def is_floating_point(self) -> bool:
        return "float" in self._fx_dtype

    def is_complex(self) -> bool:
        return "complex" in self._fx_dtype

    def requires_grad_(self, requires_grad=True):
        self._fx_set(requires_grad)
        return self

    def _fx_set(self, value) -> None:
        run = now()
        run.said = run.said or bool(self._fx_name)
        if type(value) is Unknown:
            run.tell("whether it trains depends on '{name}', which is not known", name=value._fx_path)
            value = None
        elif type(value) is not bool:
            raise RuntimeError("requires_grad must be a bool")
        if value is not self._fx_value:
            run.set(self, value)
            vars(self)["_fx_value"] = value

    def __setattr__(self, name: str, value) -> None:
        if name == "requires_grad":
            self._fx_set(value)
        elif not name.startswith("_fx_"):
            _tell_misspelt(name)
            vars(self)[name] = value

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        if name in ("cuda", "cpu", "to", "contiguous", "float", "half"):
            return lambda *args, **kwargs: self
        return Unknown(f"{self._fx_name or 'parameter'}.{name}", True)

    def __deepcopy__(self, memo: dict):
        made = object.__new__(type(self))
        memo[id(self)] = made
        vars(made).update(vars(self), _fx_first=self._fx_value)
        return made

    def __bool__(self) -> bool:
        return True

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, at):
        return Unknown(f"{self._fx_name or 'parameter'}[]", about=True)


def _tell_misspelt(name: str) -> None:
    """Tell of an attribute that looks like `requires_grad` and is another: torch stores it and says nothing."""
    if MISSPELT.fullmatch(name):
        now().tell("'{name}' is no attribute of torch's: it freezes nothing; requires_grad would", name=name)


class Detached(Tensor):
    """A copy out of a `state_dict`."""

    def _fx_set(self, value) -> None:
        now().tell("A state_dict holds detached copies, and setting requires_grad on them freezes nothing.")


@seen_as("Parameter")
class TorchParameter(Tensor):
    """`nn.Parameter(data, requires_grad=True)`."""

    def __init__(self, data=None, requires_grad=True) -> None:
        super().__init__(data._fx_shape if isinstance(data, Tensor) else None, trains=requires_grad is not False)


class Size(tuple):
    """`torch.Size`."""

    def numel(self) -> int:
        return math.prod(self)


class Kind(type):
    """Classes of modules: `isinstance` is answered by the names that the tree recorded."""

    def __instancecheck__(cls, instance) -> bool:
        return type.__instancecheck__(cls, instance) or cls.__dict__.get("_fx_kind") in bases_of(type(instance))

    def __subclasscheck__(cls, other) -> bool:
        return type.__subclasscheck__(cls, other) or cls.__dict__.get("_fx_kind") in bases_of(other)


def bases_of(kind: type) -> tuple:
    return tuple(base for each in type.mro(kind) for base in each.__dict__.get("_fx_bases", ())) or ("",)


class Module(metaclass=Kind):
    """A module; those of the tree know their path in it."""

    _fx_of_model = True
    _fx_path: str | None = None

    def __new__(cls, *args, **kwargs):
        made = object.__new__(cls)
        vars(made).update(_modules={}, _parameters={}, training=True)
        if cls.__module__ == PASTED_MODULE:
            vars(made)["_fx_born"] = now().now()
            now().own.append(made)
        return made

    def __init__(self, *args, **kwargs) -> None:
        for base in bases_of(type(self)):
            if base in MAKERS:
                MAKERS[base](self, *args, **kwargs)
                return

    def __deepcopy__(self, memo: dict):
        made = object.__new__(type(self))
        memo[id(self)] = made
        vars(made).update({name: copy.deepcopy(value, memo) for name, value in vars(self).items()})
        return made

    def __setattr__(self, name: str, value) -> None:
        if name == "requires_grad":
            now().tell("it sets an attribute of a module and freezes nothing; requires_grad_() would")
            return
        made = getattr(type(self), name, None)
        if type(made) is property and made.fset:  # of the script's own class
            object.__setattr__(self, name, value)
            return
        if name == "trainable":
            now().tell("'trainable' is Keras's: torch trains or freezes nothing by it; requires_grad_() would")
        if name in STAGES and type(value) is int:
            now().tell("what '{name}' freezes is not known", name=name)
        if isinstance(value, Module) or (name in self._modules and (type(value) is Unknown or value is None)):
            self._fx_put(name, value)
        elif isinstance(value, TorchParameter):
            vars(self).pop(name, None)
            self._parameters[name] = value
        else:
            self._modules.pop(name, None)
            vars(self)[name] = value

    def _fx_put(self, name: str, value) -> None:
        """A child is added or replaced; what an unknown function makes trains until something freezes it."""
        if type(value) is Unknown:
            value = opaque(value._fx_path)
        old, vars(self)["_modules"] = self._modules.get(name), self._modules
        vars(self).pop(name, None)
        self._modules[name] = value
        if old is not None and value is not None and old is not value:
            now().swapped(self, name, old, value)

    def __getattr__(self, name: str):
        for held in (vars(self).get("_parameters", {}), vars(self).get("_modules", {})):
            if name in held:
                return held[name]
        if name.startswith("__"):
            raise AttributeError(name)
        return self._fx_lacking(name)

    def _fx_lacking(self, name: str):
        """What a module answers for a name that is no child of its own."""
        if self._fx_path is not None:
            return IN_TREE[0](self, name)
        return self._fx_plain(name)

    def _fx_plain(self, name: str):
        """The same for a module that no tree holds."""
        weight = self._parameters.get("weight")
        if name in SIZES and weight is not None and weight._fx_shape:
            size = weight._fx_shape[min(SIZES[name], len(weight._fx_shape) - 1)]
            return Unknown(name, True) if name == "in_channels" and size == 1 else size
        if name == "kernel_size" and weight is not None and len(weight._fx_shape or ()) > 2:
            return tuple(weight._fx_shape[2:])
        if name.startswith(("register_", "load_state_dict", "forward", "buffers", "named_buffers", "extra_repr")):
            return Unknown(name, True)
        if type(self).__module__ == PASTED_MODULE and not any(base is Outside for base in type(self).__mro__):
            raise AttributeError(f"'{type(self).__name__}' has no '{name}'")
        return Unknown(name, about=True)

    def __delattr__(self, name: str) -> None:
        for held in (self._parameters, self._modules, vars(self)):
            if held.pop(name, held) is not held:
                return
        raise AttributeError(name)

    def __call__(self, *args, **kwargs):
        return Unknown("output", True)

    def _fx_named(self, kind: str, prefix: str, seen: set) -> Iterator:
        """Modules, or parameters, in torch's order, each once."""
        if id(self) in seen:
            return
        seen.add(id(self))
        if kind == "modules":
            yield prefix, self
        else:
            for name, value in self._parameters.items():
                if value is not None and id(value) not in seen:
                    seen.add(id(value))
                    yield _joined(prefix, name), value
        for name, child in self._modules.items():
            if child is not None:
                yield from child._fx_named(kind, _joined(prefix, name), seen)

    def named_parameters(self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True):
        if not recurse:
            return iter([(_joined(prefix, name), each) for name, each in self._parameters.items() if each is not None])
        return self._fx_named("parameters", prefix, set())

    def parameters(self, recurse: bool = True):
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_modules(self, memo=None, prefix: str = "", remove_duplicate: bool = True):
        return self._fx_named("modules", prefix, set())

    def __repr__(self) -> str:
        """As torch prints a module: people read names out of it, such as those in front of `: Linear(`."""
        weight = self._parameters.get("weight")
        linear = "nn.Linear" in bases_of(type(self)) and len(getattr(weight, "shape", None) or ()) == 2
        told = ""
        if linear and weight is not None:
            bias = self._parameters.get("bias") is not None
            told = f"in_features={weight.shape[1]}, out_features={weight.shape[0]}, bias={bias}"
        parts = [f"({name}): {child!r}".replace("\n", "\n  ") for name, child in self._modules.items()]
        inside = "".join(f"\n  {part}" for part in parts)
        return f"{type(self).__name__}({told}{inside}{chr(10) if inside else ''})"

    def modules(self):
        return (module for _, module in self.named_modules())

    def named_children(self):
        seen: set[int] = set()
        for name, child in self._modules.items():
            if child is not None and id(child) not in seen:
                seen.add(id(child))
                yield name, child

    def children(self):
        return (child for _, child in self.named_children())

    def buffers(self, recurse: bool = True):
        return iter(())

    named_buffers = buffers

    def state_dict(self, *args, **kwargs) -> dict:
        return {name: Detached(each._fx_shape, each._fx_dtype, False) for name, each in self.named_parameters()}

    def requires_grad_(self, requires_grad=True):
        for parameter in self.parameters():
            parameter._fx_set(requires_grad)
        return self

    def apply(self, fn):
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def get_submodule(self, target: str):
        found = self
        for part in target.split(".") if target else ():
            found = found._modules[part] if part in found._modules else getattr(found, part)
        return found

    def get_parameter(self, target: str):
        path, _, name = target.rpartition(".")
        return getattr(self.get_submodule(path), name)

    def add_module(self, name: str, module) -> None:
        self._fx_put(name, module)

    register_module = add_module

    def register_parameter(self, name: str, param) -> None:
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor=None, persistent: bool = True) -> None:
        vars(self)[name] = tensor

    # Containers: a module of the tree may be one, so that each module can be asked.
    def __len__(self) -> int:
        return len(self._modules)

    def __bool__(self) -> bool:
        return True

    def __iter__(self):
        return iter(list(self._modules) if "nn.ModuleDict" in bases_of(type(self)) else list(self._modules.values()))

    def __contains__(self, item) -> bool:
        return item in self._modules if isinstance(item, str) else item in list(self._modules.values())

    def __getitem__(self, at):
        if "_fx_guessed" in vars(self) and not CONTAINERS & set(bases_of(type(self))):
            return Unknown(f"{self._fx_guessed}[{at if type(at) is int else ''}]", about=True)
        if isinstance(at, slice):
            kind = type(self) if "nn.ModuleList" in bases_of(type(self)) else kind_of("nn.Sequential")
            made = Module.__new__(kind)
            made._modules.update({str(i): each for i, each in enumerate([*self._modules.values()][at])})
            return made
        if type(at) is Unknown:
            return Unknown(f"{self._fx_path or ''}[{at._fx_path}]", about=True)
        return self._modules[at] if isinstance(at, str) else list(self._modules.values())[at]

    def __setitem__(self, at, module) -> None:
        self._fx_put(at if isinstance(at, str) else list(self._modules)[at], module)

    def __delitem__(self, at) -> None:
        keys = list(self._modules)
        gone = [at] if isinstance(at, str) else keys[at] if isinstance(at, slice) else [keys[at]]
        left = [self._modules[key] for key in keys if key not in gone]
        named = not all(key.isdigit() for key in keys)
        held = {key: self._modules[key] for key in keys if key not in gone}
        self._modules.clear()
        self._modules.update(held if named else {str(i): each for i, each in enumerate(left)})

    def append(self, module):
        self._fx_put(str(len(self._modules)), module)
        return self

    def extend(self, modules):
        for module in modules:
            self.append(module)
        return self

    def insert(self, at: int, module) -> None:
        held = list(self._modules.values())
        held.insert(at, module)
        self._modules.clear()
        self._modules.update({str(i): each for i, each in enumerate(held)})

    def keys(self):
        return self._modules.keys()

    def values(self):
        return self._modules.values()

    def items(self):
        return self._modules.items()


def _same(self, *args, **kwargs):
    return self


for _name in SAME:
    setattr(Module, _name, _same)


class Outside(Module):
    """A base class that the text does not define: what a class that derives from it inherits is not known."""


OUTSIDE.append(Outside)


def opaque(name: str) -> Module:
    """A module made by something unknown: one parameter stands for all of its own."""
    made = Module.__new__(Outside)
    made._parameters[f"({name})"] = TorchParameter()
    return made


def kind_of(name: str, bases: tuple = ()) -> type:
    """The one class of this name, such as `nn.Linear` or `BertLayer`."""
    if name not in KINDS:
        namespace = {"_fx_kind": name, "_fx_bases": bases or (name,), "__module__": __name__}
        KINDS[name] = Kind(name.rpartition(".")[2], (Module,), namespace)
    elif len(bases) > 1:
        KINDS[name]._fx_bases = bases
    return KINDS[name]


def _joined(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name
