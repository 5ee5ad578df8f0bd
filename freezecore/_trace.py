"""Trace: one training step of one model, followed call by call, as plain data from which any mask is priced.

A trace holds no tensor and needs no torch. Its numbers are polynomials in the batch size, since everything that one
step allocates is affine in it (an attention over the batch itself is quadratic): `Amount(fixed, linear, square)`.
What autograd saves for a call depends on which of its inputs need a gradient, so each operation carries what was
measured for each such set; a set that was not measured yet is absent (`Missing`), never guessed.
"""

from __future__ import annotations

import itertools
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import NamedTuple

from freezecore.errors import FreezeError, TraceError
from freezecore.schema import parse, reader
from freezecore.sentences import packed, say, unpacked
from freezecore.workload import LIMITS, Workload

FORMAT = "freeze-explorer-trace/2"
LARGEST = 64 * 2**20  # of its JSON
MOST_STEPS = 500_000
EVAL, TRAIN = 0, 1


class Amount(NamedTuple):
    """`fixed + linear * batch + square * batch ** 2`, in bytes or in floating-point operations."""

    fixed: int
    linear: int = 0
    square: int = 0

    def at(self, batch_size: int) -> int:
        return self.fixed + (self.linear + self.square * batch_size) * batch_size


Scratch = tuple[tuple[int, ...], ...]  # positions of amounts


def scratch_bytes(scratch: Scratch, values: Sequence[int]) -> int:
    """Scratch memory: of each group the largest amount, as a kernel has several moments, of these the least."""
    return min((max(values[amount] for amount in group) for group in scratch), default=0)


class SavedTensors(NamedTuple):
    """What autograd saves of a call for its backward step, given which inputs need a gradient.

    Attributes:
        needing: positions of the outputs that then need a gradient themselves.
        inputs: positions of the inputs whose storage is saved.
        outputs: positions of the outputs whose storage is saved.
        new: amounts of copies made only to be saved.
        inside: amount of the most that is alive in the call beyond all that; None for none.
    """

    needing: tuple[int, ...] = ()
    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    new: tuple[int, ...] = ()
    inside: int | None = None


