"""Optimizers: what they remember per trainable parameter, and what one step needs for a moment.

Read off torch/optim (adamw.py through adam.py, sgd.py): `loop` works parameter by parameter, `foreach` over lists at
once, `fused` in one kernel. `adamw-8bit` is bitsandbytes' by formula: two bytes a scalar and a block's two scales,
for tensors of at least 4,096 scalars; smaller ones keep 32 bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from freezecore._trace import TracedParameter
from freezecore.workload import Workload

STEP_COUNTER = 4  # Adam counts each parameter's steps in a tensor of one float32
BLOCK_8BIT, SMALLEST_8BIT = 256, 4_096

Rounded = Callable[[int], int]


def state_bytes(workload: Workload, parameters: Sequence[TracedParameter], rounded: Rounded) -> int:
    """What the optimizer keeps between steps for these trainable parameters."""
    if workload.optimizer == "sgd":
        return 0
    if workload.optimizer == "sgd-momentum":
        return sum(rounded(p.numel * p.itemsize) for p in parameters)
    if workload.optimizer == "adamw-8bit":
        return sum(_eight_bit(p, rounded) for p in parameters)
    if workload.loop.own_optimizers:
        return sum(2 * rounded(p.numel * p.itemsize) for p in parameters)
    # unfused, the counters stay in host memory
    on_device = workload.device == "cpu" or workload.step_implementation == "fused"
    counter = rounded(STEP_COUNTER) if on_device else 0
    return sum(2 * rounded(p.numel * p.itemsize) + counter for p in parameters)


def step_bytes(workload: Workload, sizes: Sequence[int]) -> int:
    """The most that one step allocates for a moment, in steady state, without weight decay's own temporaries.

    `sizes` are the trainable parameters' bytes, as an allocator hands them out.
    """
    if workload.optimizer != "adamw" or workload.step_implementation == "fused":
        return 0
    if workload.loop.own_optimizers:
        return 2 * max(sizes, default=0)
    if workload.step_implementation == "foreach":
        return sum(sizes)  # the square roots of all second moments at once
    # the square root, its quotient, and still the quotient of the parameter before
    return max((2 * size + before for size, before in zip(sizes, [0, *sizes], strict=False)), default=0)


def _eight_bit(parameter: TracedParameter, rounded: Rounded) -> int:
    if parameter.numel < SMALLEST_8BIT:
        return 2 * rounded(4 * parameter.numel)
    blocks = -(-parameter.numel // BLOCK_8BIT)
    return 2 * (rounded(parameter.numel) + rounded(4 * blocks))
