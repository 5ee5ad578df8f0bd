"""Models and operations on tensors without values: a model's copy on fake tensors, and how its operations run there.

A fake tensor has a shape, a type and a device, and no memory. For those torch finds batch norm's shapes by running a
decomposition of some forty operations, a hundred times slower than any other operation, and a convolutional net has a
batch norm behind every convolution: so these shapes are said directly.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch._prims_common import suggest_memory_format
from torch._subclasses import FakeTensorMode
from torch.fx.experimental import _config as experimental
from torch.utils._python_dispatch import TorchDispatchMode

from freezecore.runtime.own.hold import release
from freezecore.runtime.tensors import tensors_in
from freezecore.runtime.trace import recurrent

aten = torch.ops.aten
DEVICE = torch.ops.prim.device.default  # a fake tensor is asked for it some five times by each operation
HALF = (torch.float16, torch.bfloat16)
CONFIG: Any = experimental  # whose verbs a type checker does not see


def fake_copy(model: nn.Module, fake_mode: FakeTensorMode, device: str, dtype: torch.dtype | None = None) -> nn.Module:
    """Copy a model, on the meta device or real, with every tensor in it replaced by a fake one on `device`.

    Tensors that modules keep as plain attributes are replaced too, also in modules that stand in a plain list. `dtype`
    converts floating-point tensors.
    """
    memo: dict[int, object] = {}
    for tensor in all_tensors(model):
        if id(tensor) not in memo:
            memo[id(tensor)] = _fake(tensor, fake_mode, device, dtype)
    twin = copy.deepcopy(model, memo)
    release(twin)  # which of its modules are held is a matter of the mask
    return twin


def all_tensors(model: nn.Module) -> Iterator[Tensor]:
    """Parameters, buffers, and what modules keep in plain attributes, registered or not; some more than once."""
    waiting, seen = [model], set()
    while waiting:
        module = waiting.pop()
        if id(module) not in seen:
            seen.add(id(module))
            for held in (module._parameters, module._buffers, vars(module)):
                yield from tensors_in(held)
            waiting += [held for held in _modules_in(vars(module)) if id(held) not in seen]


def _modules_in(held: object) -> Iterator[nn.Module]:
    if isinstance(held, nn.Module):
        yield held
    elif isinstance(held, dict | list | tuple):
        for item in held.values() if isinstance(held, dict) else held:
            yield from _modules_in(item)


def _fake(tensor: Tensor, fake_mode: FakeTensorMode, device: str, dtype: torch.dtype | None) -> Tensor:
    wanted = dtype if dtype and tensor.is_floating_point() else tensor.dtype
    with fake_mode, torch.no_grad():
        fake = torch.empty_strided(tensor.shape, tensor.stride(), dtype=wanted, device=device)
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(fake, requires_grad=tensor.is_floating_point() or tensor.is_complex())
    return fake


def distinct_bytes(tensors: Iterable[Tensor]) -> Iterator[int]:
    """Bytes of each storage, counted once where tensors share it."""
    seen = set()
    for tensor in tensors:
        key = tensor.untyped_storage()._cdata
        if key not in seen:
            seen.add(key)
            yield tensor.untyped_storage().nbytes()


def run(function, args: tuple, kwargs: dict) -> object:
    """What an operation returns on tensors without values."""
    if function is aten.native_batch_norm.default:
        return _batch_norm(*args, **kwargs)
    if function is aten.native_batch_norm_backward.default:
        return _batch_norm_backward(*args, **kwargs)
    if function is recurrent.FORWARD:
        return recurrent.with_workspace(function(*args, **kwargs), args)
    if function is aten.index.Tensor and args[0].is_meta and masks(args[1]):
        with CONFIG.patch(meta_nonzero_assume_all_nonzero=True):
            return function(*args, **kwargs)
    result = function(*args, **kwargs)
    if isinstance(result, Tensor) and 1 in result.shape and torch.Tag.pointwise in function.tags:
        return _plainly_laid_out(result, args)
    return result


def _plainly_laid_out(result: Tensor, args: tuple) -> Tensor:
    """A result of an elementwise operation as real kernels lay it out: plainly, where all that it reads is contiguous.

    For dimensions of size 1 strides may be any, and a fake tensor keeps those of what was read: a picture of 1 x 1 that
    a convolution left in channels-last order would go on to the next as such, for which oneDNN takes other buffers.
    """
    read = [tensor for tensor in args if isinstance(tensor, Tensor)]
    if any(result is tensor for tensor in read) or not all(tensor.is_contiguous() for tensor in (result, *read)):
        return result
    return torch.empty_like(result, memory_format=torch.contiguous_format)


def masks(indices: Iterable) -> bool:
    """Whether one of these indices, tensors or their shapes, is a mask: how many it selects only its values tell."""
    return any(getattr(index, "dtype", None) == torch.bool for index in indices)


class BatchNormShapes(TorchDispatchMode):
    """Sends every operation under it through `run`."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function is DEVICE:
            return function(*args)
        return run(function, args, kwargs or {})


def _batch_norm(x: Tensor, weight, bias, mean, var, training: bool, momentum: float, eps: float) -> tuple:
    dtype = torch.float32 if x.dtype in HALF else x.dtype
    statistics = x.shape[1] if training or x.device.type == "cuda" else 0
    return _as_normalized(x), x.new_empty(statistics, dtype=dtype), x.new_empty(statistics, dtype=dtype)


def _as_normalized(x: Tensor) -> Tensor:
    """What a batch norm makes of an input: a processor's kernel lays it out plainly or in channels-last order, also of
    an input that is transposed; others keep its order."""
    plainly = x.device.type == "cpu"
    return torch.empty_like(x, memory_format=suggest_memory_format(x) if plainly else torch.preserve_format)


def _batch_norm_backward(
    grad: Tensor, x: Tensor, weight, mean, var, saved_mean, saved_var, training, eps, mask
) -> tuple:
    dtype = weight.dtype if weight is not None else x.dtype
    row = x.shape[1]
    return (
        _as_normalized(x) if mask[0] else None,
        x.new_empty(row, dtype=dtype) if mask[1] else None,
        x.new_empty(row, dtype=dtype) if mask[2] else None,
    )