class BackwardResult(NamedTuple):
    """What a call's backward step makes, given which inputs need a gradient and which outputs received one.

    Attributes:
        extra: amount of the most that is alive during the step, beyond what it was given.
        new: amounts of the storages that it hands on.
        gradients: per input a position in `new`, or `~k` where the gradient of output k is passed on, or None.
        flops: amount of floating-point operations.
        views: the inputs (as bits) whose gradient is a view of another tensor, to which nothing is added in place.
        scratch: amounts of what a CPU's kernel takes beside all that; see `scratch_bytes`.
    """

    extra: int
    new: tuple[int, ...]
    gradients: tuple[int | None, ...]
    flops: int
    views: int = 0
    scratch: Scratch = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation with its arguments: calls that are alike share one.

    Attributes:
        name: aten's name.
        flops: amount of floating-point operations of the forward call.
        saved: by the set of inputs (as bits) that need a gradient.
        backward: by that set and the set of outputs (as bits) that received one.
        scratch: amounts of what a CPU's kernel takes in the forward step and no tensor shows; see `scratch_bytes`.
        copies: amounts of the copy that its kernel makes of an input, in the forward and in the backward step.
    """

    name: str
    flops: int
    saved: dict[int, SavedTensors]
    backward: dict[tuple[int, int], BackwardResult]
    scratch: Scratch = ()
    copies: tuple[int, int] | None = None


OPERATION_FIELDS = tuple(Operation.__dataclass_fields__)


class TracedCall(NamedTuple):
    """One operation as it runs in the step.

    Attributes:
        operation: index into `Trace.operations`.
        inputs: values read, in the order of the arguments.
        outputs: values made.
        layer: index into `Trace.layers`.
        mode: None when it always runs; else it runs only when its layer is in train mode (1) or held in eval mode (0).
        used: a path leads from it to the loss, so autograd saves what its backward step needs.
        cast: the copy of a parameter in lower precision that autocast keeps as long as the parameter trains.
    """

    operation: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    layer: int
    mode: int | None = None
    used: bool = True
    cast: bool = False


class EvalAlias(NamedTuple):
    """After a layer that may be held in eval mode: which values the calls behind it then read.

    Attributes:
        layer: index into `Trace.layers`; nothing happens where it is in train mode.
        pairs: (value that the layer makes in train mode, value that stands for it in eval mode).
    """

    layer: int
    pairs: tuple[tuple[int, int], ...]


class CheckpointedRegion(NamedTuple):
    """Steps under gradient checkpointing: nothing made in them is saved, and they run again in the backward pass.

    Attributes:
        begin, end: a range of `Trace.steps`.
        layer: index into `Trace.layers`; held in eval mode, it is not checkpointed. None: it always is.
        inputs: values that are saved instead.
    """

    begin: int
    end: int
    layer: int | None
    inputs: tuple[int, ...]


class TracedParameter(NamedTuple):
    """A parameter: its name, value, scalars, bytes of one, shape; `used` when a path leads from it to the loss."""

    name: str
    value: int
    numel: int
    itemsize: int
    used: bool
    shape: tuple[int, ...] = ()


class Missing(NamedTuple):
    """A combination that an operation was not measured with yet.

    Attributes:
        operation: index into `Trace.operations`.
        needs: the inputs (as bits) that need a gradient.
        received: the outputs (as bits) that received one; None where `needs` itself is unknown.
    """

    operation: int
    needs: int
    received: int | None = None


@dataclass(frozen=True, eq=False)
class Trace:
    """Everything that `estimate` needs to price any mask at any batch size.

    Attributes:
        source: label of the model.
        workload: how it trains; its batch size is only the default.
        parameters: in the order of the tree.
        amounts: table that everything else points into.
        operations, layers: tables; a layer is a module's path.
        steps: calls and aliases in order.
        storage: per value, its storage.
        nbytes: per value, the amount it would take on its own.
        sizes: per storage, an amount; nothing for what is there before the step (counted above).
        ends: per step, the storages that Python lets go of before it, where the step before it ran; one more entry
            than steps.
        loss: value of the loss.
        regions: steps under gradient checkpointing, in order.
        asking: values that the model itself makes need a gradient, whatever trains.
        lasting: layer and storage of what a layer held in eval mode computes once and keeps from step to step.
        buffers: bytes of each buffer.
        batch: amount of each input and target.
        batch_sizes: at which it was traced; with one only, it is exact for that one alone.
        problem: why the forward could not be followed; then only weights, gradients and optimizer are known.
        notes: what was simplified, a sentence each.
        versions: library versions.
    """

    source: str
    workload: Workload
    parameters: tuple[TracedParameter, ...]
    buffers: tuple[int, ...] = ()
    amounts: tuple[Amount, ...] = ()
    operations: tuple[Operation, ...] = ()
    layers: tuple[str, ...] = ()
    steps: tuple[TracedCall | EvalAlias, ...] = ()
    storage: tuple[int, ...] = ()
    nbytes: tuple[int, ...] = ()
    sizes: tuple[int, ...] = ()
    ends: tuple[tuple[int, ...], ...] = ((),)
    loss: int = -1
    regions: tuple[CheckpointedRegion, ...] = ()
    asking: tuple[int, ...] = ()
    lasting: tuple[tuple[int, int], ...] = ()
    batch: tuple[int, ...] = ()
    batch_sizes: tuple[int, ...] = ()
    problem: str = ""
    notes: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict, hash=False)

    def __repr__(self) -> str:
        return f"Trace({self.source!r}, {len(self.parameters)} parameters, {len(self.steps)} steps, {self.workload})"

    def under(self, workload: Workload) -> Trace:
        """The same step with another batch size, optimizer, accumulation and trainer; what was traced stays as it was.

        Whatever else is asked for and was traced otherwise is told in `notes`, and so is a trainer whose forward pass
        keeps something else.
        """
        loop, mine = workload.loop, self.workload.loop
        in_fp32 = loop.outputs_in_fp32 == mine.outputs_in_fp32 or "autocast" not in self.workload.precision
        same_forward = in_fp32 and loop.keeps_output == mine.keeps_output
        names = ("batch_size", "optimizer", "implementation", "accumulate", *(["trainer"] if same_forward else []))
        changes = {name: getattr(workload, name) for name in names}
        usual, notes = Workload(), dict.fromkeys(self.notes)
        if same_forward and loop.own_loss and not mine.own_loss:
            notes[
                say(
                    "{trainer} takes a model's own loss where labels come with the batch; the loss was followed as the "
                    "file has it",
                    trainer=workload.trainer,
                )
            ] = None
        for name in ("trainer", "precision", "checkpointing", "device", "image_size", "sequence_length"):
            asked, followed = getattr(workload, name), getattr(self.workload, name)
            if name not in names and asked not in (followed, getattr(usual, name)):
                told = {"name": name, "asked": str(asked), "followed": str(followed)}
                notes[say("{name} {asked}, which was asked for: the step was followed with {followed}", **told)] = None
        return replace(self, workload=replace(self.workload, **changes), notes=tuple(notes))

    def to_bytes(self) -> bytes:
        """Compressed JSON; `from_bytes` reads it back."""
        return zlib.compress(json.dumps([FORMAT, self.to_json()], separators=(",", ":")).encode(), 1)

    def to_json(self) -> dict:
        """Its fields as JSON values; `from_json` reads them back."""
        data = {name: getattr(self, name) for name in self.__dataclass_fields__}
        data["workload"], data["problem"] = asdict(self.workload), packed(self.problem)
        data["operations"] = [
            [o.name, o.flops, list(o.saved.items()), list(o.backward.items()), o.scratch, o.copies]
            for o in self.operations
        ]
        return data

    @classmethod
    def from_bytes(cls, content: bytes) -> Trace:
        """Rebuild a trace.

        Raises:
            TraceError: these bytes are no trace, or one of another version.
        """
        try:
            unpacker = zlib.decompressobj()
            form, data = parse(unpacker.decompress(content, LARGEST))
            if form != FORMAT or unpacker.unconsumed_tail:
                raise ValueError(form)
        except (ValueError, TypeError, RecursionError, zlib.error) as error:
            raise _unreadable() from error
        return cls.from_json(data)

    @classmethod
    def from_json(cls, data: dict) -> Trace:
        """Rebuild a trace from what `to_json` gives.

        Raises:
            TraceError: these values are no trace.
        """
        try:
            operations = [dict(zip(OPERATION_FIELDS, row, strict=False)) for row in data["operations"]]
            trace = reader(cls)({**data, "operations": operations, "problem": ""})
            trace = replace(trace, problem=unpacked(data["problem"]))
            _check(trace)
            return trace
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, FreezeError) as error:
            raise _unreadable() from error


def _unreadable() -> TraceError:
    return TraceError("This is no trace that can be read.", "Trace the model again.")


def _check(trace: Trace) -> None:
    """Refuse a trace that points beyond its own tables, or is larger than any model's; raises ValueError."""
    calls = [step for step in trace.steps if isinstance(step, TracedCall)]
    sizes_fit = len(trace.ends) == len(trace.steps) + 1 and len(trace.nbytes) == len(trace.storage)
    if not isinstance(trace.problem, str) or not sizes_fit or len(trace.steps) > MOST_STEPS:
        raise ValueError("steps and what ends before them do not go together")
    if min((size.at(batch) for size in trace.amounts for batch in (1, LIMITS["batch_size"][1])), default=0) < 0:
        raise ValueError("something has less than no bytes")
    _within(len(trace.amounts), trace.nbytes, trace.sizes, trace.batch, *map(_amounts, trace.operations))
    _within(len(trace.sizes), trace.storage, *trace.ends, [storage for _, storage in trace.lasting])
    _within(len(trace.layers), [step.layer for step in trace.steps], [layer for layer, _ in trace.lasting])
    _within(len(trace.layers), [region.layer for region in trace.regions if region.layer is not None])
    _within(len(trace.operations), [call.operation for call in calls])
    _within(
        len(trace.storage), trace.asking, *[region.inputs for region in trace.regions], [trace.loss] if calls else []
    )
    _within(len(trace.storage), *[call.inputs + call.outputs for call in calls])
    _within(len(trace.storage), *[pair for step in trace.steps if isinstance(step, EvalAlias) for pair in step.pairs])
    borders = [border for region in trace.regions for border in (region.begin, region.end)]
    if borders != sorted(borders) or not all(0 <= border <= len(trace.steps) for border in borders):
        raise ValueError("regions overlap")
    if (
        any(min(p.value, p.numel, p.itemsize, *p.shape) < 0 for p in trace.parameters)
        or min(trace.buffers, default=0) < 0
    ):
        raise ValueError("a parameter has less than no bytes")
    for operation, inputs, outputs in {(call.operation, len(call.inputs), len(call.outputs)) for call in calls}:
        _check_operation(trace.operations[operation], inputs, outputs)
    read = {trace.storage[value] for call in calls for value in call.inputs}
    if any(not call.outputs or trace.storage[call.outputs[0]] not in read for call in calls if call.cast):
        raise ValueError("a copy that nothing reads")


