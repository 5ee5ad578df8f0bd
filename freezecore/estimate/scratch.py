"""Scratch memory of CPU convolutions, which no tensor shows: oneDNN reorders inputs, weights and outputs into blocks.

Fitted on 87 convolutions of eight models, each run alone (tests/benchmarks/memory_scratch.py has the rows); a matrix
product (1 x 1, stride 1) needs none. An estimate says beside its exact peak what it is with this correction.
"""

from __future__ import annotations

FORWARD_LARGER, FORWARD_WEIGHT = 1.0, 1.0
BACKWARD_INPUT, BACKWARD_WEIGHT, BACKWARD_OUTPUT = 1.07, 1.0, 0.97


def forward_scratch(x: int, w: int, y: int) -> int:
    """Bytes that a convolution takes beside its output, from the bytes of its input, weight and output."""
    return int(FORWARD_LARGER * max(x, y) + FORWARD_WEIGHT * w)


def backward_scratch(x: int, w: int, y: int) -> int:
    """Bytes that its backward step takes beside the gradients it returns."""
    return int(BACKWARD_INPUT * x + BACKWARD_WEIGHT * w + BACKWARD_OUTPUT * y)
