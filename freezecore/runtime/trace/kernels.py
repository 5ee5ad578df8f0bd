"""What kernels take on their own, below everything that a dispatcher sees, by what an operation's signature says.

Copies: layer norm in both passes and softmax in the forward pass ask for a contiguous first input and copy one that is
not, beside what they return. ConvNeXt, whose norms see permuted pictures, is 6 % too low without. Sources:
`expect_contiguous` in aten/src/ATen/native/layer_norm.cpp and cuda/layer_norm_kernel.cu, `contiguous` in SoftMax.cpp
and cuda/SoftMax.cu; test_kernels.py holds them against the CPU's allocator.

Scratch memory of convolutions: `freezecore._estimate.scratch` has the sizes by kind, here is the kind.
"""

from __future__ import annotations

from freezecore._estimate import scratch
from freezecore.runtime.trace import recurrent
from freezecore.runtime.trace.signature import Signature, TensorShape

FORWARD_ONLY = ("_softmax", "_log_softmax")
BOTH = ("native_layer_norm",)


def copied_bytes(signature: Signature) -> tuple[int, int]:
    """Bytes that its kernel copies in the forward and in the backward step."""
    if signature.function is recurrent.FORWARD:
        _, forward, backward = recurrent.sizes(signature.arguments[0], signature.graph)
        return forward, backward + recurrent.output_bytes(signature.arguments[0]) * signature.strided
    if signature.name not in (*FORWARD_ONLY, *BOTH):
        return 0, 0
    shape = signature.shapes()[0]
    if _is_contiguous(shape):
        return 0, 0
    nbytes = shape.dtype.itemsize
    for size in shape.size:
        nbytes *= size
    return nbytes, nbytes if signature.name in BOTH else 0


def _is_contiguous(shape: TensorShape) -> bool:
    expected = 1
    for size, stride in zip(reversed(shape.size), reversed(shape.stride), strict=True):
        if size != 1 and stride != expected:
            return False
        expected *= size
    return True


def scratch_kind(signature: Signature) -> int:
    """The kind of scratch memory that a convolution's kernel needs: none for a matrix product (1 x 1, stride 1)."""
    if signature.name != "convolution":
        return scratch.NONE
    pictures, weight, _, stride = signature.arguments[0][:4]
    groups, kernel = signature.arguments[0][8], weight.size[2:]
    if groups > 1 and groups == weight.size[0] and max(kernel) > 3 and pictures.stride[1] == 1:
        return scratch.PADS
    return scratch.REORDERS if groups > 1 or any(size > 1 for size in (*kernel, *stride)) else scratch.NONE
