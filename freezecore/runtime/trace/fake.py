"""Fake models: a model's copy whose tensors have shapes, types and devices, and no memory."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch._subclasses import FakeTensorMode


def fake_copy(model: nn.Module, fake_mode: FakeTensorMode, device: str, dtype: torch.dtype | None = None) -> nn.Module:
    """Copy a model, on the meta device or real, with every tensor in it replaced by a fake one on `device`.

    Tensors that modules keep as plain attributes are replaced too. `dtype` converts floating-point tensors.
    """
    memo: dict[int, object] = {}
    for module in model.modules():
        for held in (module._parameters, module._buffers, vars(module)):
            for tensor in tensors_in(held):
                if id(tensor) not in memo:
                    memo[id(tensor)] = _fake(tensor, fake_mode, device, dtype)
    return copy.deepcopy(model, memo)


def _fake(tensor: Tensor, fake_mode: FakeTensorMode, device: str, dtype: torch.dtype | None) -> Tensor:
    wanted = dtype if dtype and tensor.is_floating_point() else tensor.dtype
    with fake_mode, torch.no_grad():
        fake = torch.empty_strided(tensor.shape, tensor.stride(), dtype=wanted, device=device)
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(fake, requires_grad=tensor.is_floating_point())
    return fake


def tensors_in(held: object) -> list[Tensor]:
    """Tensors in a dictionary, list or tuple, however deep."""
    if isinstance(held, Tensor):
        return [held]
    if isinstance(held, dict):
        return [tensor for item in held.values() for tensor in tensors_in(item)]
    if isinstance(held, list | tuple):
        return [tensor for item in held for tensor in tensors_in(item)]
    return []
