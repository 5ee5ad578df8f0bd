"""What kernels take on their own, below everything that a dispatcher sees, by what an operation's signature says.

Copies: layer norm in both passes and softmax in the forward pass ask for a contiguous first input and copy one that is
not, beside what they return. ConvNeXt, whose norms see permuted pictures, is 6 % too low without. Sources:
`expect_contiguous` in aten/src/ATen/native/layer_norm.cpp and cuda/layer_norm_kernel.cu, `contiguous` in SoftMax.cpp
and cuda/SoftMax.cu; test_kernels.py holds them against the CPU's allocator.

Means in half precision: a CPU takes them in float32, over a copy of the whole input. That is what its allocator shows
(same test), not read in a source.

What kernels take beside copies is told in `scratch`.
"""

from __future__ import annotations

import math

import torch

from freezecore.runtime.trace import recurrent
from freezecore.runtime.trace.fake import HALF
from freezecore.runtime.trace.signature import Signature, TensorShape

FORWARD_ONLY = ("_softmax", "_log_softmax")
BOTH = ("native_layer_norm",)
MEAN = "mean"


def copied_bytes(signature: Signature) -> tuple[int, int]:
    """Bytes that its kernel copies in the forward and in the backward step."""
    if signature.function is recurrent.FORWARD:
        _, forward, backward = recurrent.sizes(signature.arguments[0], signature.graph)
        return forward, backward + recurrent.output_bytes(signature.arguments[0]) * signature.strided
    if signature.unfolded:
        return unfolded_bytes(signature, 0), 0
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
