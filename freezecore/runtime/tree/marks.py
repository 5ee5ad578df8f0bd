"""What one parameter or module is, whatever its place: norm, bias, fused, moving or random in train mode."""

from __future__ import annotations

import re

from torch import nn
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
PARAMETRIZED = re.compile(r"\.?parametrizations\.([^.]+)\.(?:original\d*|\d+\..+)$")
FUSED = re.compile(
    r"qkv|query_key_value|(?:^|[._])kv(?:_|\d|\.|$)|c_attn|in_proj|gate_up|up_gate|w13|gate_and_up|qk_proj",
    re.IGNORECASE,
)
TABLE = frozenset({"table", "weight", "embed", "embedding", "embeddings", "relative", "position", "pos", "rel"})


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


def moves(module: nn.Module) -> bool:
    """Its buffers change in train mode: running statistics, a power iteration."""
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
    if isinstance(module, nn.RReLU):
        return True
    named = "drop" in type(module).__name__.lower()
    for name, value in vars(module).items():
        if ("drop" in name or (named and name in ("p", "prob"))) and isinstance(value, float) and 0 < value <= 1:
            return True
    return False
