"""LSTM layers on a CPU: what oneDNN's kernels take, learnt from the kernels themselves, and their FLOPs.

On tensors without values the workspace that is kept for the backward pass has no size, nothing shows what the kernels
take for a moment, and torch counts no operation. Each is linear in the steps and in the samples, but for parts being
rounded up to a page, so a layer is run at two small numbers of either, and the plane through what is measured is taken:
within 0.5 % of a peak (test_recurrent.py). With gradients switched off there is no workspace.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes

from freezecore.runtime.trace.allocator import most_allocated

aten = torch.ops.aten
FORWARD, BACKWARD = aten.mkldnn_rnn_layer.default, aten.mkldnn_rnn_layer_backward.default
STEPS, SAMPLES = (32, 64), (8, 16)  # at which the kernel is run, as far as a layer has so many steps


class LstmLayer(NamedTuple):
    """What decides the workspace besides steps and samples."""

    inputs: int
    hidden: int
    dtype: torch.dtype
    reverse: bool
    mode: int
    biases: bool
    bidirectional: bool
    train: bool
    graph: bool  # gradients are enabled


class Sizes(NamedTuple):
    """Bytes that the kernels take: the workspace, and at most for a moment beside arguments and results."""

    workspace: int
    forward: int
    backward: int


def output_bytes(arguments: tuple) -> int:
    """Of the output over all steps, from the shapes of `mkldnn_rnn_layer`'s arguments."""
    steps, samples = arguments[0].size[:2]
    return steps * samples * arguments[10] * arguments[0].dtype.itemsize


def sizes(arguments: tuple, graph: bool = True) -> Sizes:
    """From the arguments of `mkldnn_rnn_layer`, tensors or their shapes."""
    given = tuple(getattr(arguments[0], "shape", None) or arguments[0].size)
    reverse, _, mode, hidden, _, biases, bidirectional, _, train = arguments[7:16]
    layer = LstmLayer(given[2], hidden, arguments[0].dtype, reverse, mode, biases, bidirectional, train, graph)
    steps, samples = given[:2]
    low, high = STEPS if steps > STEPS[1] else (steps, steps + 1)
    found = []
    for (fixed, slope), (later, steeper) in zip(_lines(layer, low), _lines(layer, high), strict=True):
        at = [
            first + (second - first) * (steps - low) // (high - low)
            for first, second in ((fixed, later), (slope, steeper))
        ]
        found.append(max(0, at[0]) + max(0, at[1]) * samples)
    return Sizes(*found)


@cache
def _lines(layer: LstmLayer, steps: int) -> list[tuple[int, int]]:
    """Per size, bytes at no sample, and for each more."""
    few, many = SAMPLES
    lines = []
    for at_few, at_many in zip(_run(layer, steps, few), _run(layer, steps, many), strict=True):
        slope = (at_many - at_few) // (many - few)
        lines.append((at_few - slope * few, slope))
    return lines


def _run(layer: LstmLayer, steps: int, samples: int) -> Sizes:
    """The sizes, as torch's profiler sees the kernels of a real layer allocate."""
    gates = 4 * layer.hidden
    options = (layer.mode, layer.hidden, 1, layer.biases, layer.bidirectional)
    with _disable_current_modes(), torch.no_grad(), torch.random.fork_rng(devices=[]):
        shapes = (steps, samples, layer.inputs), (gates, layer.inputs), (gates, layer.hidden), (gates,), (gates,)
        made = [torch.zeros(shape, dtype=layer.dtype, device="cpu") for shape in shapes]
        state = torch.zeros(samples, layer.hidden, dtype=layer.dtype, device="cpu")
        with torch.set_grad_enabled(layer.graph):
            results, forward = _extra(
                lambda: FORWARD(*made, state, state, layer.reverse, [], *options, False, layer.train)
            )
        if not layer.graph:
            return Sizes(0, forward, 0)
        output, last, cell, kept = results
        _, backward = _extra(
            lambda: BACKWARD(
                *made, state, state, output, last, cell, output, None, None, layer.reverse, *options[:4],
                layer.bidirectional, layer.train, [], False, kept,
            )
        )  # fmt: skip
    return Sizes(kept.nbytes, forward, backward)


def _extra(run: Callable[[], tuple[Tensor, ...]]) -> tuple[tuple[Tensor, ...], int]:
    """What a kernel returns, and the most that it takes beside that."""
    results, most = most_allocated(run)
    kept = {one.untyped_storage()._cdata: one.untyped_storage().nbytes() for one in results if one is not None}
    return results, max(0, most - sum(kept.values()))


def with_workspace(results: tuple, args: tuple) -> tuple:
    """What the forward kernel returns on tensors without values, its workspace of its real size."""
    if not torch.is_grad_enabled():
        return results
    return (*results[:3], results[0].new_empty(sizes(args).workspace, dtype=torch.uint8))


def forward_flops(given: Tensor, hidden: int) -> int:
    """Of the four gates' matrix products, over the input and over the state."""
    steps, samples, inputs = given.shape
    return 2 * steps * samples * 4 * hidden * (inputs + hidden)
