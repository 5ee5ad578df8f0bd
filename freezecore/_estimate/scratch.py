"""Scratch memory of CPU convolutions, which no tensor shows: oneDNN reorders inputs, weights and outputs into blocks.

Fitted on the convolutions of eight models, each run alone (tests/benchmarks/memory_scratch.py): 87 in float32, of which
a matrix product (1 x 1, stride 1) needs none, and 205 in bfloat16, where oneDNN copies what that needs too. An estimate
says beside its exact peak what it is with this correction.

A depthwise convolution of channels-last pictures by more than 3 x 3, as ConvNeXt has, is a case of its own: for its
weight's gradient oneDNN pads each group's one channel to a block of 16 x 16, in half precision in float32 and once more
in its own type.
"""

from __future__ import annotations

# kinds of convolution; those that begin with HALF are in half precision, and MATRIX is 1 x 1 with a stride of 1
NONE, REORDERS, PADS, HALF_REORDERS, HALF_DEPTHWISE, HALF_PADS, HALF_MATRIX, HALF_LAST = range(8)
BLOCK = 16 * 16
FORWARD = {  # so many times the larger of input and output, the input, the weight, the output
    REORDERS: (1.0, 0.0, 1.0, 0.0),
    PADS: (0.0, 0.0, 1.0, 0.0),
    HALF_REORDERS: (1.0, 0.0, 1.0, 0.0),
    HALF_DEPTHWISE: (1.0, 0.0, 1.0, 0.0),
    HALF_PADS: (0.0, 0.0, 1.0, 0.0),
    HALF_MATRIX: (0.0, 1.0, 1.0, 1.0),
    HALF_LAST: (0.0, 0.0, 1.0, 0.0),
}
BACKWARD = {  # so many times the input, the weight, the output
    REORDERS: (1.07, 1.0, 0.97),
    PADS: (0.0, BLOCK, 0.0),
    HALF_REORDERS: (1.71, 2.0, 1.13),
    HALF_DEPTHWISE: (0.65, 5.7, 1.16),
    HALF_PADS: (0.0, 3.0 * BLOCK, 0.0),
    HALF_MATRIX: (1.0, 2.0, 1.0),
    HALF_LAST: (0.0, 2.0, 0.0),
}


def forward_scratch(kind: int, x: int, w: int, y: int) -> int:
    """Bytes that a convolution takes beside its output, from the bytes of its input, weight and output."""
    larger, of_x, of_w, of_y = FORWARD[kind]
    return int(larger * max(x, y) + of_x * x + of_w * w + of_y * y)


def backward_scratch(kind: int, needs: int, x: int, w: int, y: int) -> int:
    """Bytes that its backward step takes beside the gradients it returns; `needs`: bits for input, weight and bias."""
    if needs == 1 and kind != REORDERS:  # the input's gradient alone is a convolution of the output's
        return forward_scratch(kind, x, w, y)
    of_x, of_w, of_y = BACKWARD[kind]
    return int(of_x * x + of_w * w + of_y * y)
