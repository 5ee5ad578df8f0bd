"""Optimizers: what they remember per trainable parameter, and what one step needs for a moment.

Read off their code, and held against them by test_optimizer.py: torch.optim's adamw.py through adam.py, sgd.py and
_adafactor.py (`loop` works parameter by parameter, `foreach` over lists at once, `fused` in one kernel), and
transformers' Adafactor, which keeps float32 whatever the weights are. Two libraries are not required here; of them
bitsandbytes 0.50 (AdamW8bit, PagedAdamW8bit, and Lion as transformers takes it) and lion-pytorch 0.2 ran on a CPU for
the figures in that test. On CUDA bitsandbytes steps in kernels of its own, without temporaries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from freezecore._trace import TracedParameter
from freezecore.workload import Workload

SCALAR = 4  # bytes of a float32: a step counter, a norm that is kept
BLOCK_8BIT, SMALLEST_8BIT = 256, 4_096
EIGHT_BIT = ("adamw-8bit", "paged-adamw-8bit")
PAGED = 100_000  # scalars from which on bitsandbytes keeps state in memory that moves between card and host
CODE_BYTES = 256 * SCALAR  # what the 256 values of a byte stand for; one for each moment, kept once
DIVISOR = 12  # bytes in which a CPU's mean holds the number that it divides by

Rounded = Callable[[int], int]


def state_bytes(workload: Workload, parameters: Sequence[TracedParameter], rounded: Rounded) -> int:
    """What the optimizer keeps between steps for these trainable parameters."""
    return sum(rounded(nbytes) for parameter in parameters for nbytes in _kept(workload, parameter))


def shared_bytes(workload: Workload, parameters: Iterable[TracedParameter], rounded: Rounded) -> int:
    """What the optimizer keeps once, whatever number of parameters it has."""
    coded = workload.optimizer in EIGHT_BIT and any(p.numel >= SMALLEST_8BIT for p in parameters)
    return 2 * rounded(CODE_BYTES) if coded else 0


def step_bytes(workload: Workload, parameters: Sequence[TracedParameter], rounded: Rounded) -> int:
    """The most that one step allocates for a moment, in steady state, without weight decay's own temporaries."""
    sizes = [rounded(p.numel * p.itemsize) for p in parameters]
    whose, foreach = workload.loop.optimizers, workload.step_implementation == "foreach"
    match workload.optimizer:
        case "adamw" if workload.step_implementation != "fused":
            if whose == "fastai":
                return 2 * max(sizes, default=0)
            if foreach:
                return sum(sizes)  # the square roots of all second moments at once
            # the square root, its quotient, and still the quotient of the parameter before
            return max((2 * size + before for size, before in zip(sizes, [0, *sizes], strict=False)), default=0)
        case "lion" if whose != "transformers":
            return 2 * max(sizes, default=0)
        case "adafactor" if whose == "transformers":
            return _transformers_adafactor(parameters, rounded)
        case "adafactor":
            listed = workload.implementation == "foreach"
            return _listed_adafactor(parameters, rounded) if listed else _adafactor(workload, parameters, rounded)
        case "lion" | "adamw-8bit" | "paged-adamw-8bit" if workload.device == "cpu":
            return max((_by_torch(workload, p) for p in parameters), default=0)
    return 0


def _kept(workload: Workload, parameter: TracedParameter) -> Iterator[int]:
    """Bytes of each tensor that is kept for a parameter."""
    nbytes, whose = parameter.numel * parameter.itemsize, workload.loop.optimizers
    match workload.optimizer:
        case "sgd-momentum":
            yield nbytes
        case "lion":
            yield parameter.numel * SCALAR if whose == "transformers" else nbytes
        case "adafactor":
            itemsize = SCALAR if whose == "transformers" else parameter.itemsize
            yield from _factors(parameter, itemsize) or (parameter.numel * itemsize,)
            if whose == "transformers" or workload.device == "cpu":
                yield SCALAR  # the norm of the weights; torch counts steps, in host memory
        case "adamw":
            yield from (nbytes, nbytes)
            # unfused, the counters stay in host memory
            if whose != "fastai" and (workload.device == "cpu" or workload.step_implementation == "fused"):
                yield SCALAR
        case "adamw-8bit" | "paged-adamw-8bit":
            yield from _eight_bit(workload, parameter)


def _eight_bit(workload: Workload, parameter: TracedParameter) -> Iterator[int]:
    small = parameter.numel < SMALLEST_8BIT
    paged = workload.optimizer == "paged-adamw-8bit" and workload.device == "cuda" and parameter.numel >= PAGED
    for _ in range(2):
        if not paged:
            yield parameter.numel * (SCALAR if small else 1)
        if not small:
            yield SCALAR * -(-parameter.numel // BLOCK_8BIT)


def _by_torch(workload: Workload, parameter: TracedParameter) -> int:
    """Of a step that bitsandbytes takes by torch's operations, on a CPU: so many float32 a scalar."""
    adam = workload.optimizer in EIGHT_BIT
    numbers = 3 + 2 * (adam and parameter.numel >= SMALLEST_8BIT) + (parameter.itemsize < SCALAR)
    return numbers * SCALAR * parameter.numel + (DIVISOR if adam else 0)


def _factors(parameter: TracedParameter, itemsize: int) -> tuple[int, int] | None:
    """Bytes of Adafactor's two factors of a second moment: over the last dimension, and over the one before it."""
    if len(parameter.shape) < 2:
        return None
    nbytes = itemsize * parameter.numel
    return nbytes // max(1, parameter.shape[-1]), nbytes // max(1, parameter.shape[-2])


def _adafactor(workload: Workload, parameters: Sequence[TracedParameter], rounded: Rounded) -> int:
    """torch's, parameter by parameter: what it calls row_mean, col_mean, grad_squared and update lives on until the
    next parameter's takes its name."""
    peak = row = column = squared = update = 0
    divisor = DIVISOR if workload.device == "cpu" else 0
    for parameter in parameters:
        size = rounded(parameter.numel * parameter.itemsize)
        if factors := _factors(parameter, parameter.itemsize):
            row, column = map(rounded, factors)
            centre = rounded(factors[0] // max(1, parameter.shape[-2])) + divisor
            peak = max(peak, row + column + squared + update + size + centre)
        else:
            peak = max(peak, row + column + update + size + max(squared, size))
            squared = size
        update = size
    return peak


def _listed_adafactor(parameters: Sequence[TracedParameter], rounded: Rounded) -> int:
    """torch's over lists: the updates of all matrices, which live on until those of all vectors are there."""
    matrices = [p for p in parameters if len(p.shape) > 1]
    vectors = sum(rounded(p.numel * p.itemsize) for p in parameters if len(p.shape) < 2)
    centres = sum(rounded(p.numel * p.itemsize // max(1, p.shape[-1] * p.shape[-2])) for p in matrices)
    return sum(rounded(p.numel * p.itemsize) for p in matrices) + max(vectors, centres)


def _transformers_adafactor(parameters: Sequence[TracedParameter], rounded: Rounded) -> int:
    """transformers': the squared gradient and the update beside the last parameter's update, all in float32; weights
    in half precision and their gradients are copied to it, one parameter's copy until the next one's is there."""
    peak = update = 0
    for parameter in parameters:
        size = rounded(SCALAR * parameter.numel)
        copied = parameter.itemsize < SCALAR
        factors = sum(map(rounded, _factors(parameter, SCALAR) or ()))
        copies = 2 * size if copied else 0
        peak = max(peak, copies + 2 * size + max(update, factors), size + 2 * update if copied else 0)
        update = size
    return peak
