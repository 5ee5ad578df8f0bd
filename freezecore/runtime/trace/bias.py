"""A layer's bias, added in place to the product that it belongs to.

Of an input that is not contiguous `linear` (of recurrent layers too) multiplies first and then adds the bias to that
product in place. Where a dispatch mode sees its tensors torch takes the kind that makes a new tensor instead
(aten/src/ATen/native/Linear.cpp, `isTensorSubclassLike`), so it is done in place here.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

aten = torch.ops.aten
ADD = aten.add.Tensor
PRODUCTS = ("mm", "bmm", "mv", "_unsafe_view", "view", "squeeze")  # what a matrix product ends with


class OwnSums(TorchFunctionMode):
    """Knows whether a sum is one that Python code asks for, which makes a new tensor."""

    inside = False

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if getattr(function, "__name__", "") not in ("add", "__add__", "__radd__"):
            return function(*args, **(kwargs or {}))
        self.inside = True
        try:
            return function(*args, **(kwargs or {}))
        finally:
            self.inside = False


def may_be_bias(product: Any, bias: Any) -> bool:
    """Whether these are what `linear` adds: a product and one number for each of its features, of the same type."""
    return (
        isinstance(product, Tensor)
        and isinstance(bias, Tensor)
        and bias.dim() == 1
        and product.shape[-1:] == bias.shape
        and product.dtype == bias.dtype
    )


def add_in_place(product: Tensor, bias: Tensor) -> Tensor:
    """The product with the bias, in the product's own storage; autograd wants a tensor of its own."""
    aten.add_.Tensor(product, bias)
    return aten.alias.default(product)
