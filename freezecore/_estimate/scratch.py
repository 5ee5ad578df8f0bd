"""Scratch memory of CPU convolutions, which no tensor shows: oneDNN reorders inputs, weights and outputs into blocks.

Fitted on 87 convolutions of eight models, each run alone (tests/benchmarks/memory_scratch.py has the rows); a matrix
product (1 x 1, stride 1) needs none. An estimate says beside its exact peak what it is with this correction.

A depthwise convolution of channels-last pictures by more than 3 x 3, as ConvNeXt has, is a case of its own: for its
weight's gradient oneDNN pads each group's one channel to a block of 16 x 16.
"""

from __future__ import annotations

NONE, REORDERS, PADS = 0, 1, 2  # kinds of convolution
BLOCK = 16 * 16
FORWARD_LARGER, FORWARD_WEIGHT = 1.0, 1.0
BACKWARD_INPUT, BACKWARD_WEIGHT, BACKWARD_OUTPUT = 1.07, 1.0, 0.97


def forward_scratch(kind: int, x: int, w: int, y: int) -> int:
    """Bytes that a convolution takes beside its output, from the bytes of its input, weight and output."""
    if kind == PADS:
        return w
    return int(FORWARD_LARGER * max(x, y) + FORWARD_WEIGHT * w)


def backward_scratch(kind: int, needs: int, x: int, w: int, y: int) -> int:
    """Bytes that its backward step takes beside the gradients it returns; `needs`: bits for input, weight and bias."""
    if kind == PADS:
        return BLOCK * w if needs > 1 else w
    return int(BACKWARD_INPUT * x + BACKWARD_WEIGHT * w + BACKWARD_OUTPUT * y)
