"""Program: a trace at one batch size, every amount a plain integer, laid out for replaying masks quickly."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from dataclasses import dataclass

from freezecore._estimate.optimizer import Rounded, state_bytes
from freezecore._trace import Call, Trace

CUDA_BLOCK = 512  # the CUDA allocator's smallest unit, bytes
MOST_PROGRAMS = 24  # batch sizes kept per trace
_PROGRAMS: weakref.WeakKeyDictionary[Trace, OrderedDict[int, Program]] = weakref.WeakKeyDictionary()
_USES: weakref.WeakKeyDictionary[Trace, Uses] = weakref.WeakKeyDictionary()


class Program:
    """A trace at one batch size.

    Attributes:
        trace: where it comes from.
        values: amounts as integers, as they were measured.
        blocks: the same, as an allocator hands them out.
        sizes: bytes of each storage.
        nbytes: bytes that each value would take on its own.
        batch: bytes of inputs and targets.
        parameter_bytes, state_bytes: per parameter's value, of itself and of what the optimizer remembers of it.
        weights: bytes of parameters and buffers.
        flops: per operation, of its forward call.
        copies: per operation, bytes of the copies that its kernel makes in the forward and in the backward step.
        uses: what is known of parameters and their autocast copies.
        walked: what replays have found out about segments, by shape and what crossed.
    """

    def __init__(self, trace: Trace, batch_size: int) -> None:
        self.trace = trace
        self.block = CUDA_BLOCK if trace.workload.device == "cuda" else 1
        self.values = [amount.at(batch_size) for amount in trace.amounts]
        self.blocks = [self.rounded(value) for value in self.values] if self.block > 1 else self.values
        self.sizes = [self.blocks[amount] for amount in trace.sizes]
        self.nbytes = [self.blocks[amount] for amount in trace.nbytes]
        self.batch = sum(self.blocks[amount] for amount in trace.batch)
        self.uses = _uses(trace, self.rounded)
        self.parameter_bytes, self.state_bytes = self.uses.parameter_bytes, self.uses.state_bytes
        self.weights = sum(self.parameter_bytes.values()) + sum(map(self.rounded, trace.buffers))
        self.flops = [self.values[operation.flops] for operation in trace.operations]
        self.copies = [tuple(self.blocks[amount] for amount in o.copies or ()) or (0, 0) for o in trace.operations]
        self.walked: dict[tuple, object] = {}

    def rounded(self, nbytes: int) -> int:
        return -(-nbytes // self.block) * self.block


@dataclass(frozen=True)
class Uses:
    """What is the same at every batch size: where a trace reads its parameters, and what they take.

    Attributes:
        parameter_bytes, state_bytes: as a program has them.
        first: per parameter's value, the first step that reads it: the last whose backward adds to its gradient.
        last: per storage of an autocast copy, the last step that reads it.
    """

    first: dict[int, int]
    last: dict[int, int]
    parameter_bytes: dict[int, int]
    state_bytes: dict[int, int]


def _uses(trace: Trace, rounded: Rounded) -> Uses:
    if trace not in _USES:
        calls = [(index, step) for index, step in enumerate(trace.steps) if isinstance(step, Call)]
        parameters = {parameter.value for parameter in trace.parameters}
        casts = {trace.storage[call.outputs[0]] for _, call in calls if call.cast}
        first: dict[int, int] = {}
        last: dict[int, int] = {}
        for index, call in calls:
            for value in call.inputs:
                if call.counts and value in parameters:
                    first.setdefault(value, index)
                if trace.storage[value] in casts:
                    last[trace.storage[value]] = index
        sizes = {p.value: rounded(p.numel * p.itemsize) for p in trace.parameters}
        states = {p.value: state_bytes(trace.workload, (p,), rounded) for p in trace.parameters}
        _USES[trace] = Uses(first, last, sizes, states)
    return _USES[trace]


def program(trace: Trace, batch_size: int) -> Program:
    """The program of a trace at this batch size; the latest few are kept as long as the trace."""
    known = _PROGRAMS.setdefault(trace, OrderedDict())
    if batch_size not in known:
        known[batch_size] = Program(trace, batch_size)
        while len(known) > MOST_PROGRAMS:
            known.popitem(last=False)
    known.move_to_end(batch_size)
    return known[batch_size]
