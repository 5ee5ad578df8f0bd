"""A model's copy without storage."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from freezecore.runtime.own.hold import release


def meta_copy(model: nn.Module) -> nn.Module:
    """A copy without storage; a model on the meta device is copied all the same, since a forward may write to it."""
    memo: dict[int, object] = {}
    for tensor in (*model.parameters(), *model.buffers()):
        if id(tensor) not in memo:
            memo[id(tensor)] = _on_meta(tensor)
    twin = copy.deepcopy(model, memo)
    release(twin)  # or it stays in eval mode where the model is held
    return twin


def _on_meta(tensor: Tensor) -> Tensor:
    empty = torch.empty_like(tensor, device="meta")
    return nn.Parameter(empty, requires_grad=False) if isinstance(tensor, nn.Parameter) else empty
