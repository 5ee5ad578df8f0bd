"""What one parameter or module is, whatever its place: norm, bias, fused, moving or random in train mode."""

from __future__ import annotations

import re
from collections.abc import Hashable
from functools import cache
from types import CodeType
from typing import cast

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.nn.utils.parametrize import ParametrizationList
from torch.nn.utils.spectral_norm import SpectralNorm

from freezecore.runtime.tree.module_tree import ModuleNode

NORM_CLASSES = (_NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)
# Classes of other libraries and of people's own: LlamaRMSNorm, BatchNormAct2d, NoNorm, ConvNextV2GRN, my_layer_norm.
NORM_CLASS = re.compile(r"norm|(?:BN|LN|GN|GRN)(?:\d?d)?$|^(?:BN|LN|GN)[A-Z_\d]?", re.IGNORECASE)
NORM_NAME = re.compile(r"(?:^|_)(?:norm|layernorm|batchnorm|ln|bn)\d*(?:_|$)|norm\d*$", re.IGNORECASE)
PEFT = re.compile(r"\.(?:base_layer|original_module|modules_to_save\.[^.]+)(?=\.)")
# PEFT's names: lora_A, lora_embedding_B, lora_magnitude_vector; token_adapter of rows of a table
ADAPTER = re.compile(r"(?:^|\.)(?:lora_[^.]+|token_adapter)\.")
PARAMETRIZED = re.compile(r"\.?parametrizations\.([^.]+)\.(?:original\d*|\d+\..+)$")
FUSED = re.compile(
    r"qkv|query_key_value|(?:^|[._])kv(?:_|\d|\.|$)|c_attn|in_proj|gate_up|up_gate|w13|gate_and_up|qk_proj",
    re.IGNORECASE,
)
TABLE = frozenset({"table", "weight", "embed", "embedding", "embeddings", "relative", "position", "pos", "rel"})
ROUTER = re.compile(r"router|(?:^|_)(?:gate|wg)$", re.IGNORECASE)
RANDOM = re.compile(r"drop|bernoulli|rand|normal_?$|uniform_?$|noise")
SET_TO_ZERO = "_set_to_zero_while_frozen"  # on a module: the chances that it had (see `freezecore.runtime.own.hold`)


def place(name: str) -> tuple[str, str]:
    """The path that a parameter's name stands for and its last part, parametrizations and PEFT's wrappers stripped:
    `conv.parametrizations.weight.original0` gives `conv`, `weight`; so does `conv.base_layer.weight`."""
    name = PEFT.sub("", name)
    if found := PARAMETRIZED.search(name):
        return name[: found.start()], found[1]
    path, _, last = name.rpartition(".")
    return path, last


def is_norm(node: ModuleNode) -> bool:
    """A module that normalises: by its class, or by what its author called it; all its own tensors are vectors."""
    tensors = [tensor for tensor in node.module._parameters.values() if tensor is not None]
    if isinstance(node.module, NORM_CLASSES):
        return True
    if node.bearing or not tensors or any(tensor.numel() != max(tensor.shape, default=1) for tensor in tensors):
        return False
    return bool(NORM_CLASS.search(node.type) or NORM_NAME.search(node.name))


def is_bias(last: str, norm: bool) -> bool:
    """An additive bias, by the last part of its name; a table of relative positions is none."""
    words = re.split(r"[_\W]+", last.lower())
    if norm and words[-1] in ("beta", "shift"):
        return True
    return "bias" in words and not TABLE.intersection(words)


def is_fused(path: str, last: str, node: ModuleNode, shape: tuple[int, ...]) -> bool:
    """Several projections in one tensor: query, key and value; gate and up; all experts; a recurrent cell's gates."""
    if isinstance(node.module, nn.RNNBase | nn.RNNCellBase):
        return True
    own = path.rpartition(".")[2]
    if FUSED.search(f"{own}.{last}"):
        return True
    if "expert" not in f"{own}.{node.type}.{last}".lower():
        return False
    return len(shape) > 2 or (len(shape) == 2 and is_bias(last, norm=False))


def is_router(node: ModuleNode) -> bool:
    """It is, or is inside of, a module called a router or a gate that stands beside experts (or in what holds them)."""
    inside: ModuleNode | None = node
    for _ in range(3):  # the layer, a router of several layers, and what chooses the best of its scores
        around = inside.parent if inside is not None else None
        if inside is None or around is None:
            return False
        beside = [f"{each.name} {each.type}".lower() for each in around.bearing if each is not inside]
        if ROUTER.search(inside.name) and any("expert" in each for each in beside):
            return "expert" not in inside.name.lower()
        inside = around
    return False


