"""Signatures: an operation and all its arguments without their values, which is all that decides how it behaves."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import flop_registry

from freezecore.runtime.trace import recurrent

CONVOLUTION_BACKWARD = torch.ops.aten.convolution_backward.default


@dataclass(frozen=True, slots=True)
class TensorShape:
    """What decides how an operation treats one of its tensors."""

    size: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype
    device: torch.device

    @classmethod
    def of(cls, tensor: Tensor) -> TensorShape:
        return cls(tuple(tensor.shape), tuple(tensor.stride()), tensor.dtype, tensor.device)

    @property
    def differentiable(self) -> bool:
        return self.dtype.is_floating_point or self.dtype.is_complex


@dataclass(frozen=True)
class ViewWrite:
    """An operation that writes into a view, as autograd takes it: it changes the view's base, by one node `CopySlices`.

    Source: torch/csrc/autograd/functions/tensor.cpp.
    """

    operation: torch._ops.OpOverload

    def __call__(self, base: Tensor, size: list, stride: list, offset: int, *args, **kwargs) -> Tensor:
        self.operation(base.as_strided(size, stride, offset), *args, **kwargs)
        return base

    @property
    def _schema(self) -> Any:
        return self.operation._schema


def name_of(function: Any) -> str:
    """aten's name of an operation, or that of a function made of several."""
    function = function.operation if isinstance(function, ViewWrite) else function
    return function.overloadpacket.__name__ if isinstance(function, torch._ops.OpOverload) else function.__name__


@dataclass(frozen=True, slots=True)
class Signature:
    """An operation and all its arguments, each tensor replaced by its shape; equal signatures behave alike."""

    function: Any  # an `OpOverload`, or a function made of several
    arguments: tuple
    graph: bool  # gradients were enabled
    strided: bool = False  # of a recurrent layer: the gradient of its output comes back strided, and is copied
    unfolded: int = 0  # of a matrix product: of so many, each with a copy of the weight, where that is frozen

    @property
    def name(self) -> str:
        return name_of(self.function)

    @property
    def whole(self) -> bool:
        """Whether this is an operation made of several; see `attention`."""
        return not isinstance(self.function, torch._ops.OpOverload | ViewWrite)

    def shapes(self) -> list[TensorShape]:
        return [item for item in leaves(self.arguments) if isinstance(item, TensorShape)]

    def rebuilt(self, tensors: list[Tensor]) -> tuple[tuple, dict]:
        """The positional and the keyword arguments, with these tensors in the places of the shapes, on their device."""
        remaining = iter(tensors)

        def build(item):
            if isinstance(item, TensorShape):
                return next(remaining)
            if isinstance(item, torch.device):
                return tensors[0].device
            return [build(part) for part in item] if isinstance(item, tuple) else item

        positional, keywords = self.arguments
        return tuple(build(item) for item in positional), {name: build(item) for name, item in keywords}


def flops(function, args: tuple, kwargs: dict, result: object) -> int:
    """Floating-point operations of one call; a multiply-add is two, what only moves or scales data is none."""
    if function in (recurrent.FORWARD, recurrent.BACKWARD):  # both weights' gradients and the input's: twice as much
        return recurrent.forward_flops(args[0], args[2].shape[1]) * (2 if function is recurrent.BACKWARD else 1)
    if function is CONVOLUTION_BACKWARD:
        return _convolution_backward_flops(*args)
    count = flop_registry.get(function.overloadpacket)
    return count(*args, **kwargs, out_val=result) if count else 0


def _convolution_backward_flops(gradient: Tensor, pictures: Tensor, weight: Tensor, *rest) -> int:
    """Each gradient takes what the forward takes: every product of it stands once in the sum of either.

    torch's formula takes the weight's gradient for that of a dense convolution, which is `groups` times too much.
    """
    transposed, mask = rest[4], rest[7]
    places = (pictures if transposed else gradient).shape[2:]
    return 2 * weight.numel() * gradient.shape[0] * math.prod(places) * (mask[0] + mask[1])


def leaves(items: tuple | list) -> Iterator:
    """Everything inside nested tuples and lists, in order."""
    for item in items:
        if isinstance(item, tuple | list):
            yield from leaves(item)
        else:
            yield item


def described(args: tuple, kwargs: dict) -> tuple:
    return tuple(_item(item) for item in args), tuple((name, _item(item)) for name, item in kwargs.items())


def _item(item: object) -> object:
    if isinstance(item, Tensor):
        return TensorShape.of(item)
    return tuple(_item(part) for part in item) if isinstance(item, tuple | list) else item
