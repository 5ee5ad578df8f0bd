"""Following a detector without values: what depends on data is taken at its most.

transformers' detectors match each object to one prediction, whichever it is: what their loss takes depends on how many
objects there are alone. torchvision's ask more of values.

How many anchors match an object, which regions survive and which are sampled, only values tell. `bounded` answers such
questions with the most that the model's own settings allow: every anchor may match, every region may survive until the
number that is kept, as many regions are sampled as a picture's batch of them has, and as many of these hold an object
as the sampler's share of positives allows. Memory that depends on data is then an upper bound; all else is as it is.

A library is imported where a model of it is met: one's own model needs torch alone.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from freezecore.runtime.inputs.dense import matches
from freezecore.runtime.inputs.torchvision import detects, is_torchvision

if TYPE_CHECKING:
    import numpy as np

MOST = "_freezecore_most"  # on a tensor: how many of its values hold at most
WITH_AUXILIARY = ("GoogLeNet", "Inception3")
ASSIGNS = "linear_sum_assignment"
HANDS_ON = (torch.cat, Tensor.__or__, Tensor.__gt__, Tensor.gt)
VALUES = {Tensor.__bool__: False, Tensor.item: 0, Tensor.__int__: 0, Tensor.__float__: 0.0}


@contextmanager
def bounded(model: nn.Module) -> Iterator[None]:
    """Inside, a detector of torchvision or transformers runs on tensors without values; any other model as it does."""
    with ExitStack() as stack:
        if hasattr(model, "base_model_prefix") and (pytorch_utils := sys.modules.get("transformers.pytorch_utils")):
            # Else the library keeps tensors without values for whoever runs such a model next in this process.
            stack.enter_context(mock.patch.object(pytorch_utils, "is_torchdynamo_compiling", lambda: True))
        if matches(model):
            for name, module in list(sys.modules.items()):
                if name.startswith("transformers.") and ASSIGNS in vars(module):
                    stack.enter_context(mock.patch.object(module, ASSIGNS, _in_order))
            stack.enter_context(mock.patch.object(nn.Module, "to", _moved))
            stack.enter_context(Assigned())
        elif detects(model):
            _sample_the_most(stack)
            stack.enter_context(AtMost())
        yield


def _sample_the_most(stack: ExitStack) -> None:
    """Until the stack closes, torchvision's detectors keep and sample as many regions as their settings allow."""
    from torchvision.models.detection._utils import BalancedPositiveNegativeSampler
    from torchvision.models.detection.roi_heads import RoIHeads
    from torchvision.ops import boxes

    stack.enter_context(mock.patch.object(boxes, "batched_nms", _all_kept))
    stack.enter_context(mock.patch.object(BalancedPositiveNegativeSampler, "__call__", _sampled))
    stack.enter_context(mock.patch.object(RoIHeads, "select_training_samples", _with_most(RoIHeads)))


def set_training(model: nn.Module, training: bool) -> nn.Module:
    """Put a model in train or eval mode; what computes losses or auxiliary outputs in train mode alone stays in it,
    whatever is held: only norms and dropouts are ever held."""
    model.train(training)
    for module in model.modules() if is_torchvision(model) else ():
        if detects(module) or type(module).__name__ in WITH_AUXILIARY:
            module.training = True
    for module in model.modules() if matches(model) else ():
        if hasattr(module, "base_model_prefix"):
            module.training = True
    return model


class Assigned(TorchFunctionMode):
    """Answers what a matching detector asks of values: they are finite, boxes have a size, and a layer's scores are
    another's only where they are the same tensor."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is Tensor.__bool__ or (func is Tensor.item and args[0].dtype == torch.bool):
            return True
        if func is torch.equal:
            one, other = args
            return one.untyped_storage()._cdata == other.untyped_storage()._cdata
        if func is Tensor.cpu and args[0].is_meta:
            return args[0]
        if func is Tensor.__getitem__:
            args = (args[0], _index(args[1]))
        return func(*args, **(kwargs or {}))


def _moved(module: nn.Module, device: torch.device) -> nn.Module:
    """A loss that stands on this device; torch would exchange its tensors for others, which fake ones refuse."""
    for each in module.modules():
        holders: tuple[dict[str, Any], ...] = (each._parameters, each._buffers)
        for held in holders:
            for name, tensor in held.items():
                if tensor is not None:
                    moved = tensor.detach().to(device)
                    is_parameter = isinstance(tensor, nn.Parameter)
                    held[name] = nn.Parameter(moved, tensor.requires_grad) if is_parameter else moved
    return module


def _in_order(cost: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """An assignment as scipy's: of objects to predictions, as many as there are of the fewer."""
    import numpy as np

    some = np.arange(min(cost.shape))
    return some, some


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