def gated(node: ModuleNode) -> list[ModuleNode]:
    """A gate, and what stands beside it that it chooses from: modules called experts, or a list with an element for
    each of its outputs; empty for what is no gate."""
    if node.parent is None or not ROUTER.search(node.name):
        return []
    outputs = {getattr(each.module, "out_features", None) for each in node.walk()}
    beside = [each for each in node.parent.bearing if each is not node]
    experts = [each for each in beside if "expert" in f"{each.name} {each.type}".lower()]
    rows = [each for each in beside if isinstance(each.module, nn.ModuleList) and len(each.children) in outputs]
    return [node, *experts, *rows] if experts or rows else []


def moves(module: nn.Module) -> bool:
    """Its buffers change in train mode by its class: running statistics, a power iteration."""
    if isinstance(module, ParametrizationList):
        return any(isinstance(each, _SpectralNorm) for each in module)
    if isinstance(module, _SpectralNorm):
        return True
    if any(isinstance(hook, SpectralNorm) for hook in module._forward_pre_hooks.values()):
        return True
    if getattr(module, "running_mean", None) is None and getattr(module, "running_var", None) is None:
        return False
    return bool(getattr(module, "track_running_stats", isinstance(module, _NormBase)))


def drops(module: nn.Module) -> bool:
    """It is random in train mode: a dropout or stochastic-depth module, or one that calls such a function itself."""
    if isinstance(module, nn.RReLU) or vars(module).get(SET_TO_ZERO) or chances(module):
        return True
    if re.search("drop|stochastic", type(module).__name__, re.IGNORECASE):
        return any(_chance(vars(module).get(name)) for name in ("p", "prob"))
    names = read_by_forward(cast(Hashable, type(module)))
    kept = [child for name, child in module._modules.items() if child is not None and "drop" in name and name in names]
    return {"training", "p"} <= names and any(drops(child) for child in kept)  # self.attn_drop.p if self.training


def chances(module: nn.Module) -> dict[str, list[str]]:
    """Where a module keeps the chances at which it drops by itself: names of its own attributes (under the empty name),
    and of its `config`'s that its forward reads."""
    own = [name for name, value in vars(module).items() if "drop" in name and _chance(value)]
    config, names = vars(module).get("config"), read_by_forward(cast(Hashable, type(module)))
    asked = [name for name in names if "drop" in name and "training" in names]
    theirs = [name for name in asked if config is not None and _chance(getattr(config, name, None))]
    return {key: found for key, found in (("", own), ("config", theirs)) if found}


def may_move(module: nn.Module, watched: bool) -> bool:
    """Its forward asks for the mode and reads state that nobody has watched: buffers, where it could not be followed,
    and tensors that are no buffers."""
    names = read_by_forward(cast(Hashable, type(module)))
    kept = [name for name, value in vars(module).items() if isinstance(value, Tensor)]
    return "training" in names and any(name in names for name in (*kept, *(() if watched else module._buffers)))


def may_drop(module: nn.Module) -> bool:
    """Its forward asks for the mode and names something random, at a chance that stands in its code."""
    names = read_by_forward(cast(Hashable, type(module)))
    if "training" not in names or any("drop" in name for name in (*vars(module), *module._modules)):
        return False
    return any(RANDOM.search(name) for name in names)


def decides_checkpointing(module: nn.Module) -> bool:
    """Whether it checkpoints gradients depends on its mode: `self.gradient_checkpointing and self.training`."""
    names = read_by_forward(cast(Hashable, type(module)))
    return "training" in names and any("checkpoint" in name for name in names)


@cache
def read_by_forward(kind: type) -> frozenset[str]:
    """Names of the attributes and functions in the code of a class's forward, of what decorates it, and of the methods
    of its own that these name; none of torch's own classes, whose modes are known."""
    found: set[str] = set()
    ours = {name: method for base in reversed(kind.__mro__) for name, method in vars(base).items()
            if base not in (nn.Module, object) and not base.__module__.startswith("torch.nn.")}  # fmt: skip
    waiting = [ours[name] for name in ("forward", "__call__") if name in ours]
    seen: set[int] = set()
    while waiting:
        code = getattr(waiting[-1], "__code__", waiting[-1])
        wrapped = getattr(waiting.pop(), "__wrapped__", None)
        waiting += [wrapped] if wrapped is not None else []
        if isinstance(code, CodeType) and id(code) not in seen:
            seen.add(id(code))
            found.update(code.co_names)
            waiting += [*code.co_consts, *(ours[name] for name in code.co_names if name in ours)]
    return frozenset(found)


@cache
def bases_of(kind: type) -> tuple[str, ...]:
    """What `isinstance` can be asked of a module of this class."""
    known = [each for each in kind.__mro__ if issubclass(each, nn.Module) and each is not nn.Module]
    return tuple(("nn." if each.__module__.startswith("torch.nn.") else "") + each.__name__ for each in known)


def _chance(value: object) -> bool:
    return isinstance(value, float) and 0 < value <= 1
