"""Shapes of batch norm, said directly.

For tensors without values torch finds batch norm's shapes by running a decomposition of some forty operations, a
hundred times slower than any other operation, and a convolutional net has a batch norm behind every convolution.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

aten = torch.ops.aten
HALF = (torch.float16, torch.bfloat16)


def run(function, args: tuple, kwargs: dict) -> object:
    """What an operation returns on tensors without values."""
    if function is aten.native_batch_norm.default:
        return _forward(*args, **kwargs)
    if function is aten.native_batch_norm_backward.default:
        return _backward(*args, **kwargs)
    return function(*args, **kwargs)


class Running(TorchDispatchMode):
    """Every operation under it goes through `run`."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        return run(function, args, kwargs or {})


def _forward(x: Tensor, weight, bias, mean, var, training: bool, momentum: float, eps: float) -> tuple:
    dtype = torch.float32 if x.dtype in HALF else x.dtype
    statistics = x.shape[1] if training or x.device.type == "cuda" else 0
    return torch.empty_like(x), x.new_empty(statistics, dtype=dtype), x.new_empty(statistics, dtype=dtype)


def _backward(grad: Tensor, x: Tensor, weight, mean, var, saved_mean, saved_var, training, eps, mask) -> tuple:
    dtype = weight.dtype if weight is not None else x.dtype
    row = x.shape[1]
    return (
        torch.empty_like(x) if mask[0] else None,
        x.new_empty(row, dtype=dtype) if mask[1] else None,
        x.new_empty(row, dtype=dtype) if mask[2] else None,
    )
