"""Losses, computed from what a model returns, where it does not return its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from typing import Any, TypeGuard

import torch
import torch.nn.functional as F
from torch import Tensor, nn

IGNORED = -100


def find_output(output: object) -> tuple[str, list[Tensor]]:
    """The tensors that a loss starts from, and what they are: `loss`, `tokens`, `classes`, `pairs` or `features`.

    A model's own loss is taken where it returns one: by that name, as the first of several, or as the sum of those in a
    dictionary of nothing else. A dictionary with `out` is a segmentation: a score for each class and pixel, and perhaps
    those of an auxiliary head. Of other outputs all
    count, but those from which another was computed, such as features beside the logits made of them.
    """
    own = output.get("loss") if isinstance(output, dict) else getattr(output, "loss", None)
    if _is_number(own):
        return "loss", [own]
    if isinstance(output, dict) and output and all(map(_is_number, output.values())):
        return "loss", [reduce(torch.add, output.values())]
    if isinstance(output, dict) and isinstance(output.get("out"), Tensor):
        return "pixels", [output[name] for name in ("out", "aux") if name in output]
    for name, kind in (("logits_per_image", "pairs"), ("logits", ""), ("last_hidden_state", "features")):
        found = getattr(output, name, None)
        if isinstance(found, Tensor):
            beside = [getattr(output, each, None) for each in ("aux_logits", "aux_logits1", "aux_logits2")]
            return kind or _kind(found), [found, *(each for each in beside if isinstance(each, Tensor))]
    if isinstance(output, Tensor):
        return _kind(output), [output]
    tensors = [t for t in _parts(output) if t.is_floating_point() or t.is_complex()]
    if not tensors:
        raise TypeError("the model returns no tensor of numbers")
    if _is_number(tensors[0]):
        return "loss", tensors[:1]
    nodes = _behind(tensors)
    return "features", [tensor for tensor in tensors if tensor.grad_fn not in nodes]


def _is_number(item: object) -> TypeGuard[Tensor]:
    return isinstance(item, Tensor) and not item.dim() and item.is_floating_point()


def _parts(output: object) -> list[Tensor]:
    """Tensors in dictionaries, tuples, data classes and other plain objects, each once."""
    if isinstance(output, Tensor | dict | list | tuple):
        held: Iterable = output.values() if isinstance(output, dict) else output
        found = [output] if isinstance(output, Tensor) else [tensor for item in held for tensor in _parts(item)]
        return list({id(tensor): tensor for tensor in found}.values())
    return _parts(vars(output)) if hasattr(output, "__dict__") and not isinstance(output, type | nn.Module) else []


def _behind(tensors: list[Tensor]) -> set:
    """Backward nodes that other tensors' gradients come through on their way back; of no gradient, none."""
    seen: set = set()
    waiting = [edge for tensor in tensors if tensor.grad_fn for edge, _ in tensor.grad_fn.next_functions]
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen:
            seen.add(node)
            waiting += [edge for edge, _ in node.next_functions]
    return seen


def targets(kind: str, outputs: list[Tensor]) -> Tensor | None:
    """Targets of the shape that `loss` wants for these outputs."""
    output = outputs[0]
    if kind == "tokens":
        return torch.zeros(output.shape[:2], dtype=torch.long, device=output.device)
    if kind in ("classes", "pairs"):
        return torch.zeros(output.shape[0], dtype=torch.long, device=output.device)
    if kind == "pixels":
        return torch.zeros(output.shape[0], *output.shape[2:], dtype=torch.long, device=output.device)
    return None


def predicts_next(model: nn.Module) -> bool:
    """Whether its loss over tokens is that of the next one."""
    name = type(model).__name__
    return "CausalLM" in name or "LMHead" in name


def loss_function(kind: str, shifted: bool) -> Callable[[list[Tensor], Any], Tensor]:
    """Cross entropy over classes, pixels, tokens (the next when `shifted`) or pairs, that of auxiliary outputs added
    with the weight that torchvision's recipes give them; of features, the mean squares' sum."""
    if kind == "loss":
        return lambda outputs, wanted: outputs[0]
    if kind == "features":
        return lambda outputs, wanted: reduce(torch.add, map(_mean_square, outputs))
    if kind != "tokens":
        weight = 0.5 if kind == "pixels" else 0.4
        return lambda outputs, wanted: reduce(
            torch.add,
            (
                F.cross_entropy(output.float(), wanted) * weight if number else F.cross_entropy(output.float(), wanted)
                for number, output in enumerate(outputs)
            ),
        )

    def over_tokens(outputs: list[Tensor], wanted: Tensor) -> Tensor:
        if shifted:
            wanted = F.pad(wanted, (0, 1), value=IGNORED)[..., 1:].contiguous()
        return F.cross_entropy(outputs[0].float().flatten(0, 1), wanted.flatten(), ignore_index=IGNORED)

    return over_tokens


def _mean_square(output: Tensor) -> Tensor:
    if not output.dim():
        return output.float()
    return (torch.view_as_real(output) if output.is_complex() else output.float()).square().mean()


def _kind(output: Tensor) -> str:
    return {2: "classes", 3: "tokens"}.get(output.dim(), "features")
