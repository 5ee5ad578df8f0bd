"""Following a detector without values: what depends on data is taken at its most.

How many anchors match an object, which regions survive and which are sampled, only values tell. `bounded` answers such
questions with the most that the model's own settings allow: every anchor may match, every region may survive until the
number that is kept, as many regions are sampled as a picture's batch of them has, and as many of these hold an object
as the sampler's share of positives allows. Memory that depends on data is then an upper bound; all else is as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torchvision.models.detection._utils import BalancedPositiveNegativeSampler
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.ops import boxes

from freezecore.runtime.inputs.torchvision import detects, is_torchvision

MOST = "_freezecore_most"  # on a tensor: how many of its values hold at most
WITH_AUXILIARY = ("GoogLeNet", "Inception3")
HANDS_ON = (torch.cat, Tensor.__or__, Tensor.__gt__, Tensor.gt)
VALUES = {Tensor.__bool__: False, Tensor.item: 0, Tensor.__int__: 0, Tensor.__float__: 0.0}


@contextmanager
def bounded(model: nn.Module) -> Iterator[None]:
    """Inside, a torchvision detector runs on tensors without values; any other model runs as it does."""
    if not detects(model):
        yield
        return
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(boxes, "batched_nms", _all_kept))
        stack.enter_context(mock.patch.object(BalancedPositiveNegativeSampler, "__call__", _sampled))
        stack.enter_context(mock.patch.object(RoIHeads, "select_training_samples", _with_most(RoIHeads)))
        stack.enter_context(AtMost())
        yield


def set_training(model: nn.Module, training: bool) -> nn.Module:
    """Put a model in train or eval mode; what computes losses or auxiliary outputs in train mode alone stays in it,
    whatever is held: only norms and dropouts are ever held."""
    model.train(training)
    for module in model.modules() if is_torchvision(model) else ():
        if detects(module) or type(module).__name__ in WITH_AUXILIARY:
            module.training = True
    return model


class AtMost(TorchFunctionMode):
    """Answers what a detector asks of values."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in VALUES:
            return VALUES[func]
        if func is torch.where and len(args) == 1 and not kwargs:
            return _places(args[0])
        if func is Tensor.__getitem__:
            args = (args[0], _index(args[1]))
        result = func(*args, **kwargs)
        if func in HANDS_ON and (most := _most_of(args)) is not None:
            setattr(result, MOST, most)
        return result


def _places(held: Tensor) -> tuple[Tensor, ...]:
    """Indices of as many values as may hold."""
    most = getattr(held, MOST, held.numel())
    return tuple(torch.zeros(min(most, held.numel()), dtype=torch.int64, device=held.device) for _ in held.shape)


def _index(index: Any) -> Any:
    """The same index with masks as the places that they may select."""
    if isinstance(index, tuple):
        return tuple(part for each in index for part in _as_places(each))
    found = _as_places(index)
    return found[0] if len(found) == 1 else found


def _as_places(index: Any) -> tuple:
    return _places(index) if isinstance(index, Tensor) and index.dtype == torch.bool else (index,)


def _most_of(args: tuple) -> int | None:
    """How many values of these tensors together hold at most; None where nothing is known."""
    tensors = [t for arg in args for t in (arg if isinstance(arg, list | tuple) else (arg,)) if isinstance(t, Tensor)]
    known = [getattr(tensor, MOST, None) for tensor in tensors]
    return sum(most or 0 for most in known) if any(most is not None for most in known) else None


def _all_kept(these: Tensor, *args: object) -> Tensor:
    return torch.zeros(these.shape[0], dtype=torch.int64, device=these.device)


def _sampled(self: Any, matched: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """Masks of the positives and of the others, together as many as a picture's batch has."""
    positive = int(self.batch_size_per_image * self.positive_fraction)
    masks: tuple[list[Tensor], list[Tensor]] = ([], [])
    for each in matched:
        for found, most in zip(masks, (positive, self.batch_size_per_image - positive), strict=True):
            mask = torch.zeros_like(each, dtype=torch.uint8)
            setattr(mask, MOST, most)
            found.append(mask)
    return masks


def _with_most(kind: Any) -> Any:
    """The heads' choice of regions, whose labels tell how many of them hold an object at most."""
    choose = kind.select_training_samples

    def chosen(self: Any, *args: Any) -> tuple:
        proposals, matched, labels, targets = choose(self, *args)
        sampler = self.fg_bg_sampler
        for each in labels:
            setattr(each, MOST, int(sampler.batch_size_per_image * sampler.positive_fraction))
        return proposals, matched, labels, targets

    return chosen
