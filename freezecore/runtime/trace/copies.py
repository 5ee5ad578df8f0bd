"""Copies that kernels make on their own, below everything that a dispatcher sees.

These ask for a contiguous first input and copy one that is not, beside what they return: layer norm in both passes,
softmax in the forward pass. ConvNeXt, whose norms see permuted pictures, is 6 % too low without. Sources:
`expect_contiguous` in aten/src/ATen/native/layer_norm.cpp and cuda/layer_norm_kernel.cu, `contiguous` in SoftMax.cpp
and cuda/SoftMax.cu; test_tracer.py holds them against the CPU's allocator.
"""

from __future__ import annotations

from freezecore.runtime.trace.signature import Shape, Signature

FORWARD_ONLY = ("_softmax", "_log_softmax")
BOTH = ("native_layer_norm",)


def copied_bytes(signature: Signature) -> tuple[int, int]:
    """Bytes of such a copy in the forward and in the backward step of this operation."""
    if signature.name not in (*FORWARD_ONLY, *BOTH):
        return 0, 0
    shape = signature.shapes()[0]
    if _is_contiguous(shape):
        return 0, 0
    nbytes = shape.dtype.itemsize
    for size in shape.size:
        nbytes *= size
    return nbytes, nbytes if signature.name in BOTH else 0


def _is_contiguous(shape: Shape) -> bool:
    expected = 1
    for size, stride in zip(reversed(shape.size), reversed(shape.stride), strict=True):
        if size != 1 and stride != expected:
            return False
        expected *= size
    return True
