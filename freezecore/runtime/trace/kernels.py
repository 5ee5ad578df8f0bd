"""What kernels take on their own, below everything that a dispatcher sees, by what an operation's signature says.

Copies: layer norm in both passes and softmax in the forward pass ask for a contiguous first input and copy one that is
not, beside what they return. ConvNeXt, whose norms see permuted pictures, is 6 % too low without. Sources:
`expect_contiguous` in aten/src/ATen/native/layer_norm.cpp and cuda/layer_norm_kernel.cu, `contiguous` in SoftMax.cpp
and cuda/SoftMax.cu; test_kernels.py holds them against the CPU's allocator.

Means in half precision: a CPU takes them in float32, over a copy of the whole input. That is what its allocator shows
(same test), not read in a source.

Elementwise operations on tensors of two types: a CPU first makes copies of those that are not of the common type, and
in place, where the result is of another, one of the result (`compute_types` in aten/src/ATen/TensorIterator.cpp).

The softmax of an attention whose rows a mask may hide whole looks which do: a byte for each of its values, beside the
result (`_safe_softmax` in aten/src/ATen/native/transformers/attention.cpp).

What kernels take beside copies is told in `scratch`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import cache, reduce
from typing import Any

import torch

from freezecore.runtime.trace import recurrent
from freezecore.runtime.trace.fake import HALF
from freezecore.runtime.trace.signature import Signature, TensorShape, ViewWrite, name_of

FORWARD_ONLY = ("_softmax", "_log_softmax")
BOTH = ("native_layer_norm",)
MEAN = "mean"
SAFE = "_safe_softmax"
PROMOTE = (
    *("add", "sub", "mul", "div", "floor_divide", "fmod", "remainder", "pow", "maximum", "minimum", "clamp_min"),
    *("hypot", "logaddexp", "atan2", "xlogy", "copysign", "nextafter", "addcmul", "where"),
    *("eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_xor"),
    *("bitwise_and", "bitwise_or", "bitwise_xor", "sigmoid_backward", "silu_backward", "tanh_backward"),
)  # fmt: skip
OF_INTEGERS_TOO = ("div", "atan2", "xlogy", "copysign")  # these take whole numbers as floating-point ones


def copied_bytes(signature: Signature) -> tuple[int, int]:
    """Bytes that its kernel copies in the forward and in the backward step."""
    if signature.function is recurrent.FORWARD:
        _, forward, backward = recurrent.sizes(signature.arguments[0], signature.graph)
        return forward, backward + recurrent.output_bytes(signature.arguments[0]) * signature.strided
    if signature.unfolded:
        return unfolded_bytes(signature, 0), 0
    if promotes(signature.function):
        on_cpu = all(shape.device.type == "cpu" for shape in signature.shapes())
        return (promoted_bytes(signature.function, signature.arguments[0]) if on_cpu else 0), 0
    if signature.name == SAFE:
        return torch.bool.itemsize * math.prod(signature.shapes()[0].size), 0
    if signature.name not in (*FORWARD_ONLY, *BOTH, MEAN):
        return 0, 0
    shape = signature.shapes()[0]
    if signature.name == MEAN:
        return (_mean_in_float32(signature) if shape.dtype in HALF and shape.device.type == "cpu" else 0), 0
    if _is_contiguous(shape):
        return 0, 0
    nbytes = shape.dtype.itemsize * math.prod(shape.size)
    return nbytes, nbytes if signature.name in BOTH else 0


def unfolded_bytes(signature: Signature, needs: int) -> int:
    """Bytes of a weight's copies, one for each of the products that it is in where it needs no gradient."""
    weight = signature.shapes()[1] if signature.unfolded and not needs >> 1 & 1 else None
    return signature.unfolded * weight.dtype.itemsize * math.prod(weight.size) if weight else 0


def _mean_in_float32(signature: Signature) -> int:
    """Bytes of a mean's input and of its result in float32."""
    size, dims = signature.shapes()[0].size, (*signature.arguments[0][1:2], None)[0]
    reduced = range(len(size)) if not dims else {dim % len(size) for dim in dims}
    left = math.prod(length for dim, length in enumerate(size) if dim not in reduced)
    return (math.prod(size) + left) * torch.float32.itemsize


def _is_contiguous(shape: TensorShape) -> bool:
    expected = 1
    for size, stride in zip(reversed(shape.size), reversed(shape.stride), strict=True):
        if size != 1 and stride != expected:
            return False
        expected *= size
    return True


@cache
def promotes(function: Any) -> bool:
    """Whether an operation brings what it reads to one type."""
    return name_of(function).removesuffix("_") in PROMOTE


def promoted_bytes(function: Any, arguments: Sequence) -> int:
    """Bytes of the copies that such an operation makes on a CPU, of its arguments, tensors or their shapes."""
    written = None
    if isinstance(function, ViewWrite):
        base, size, _, _, *others = arguments
        arguments, written = [base, *others], math.prod(size)
    name = name_of(function)
    read = [item for item in arguments[name == "where" :] if hasattr(item, "dtype")]
    dtype = _common_type(read, name, any(isinstance(item, float) for item in arguments))
    counts = [_numel(item) for item in read]
    if written is not None:
        counts[0] = written
    copied = sum(count for item, count in zip(read, counts, strict=True) if item.dtype != dtype)
    in_place = name.endswith("_") and read[0].dtype != dtype
    return (copied + counts[0] * in_place) * dtype.itemsize if read else 0


def _common_type(read: Iterable[Any], name: str, with_float: bool) -> torch.dtype:
    """The type that these come to; numbers, and tensors of no dimension, weigh by their kind alone."""
    read = list(read)
    dtype = reduce(torch.promote_types, [item.dtype for item in read if _dim(item)] or [item.dtype for item in read])
    lone = [item.dtype for item in read if not _dim(item)]
    if not (dtype.is_floating_point or dtype.is_complex):
        dtype = reduce(torch.promote_types, [one for one in lone if one.is_floating_point or one.is_complex], dtype)
    elif not dtype.is_complex and any(one.is_complex for one in lone):
        dtype = dtype.to_complex()
    whole = not (dtype.is_floating_point or dtype.is_complex)
    return torch.get_default_dtype() if whole and (with_float or name.removesuffix("_") in OF_INTEGERS_TOO) else dtype


def _size(item: Any) -> Sequence[int]:
    return item.size if isinstance(item, TensorShape) else item.shape


def _dim(item: Any) -> int:
    return len(_size(item))


def _numel(item: Any) -> int:
    return math.prod(_size(item))
