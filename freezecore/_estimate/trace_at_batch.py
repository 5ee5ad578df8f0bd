"""A trace at one batch size: every amount a plain integer, laid out for simulating masks quickly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from freezecore._estimate.optimizer import Rounded, state_bytes
from freezecore._trace import Trace, TracedCall, scratch_bytes
from freezecore.cache.memory import Recent

CUDA_BLOCK = 512  # the CUDA allocator's smallest unit, bytes
MOST_BATCH_SIZES = 12  # so many are remembered with a trace


class TraceAtBatch:
    """A trace at one batch size.

    Attributes:
        trace: where it comes from.
        values: its amounts, as they were measured.
        blocks: the same, as an allocator hands them out.
        sizes: bytes of each storage, and of those that `ParameterLayout.casts_again` adds.
        nbytes: bytes that each value would take on its own.
        batch: bytes of inputs and targets.
        parameters: what they take, and where they are read.
        weights: bytes of parameters and buffers.
        flops: per operation, of its forward call.
        copies: per operation, bytes of the copies that its kernel makes in the forward and in the backward step.
        scratch: per operation, bytes that a CPU's kernel takes in the forward step beside what tensors show.
        forwards, backwards: what either pass through a segment changes, by all that it depends on (see `replay`).
    """

    def __init__(self, trace: Trace, batch_size: int) -> None:
        self.trace = trace
        rounded = allocated_by(trace)
        self.values = [amount.at(batch_size) for amount in trace.amounts]
        self.blocks = [rounded(value) for value in self.values]
        self.sizes = [self.blocks[amount] for amount in trace.sizes]
        self.nbytes = [self.blocks[amount] for amount in trace.nbytes]
        self.batch = sum(self.blocks[amount] for amount in trace.batch)
        self.parameters = parameter_layout(trace)
        again = [old for pairs in self.parameters.casts_again.values() for old, _ in pairs]
        self.sizes += [self.sizes[old] for old in again]
        self.weights = sum(self.parameters.bytes.values()) + sum(map(rounded, trace.buffers))
        self.flops = [self.values[operation.flops] for operation in trace.operations]
        self.copies = [
            (self.blocks[o.copies[0]], self.blocks[o.copies[1]]) if o.copies else (0, 0) for o in trace.operations
        ]
        self.scratch = [scratch_bytes(operation.scratch, self.values) for operation in trace.operations]
        self.forwards: dict[tuple, Any] = {}
        self.backwards: dict[tuple, Any] = {}


class ParameterLayout(NamedTuple):
    """What is the same at every batch size.

    Attributes:
        bytes, state_bytes: per parameter's value, of itself and of its optimizer state.
        first_read: per parameter's value, the first step that reads it: the last whose backward adds to its gradient.
        casts_again: autocast keeps a copy of a leaf that trains, and makes one of a frozen leaf for each reader: per
            step that begins to read it again, the copies' storages, each with the number of a storage of its own.
        casts_end: per step, the storages of autocast copies whose reader is done with it.
    """

    bytes: dict[int, int]
    state_bytes: dict[int, int]
    first_read: dict[int, int]
    casts_again: dict[int, list[tuple[int, int]]]
    casts_end: dict[int, list[int]]


def allocated_by(trace: Trace) -> Rounded:
    """How the device's allocator rounds a number of bytes."""
    block = CUDA_BLOCK if trace.workload.device == "cuda" else 1
    return lambda nbytes: -(-nbytes // block) * block


def kept(trace: Trace, name: str, make: Callable[[], Any]) -> Any:
    """What was made of a trace before; it is kept with the trace, and goes when nobody holds that any more."""
    if (value := trace.__dict__.get(name)) is None:
        value = trace.__dict__.setdefault(name, make())
    return value


def trace_at(trace: Trace, batch_size: int) -> TraceAtBatch:
    """A trace at this batch size; the latest used are remembered."""
    recent: Recent = kept(trace, "_at_batches", lambda: Recent(MOST_BATCH_SIZES))
    if (found := recent.read(batch_size)) is None:
        found = TraceAtBatch(trace, batch_size)
        recent.write(batch_size, found)
    return found


def parameter_layout(trace: Trace) -> ParameterLayout:
    """What a trace's parameters take, and where they are read."""
    return kept(trace, "_parameter_layout", lambda: _layout(trace))


def _layout(trace: Trace) -> ParameterLayout:
    calls = [(index, step) for index, step in enumerate(trace.steps) if isinstance(step, TracedCall)]
    rounded = allocated_by(trace)
    sizes = {p.value: rounded(p.numel * p.itemsize) for p in trace.parameters}
    states = {p.value: state_bytes(trace.workload, (p,), rounded) for p in trace.parameters}
    first: dict[int, int] = {}
    for index, call in calls:
        for value in call.inputs:
            if call.used and value in sizes:
                first.setdefault(value, index)
    return ParameterLayout(sizes, states, first, *_cast_readers(trace, calls))


def _cast_readers(
    trace: Trace, calls: list[tuple[int, TracedCall]]
) -> tuple[dict[int, list[tuple[int, int]]], dict[int, list[int]]]:
    """Where readers of autocast copies begin and end; a reader may first take a view of the copy."""
    copies = {trace.storage[call.outputs[0]]: call.outputs[0] for _, call in calls if call.cast}
    last: dict[int, int] = {}  # per copy, where the reader at work has read it last
    again: dict[int, list[tuple[int, int]]] = {}
    end: dict[int, list[int]] = {}
    added = len(trace.sizes)
    for index, call in calls if copies else ():
        for number in {trace.storage[value] for value in call.inputs} & copies.keys():
            if copies[number] in call.inputs and number in last:
                end.setdefault(last[number], []).append(number)
                again.setdefault(index, []).append((number, 0))
            last[number] = index
    for number, index in last.items():
        end.setdefault(index, []).append(number)
    for pairs in again.values():
        pairs[:] = [(number, added + place) for place, (number, _) in enumerate(pairs)]
        added += len(pairs)
    return again, end
