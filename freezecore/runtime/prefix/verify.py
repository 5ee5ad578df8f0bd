"""The check before use: a cut forward gives the outputs and the gradients of the plain one, or it is not used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from freezecore.runtime.prefix.calls import ModuleCall, recording
from freezecore.runtime.prefix.shapes import NotCuttable
from freezecore.sentences import say

NOISE = 1e-5  # share of the largest gradient below which one is rounding alone: a bias before a norm has none
LOOKED_AT = 65_536  # entries of one output that are compared, evenly spread over it

Forward = Callable[[], Tensor]


@dataclass(frozen=True)
class Truth:
    """One step of the plain loop: outputs of every module call, gradients, and logits in eval mode."""

    outputs: dict[tuple[str, int], list[Tensor]]
    left: dict[tuple[str, int], int]
    gradients: dict[str, Tensor]
    evaluated: Tensor


def observe(model: nn.Module, forward: Forward, loss: Callable[[Tensor], Tensor]) -> Truth:
    """What one step computes, in train mode and in eval mode; the model is left as it was."""
    with steady(model):
        with recording(model) as calls, torch.no_grad():
            forward()
        outputs = {(call.path, call.nth): _looked_at(call) for call in calls}
        left = {(call.path, call.nth): call.left for call in calls}
    with steady(model):
        gradients = gradients_of(model, lambda: loss(forward()))
    return Truth(outputs, left, gradients, _evaluated(model, forward))


def compare(
    truth: Truth,
    model: nn.Module,
    forward: Forward,
    loss: Callable[[Tensor], Tensor],
    entered: int,
    tolerance: float,
) -> None:
    """Hold a cut forward (to be run inside its replay) against the truth; `entered` is when the cut began.

    Raises:
        NotCuttable: an output, a gradient or an evaluation differs; names the first that does.
    """
    found = observe(model, forward, loss)
    after = [key for key, tick in truth.left.items() if tick > entered]
    for key in after:
        if key not in found.outputs:
            raise NotCuttable("{name} is not reached from there", name=_named(key[0]))
        for one, other in zip(truth.outputs[key], found.outputs[key], strict=True):
            if not close(one, other, tolerance):
                raise NotCuttable("something bypasses it: the output of {name} differs", name=_named(key[0]))
    if not close(truth.evaluated, found.evaluated, tolerance):
        raise NotCuttable("the prediction in eval mode differs")
    floor = NOISE * max((float(g.abs().max()) for g in truth.gradients.values()), default=0.0)
    for name, gradient in truth.gradients.items():
        if name not in found.gradients or not close(gradient, found.gradients[name], tolerance, floor):
            raise NotCuttable("the gradient of '{name}' differs", name=name)


def _named(path: str) -> str:
    return f"'{path}'" if path else say("the model")


def close(one: Tensor, other: Tensor, tolerance: float, floor: float = 1e-9) -> bool:
    """Equal to rounding, measured against the largest finite entry, or to `floor` in absolute terms."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if not one.is_floating_point():
        return torch.equal(one, other)
    one, other = one.double(), other.double()
    if not torch.equal(one.isfinite(), other.isfinite()):
        return False
    one, other = one[one.isfinite()], other[other.isfinite()]
    largest = float(one.abs().max()) if one.numel() else 0.0
    return not one.numel() or float((one - other).abs().max()) <= max(tolerance * largest, floor)


def gradients_of(model: nn.Module, loss: Callable[[], Tensor]) -> dict[str, Tensor]:
    """Gradients of the trainable parameters, by name; those the model has are left alone."""
    trainable = {name: p for name, p in model.named_parameters() if p.requires_grad}
    found = torch.autograd.grad(loss(), list(trainable.values()), allow_unused=True)
    return {name: g.detach() for name, g in zip(trainable, found, strict=True) if g is not None}


@contextmanager
def steady(model: nn.Module) -> Iterator[None]:
    """Forwards inside draw the same random numbers each time and leave no trace: neither in buffers nor in seeds."""
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    device = next(model.parameters()).device
    forked = [device] if device.type != "cpu" else []
    try:
        with torch.random.fork_rng(forked, device_type=device.type if forked else "cuda"):
            torch.manual_seed(0)
            yield
    finally:
        with torch.no_grad():
            for name, buffer in model.named_buffers():
                if name in buffers:
                    buffer.copy_(buffers[name])


def _evaluated(model: nn.Module, forward: Forward) -> Tensor:
    model.eval()
    try:
        with torch.no_grad():
            return forward().float()
    finally:
        model.train()


def _looked_at(call: ModuleCall) -> list[Tensor]:
    """An evenly spread sample of every tensor that a call returned."""
    tensors = [leaf for leaf in pytree.tree_leaves(call.output) if isinstance(leaf, Tensor)]
    call.output = call.arguments = None
    return [t.detach().reshape(-1)[:: max(1, t.numel() // LOOKED_AT)].clone() for t in tensors]