def _check_operation(operation: Operation, inputs: int, outputs: int) -> None:
    """Refuse what autograd could not do with so many inputs and outputs; raises ValueError."""
    if not all(operation.scratch) or not all(all(result.scratch) for result in operation.backward.values()):
        raise ValueError("scratch memory without an amount")
    for saved in operation.saved.values():
        _within(inputs, saved.inputs)
        _within(outputs, saved.outputs, saved.needing)
    for (_, received), result in operation.backward.items():
        if len(result.gradients) != inputs:
            raise ValueError("gradients and inputs do not go together")
        for gradient in result.gradients:
            if gradient is not None and gradient < 0 and not received >> ~gradient & 1:
                raise ValueError("a gradient that did not arrive is handed on")
        _within(len(result.new), [gradient for gradient in result.gradients if gradient is not None and gradient >= 0])


def _amounts(operation: Operation) -> Iterator[int]:
    """All that point into the table of amounts."""
    yield from (operation.flops, *(operation.copies or ()), *itertools.chain(*operation.scratch))
    for saved in operation.saved.values():
        yield from (*saved.new, *([] if saved.inside is None else [saved.inside]))
    for result in operation.backward.values():
        yield from (result.extra, result.flops, *result.new, *itertools.chain(*result.scratch))


def _within(count: int, *positions: Iterable[int]) -> None:
    found = list(itertools.chain.from_iterable(positions))
    if found and not 0 <= min(found) <= max(found) < count:
        raise ValueError(f"a position beyond {count}")
