"""Losses, computed from what a model returns: never by the model's own path for labels, which may not be traceable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from freezecore.runtime.trace.fake import tensors_in

IGNORED = -100


def find_output(output: object) -> tuple[str, Tensor]:
    """The tensor that a loss starts from, and what it is: `tokens`, `classes`, `pairs` or `features`."""
    for name, kind in (("logits_per_image", "pairs"), ("logits", ""), ("last_hidden_state", "features")):
        found = getattr(output, name, None)
        if isinstance(found, Tensor):
            return kind or _kind(found), found
    if isinstance(output, Tensor):
        return _kind(output), output
    tensors = [tensor for tensor in tensors_in(output) if tensor.is_floating_point()]
    if not tensors:
        raise TypeError("the model returns no tensor of numbers")
    return "features", tensors[0]


def targets(kind: str, output: Tensor) -> Tensor | None:
    """Targets of the shape that `loss` wants for this output."""
    if kind == "tokens":
        return torch.zeros(output.shape[:2], dtype=torch.long, device=output.device)
    if kind in ("classes", "pairs"):
        return torch.zeros(output.shape[0], dtype=torch.long, device=output.device)
    return None


def predicts_next(model: nn.Module) -> bool:
    """Whether its loss over tokens is that of the next one."""
    name = type(model).__name__
    return "CausalLM" in name or "LMHead" in name


def loss_function(kind: str, shifted: bool) -> Callable[[Tensor, Any], Tensor]:
    """Cross entropy over classes, tokens (the next one when `shifted`) or pairs; of features, the mean square."""
    if kind == "features":
        return lambda output, wanted: output.float().square().mean()
    if kind != "tokens":
        return lambda output, wanted: F.cross_entropy(output.float(), wanted)

    def over_tokens(output: Tensor, wanted: Tensor) -> Tensor:
        if shifted:
            wanted = F.pad(wanted, (0, 1), value=IGNORED)[..., 1:].contiguous()
        return F.cross_entropy(output.float().flatten(0, 1), wanted.flatten(), ignore_index=IGNORED)

    return over_tokens


def _kind(output: Tensor) -> str:
    return {2: "classes", 3: "tokens"}.get(output.dim(), "features")
