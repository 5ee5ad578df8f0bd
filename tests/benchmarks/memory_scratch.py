"""Fit the scratch memory of CPU convolutions: `python -m tests.benchmarks.memory_scratch`.

Every convolution of the models in `memory_models.FITTED_ON` (none of which is among the models that the estimate is
then judged by) runs alone, forward and backward, under the profiler; what it takes beyond its results is fitted as a
combination of the bytes of its input x, weight w and output y, and of the larger of x and y. The rows go to
memory_scratch.csv, the coefficients into `freezecore._estimate.scratch`. With the word
`half` the same in bfloat16, also of those that are matrix products; memory_scratch_half.csv tells the backward step for
all gradients, without the input's, and without the weight's apart.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from freezecore.runtime.build.source import meta
from freezecore.runtime.trace.kernels import scratch_kind
from freezecore.runtime.trace.trace_model import tracer_of
from freezecore.source import ModelSource
from freezecore.workload import Workload
from tests.benchmarks.memory_models import FITTED_ON
from tests.benchmarks.memory_truth import highest_bytes

FILE = Path(__file__).with_name("memory_scratch.csv")
FIELDS = ("x", "w", "y", "larger", "forward", "backward")
BATCH = 4


def convolutions(name: str) -> Iterator[tuple]:
    """Distinct arguments of the convolutions of a model that are not simple matrix products."""
    tracer = tracer_of(meta(ModelSource.parse(name)).model, Workload(BATCH), batch_sizes=(BATCH,))
    tracer.trace(name, {})
    yield from {pair[0].arguments for pair in tracer.pairs if scratch_kind(pair[0])}


def measured(arguments: tuple) -> dict[str, int]:
    x, w, bias = (None if s is None else torch.randn(s.size) for s in arguments[0][:3])
    rest = [list(part) if isinstance(part, tuple) else part for part in arguments[0][3:]]
    y = torch.ops.aten.convolution(x, w, bias, *rest)
    grad = torch.randn_like(y)
    sizes = None if bias is None else list(bias.shape)
    mask = [True, True, bias is not None]
    return {
        **{name: t.numel() * 4 for name, t in (("x", x), ("w", w), ("y", y))},
        "larger": 4 * max(x.numel(), y.numel()),
        "forward": scratch(lambda: [torch.ops.aten.convolution(x, w, bias, *rest)]),
        "backward": scratch(lambda: torch.ops.aten.convolution_backward(grad, x, w, sizes, *rest, mask)),
    }


def scratch(run: Callable[[], list[Tensor | None]]) -> int:
    """Most bytes that a call takes beyond its results."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        results = run()
    return highest_bytes(profile) - sum(t.untyped_storage().nbytes() for t in results if t is not None)


def fitted(rows: list[dict], target: str, columns: tuple[str, ...]) -> list[float]:
    """Coefficients of the columns, least squares."""
    matrix = np.array([[row[column] for column in columns] for row in rows], float)
    wanted = np.array([row[target] for row in rows], float)
    return [round(float(value), 2) for value in np.linalg.lstsq(matrix, wanted, rcond=None)[0]]


HALF_FIELDS = ("model", "groups", "k", "stride", "x", "w", "y", "cl", "bias", "fwd", "bwd", "bwd_w", "bwd_x")


def in_half(name: str) -> Iterator[tuple]:
    """The rows of a model's convolutions in bfloat16."""
    tracer = tracer_of(meta(ModelSource.parse(name)).model, Workload(2, precision="bf16"), batch_sizes=(2,))
    tracer.trace(name, {})
    for arguments in sorted({p[0].arguments for p in tracer.pairs if p[0].name == "convolution"}, key=repr):
        yield name, *half_row(arguments[0])


def half_row(arguments: tuple) -> tuple:
    """Of one convolution; `cl`: its pictures are channels-last."""
    shapes, rest = arguments[:3], [list(part) if isinstance(part, tuple) else part for part in arguments[3:]]
    x, w, bias = (
        None if s is None else torch.empty_strided(s.size, s.stride, dtype=torch.bfloat16).normal_() for s in shapes
    )
    y = torch.ops.aten.convolution(x, w, bias, *rest)
    back = torch.randn_like(y), x, w, None if bias is None else list(bias.shape), *rest

    def backward(*mask: bool) -> int:
        return scratch(lambda: torch.ops.aten.convolution_backward(*back, [*mask, bias is not None]))

    forward = scratch(lambda: [torch.ops.aten.convolution(x, w, bias, *rest)])
    took = forward, backward(True, True), backward(False, True), backward(True, False)
    sizes = (2 * tensor.numel() for tensor in (x, w, y))
    return rest[5], max(w.shape[2:]), rest[0][0], *sizes, int(shapes[0].stride[1] == 1), bias is not None, *took


def write_half() -> None:
    with FILE.with_name("memory_scratch_half.csv").open("w", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(HALF_FIELDS)
        for name in FITTED_ON:
            writer.writerows(in_half(name))


def main() -> None:
    torch.set_num_threads(1)
    if "half" in sys.argv[1:]:
        write_half()
        return
    rows = []
    for name in FITTED_ON:
        found = [measured(arguments) for arguments in sorted(convolutions(name), key=repr)]
        print(name, len(found), flush=True)
        rows += found
    with FILE.open("w", newline="") as out:
        writer = csv.DictWriter(out, FIELDS)
        writer.writeheader()
        writer.writerows(rows)
    for target, columns in (("forward", ("larger", "w")), ("backward", ("x", "w", "y"))):
        print(target, "=", columns, "times", fitted(rows, target, columns))


if __name__ == "__main__":
    main()
