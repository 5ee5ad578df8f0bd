"""Building a trace: recordings at two batch sizes and in both modes, every combination probed, made plain data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch._subclasses import FakeTensorMode

from freezecore._trace import Call, Kept, Missing, Operation, Returned, Trace, TracedParameter
from freezecore.runtime.trace import checkpoints
from freezecore.runtime.trace.attention import Wholes
from freezecore.runtime.trace.batch_pair import Amounts, Pair, Twin
from freezecore.runtime.trace.copies import copied_bytes
from freezecore.runtime.trace.fake import fake_copy
from freezecore.runtime.trace.inputs import Inputs
from freezecore.runtime.trace.join import Joined
from freezecore.runtime.trace.loss import find_output, loss_function, targets
from freezecore.runtime.trace.prober import Prober
from freezecore.runtime.trace.record import Recorder, Recording, record
from freezecore.runtime.trace.shapes import Running
from freezecore.runtime.trace.steps import (
    able_inputs,
    autograd_copies,
    combinations,
    counting,
    distinct_bytes,
    received_outputs,
    reorders,
)
from freezecore.workload import Workload

BATCH_SIZES = (5, 7)  # no dimension of a model has these sizes by design, so what scales with them is the batch
AUTOCAST = {"bf16-autocast": torch.bfloat16, "fp16-autocast": torch.float16}


@dataclass
class Tracer:
    """Follows a model's training step.

    Attributes:
        model: on the meta device or real; it is copied, never changed.
        workload: its precision, device and checkpointing are followed.
        inputs: makes positional and keyword arguments for a batch size and device, inside a fake mode.
        shifted: the loss predicts the next token.
    """

    model: nn.Module
    workload: Workload
    inputs: Inputs
    shifted: bool = False
    batch_sizes: tuple[int, ...] = BATCH_SIZES

    def __post_init__(self) -> None:
        self.fake_mode = FakeTensorMode(allow_non_fake_inputs=True)
        self.prober = Prober()
        self.amounts = Amounts(self.batch_sizes)
        self.pairs: list[Pair] = []
        self._batch_bytes: list[list[int]] = []
        dtype = torch.bfloat16 if self.workload.precision == "bf16" else None
        self.fake = fake_copy(self.model, self.fake_mode, self.workload.device, dtype)
        if self.workload.checkpointing:
            checkpoints.enable(self.fake, type(self.model).__name__)

    def trace(self, label: str, versions: dict[str, str]) -> Trace:
        """Record, join and probe."""
        train = Twin([self._record(size, True) for size in self.batch_sizes], self.amounts)
        held = self._held(train)
        joined = Joined(train, held)
        for storage in autograd_copies(joined):
            joined.sizes[storage] = self.amounts(*[0] * len(self.batch_sizes))
        self.pairs = joined.pairs
        steps, loss = joined.steps, train.recording.loss
        regions = tuple(joined.regions(train.recording.regions))
        parameters = train.recording.parameters
        counted = list(counting(steps, loss))
        steps = [
            step._replace(counts=counts, cast=self._is_cast(step, joined, set(parameters.values())))
            if isinstance(step, Call)
            else step
            for step, counts in zip(steps, counted, strict=True)
        ]
        read = {v for step in steps if isinstance(step, Call) and step.counts for v in step.inputs}
        return Trace(
            source=label,
            workload=self.workload,
            parameters=tuple(
                TracedParameter(name, value, p.numel(), p.element_size(), value in read)
                for (name, p), value in zip(self.fake.named_parameters(), parameters.values(), strict=True)
            ),
            buffers=tuple(distinct_bytes(self.fake.buffers())),
            operations=tuple(self._operations(joined, steps, set(parameters.values()))),
            amounts=tuple(self.amounts.rows),
            layers=tuple(joined.layers),
            steps=tuple(steps),
            storage=tuple(joined.storage),
            nbytes=tuple(joined.nbytes),
            sizes=tuple(joined.sizes),
            ends=tuple(joined.ends),
            loss=loss,
            regions=regions,
            asking=tuple(train.recording.asking),
            lasting=joined.lasting,
            batch=tuple(self.amounts(*sizes) for sizes in zip(*self._batch_bytes, strict=True)),
            batch_sizes=self.batch_sizes,
            versions=versions,
        )

    def try_forward(self) -> None:
        """One forward pass in eval mode, to see whether the model accepts these inputs; raises what it raises."""
        self.fake.eval()
        with self.fake_mode, torch.no_grad(), Running():
            args, kwargs = self.inputs(self.batch_sizes[0], self.workload.device)
            find_output(self.fake(*args, **kwargs))

    def filled(self, trace: Trace, missing: list[Missing]) -> Trace:
        """The trace with these combinations probed too; it must be of this very model and workload."""
        for combination in missing:
            if 0 <= combination.operation < len(self.pairs):
                self.try_out(
                    trace.operations[combination.operation], self.pairs[combination.operation], *combination[1:]
                )
        return replace(trace, amounts=tuple(self.amounts.rows))

    def _held(self, train: Twin) -> Twin | None:
        """The same in eval mode, or None where that runs the same calls and keeps nothing more."""
        first = self._record(self.batch_sizes[0], False)
        if not first.lasting and [c.signature for c in first.calls] == [c.signature for c in train.calls]:
            return None
        return Twin([first, *(self._record(size, False) for size in self.batch_sizes[1:])], self.amounts)

    def _record(self, batch_size: int, training: bool) -> Recording:
        self.fake.train(training)
        device = self.workload.device
        with self.fake_mode:
            args, kwargs = self.inputs(batch_size, device)
        batch = [item for item in (*args, *kwargs.values()) if isinstance(item, Tensor)]

        def step(recorder: Recorder) -> Tensor:
            kind, output = find_output(self.fake(*args, **kwargs))
            recorder.paused = True  # targets come with the batch
            wanted = targets(kind, output)
            recorder.paused = False
            if wanted is not None:
                batch.append(wanted)
            return loss_function(kind, self.shifted)(output, wanted)

        recording = record(self.fake, step, self._autocast, self.fake_mode, Wholes)
        if training:
            self._batch_bytes.append([tensor.nbytes for tensor in batch])
        return recording

    @contextmanager
    def _autocast(self) -> Iterator[None]:
        dtype = AUTOCAST.get(self.workload.precision)
        with torch.autocast(self.workload.device, dtype) if dtype else nullcontext():
            yield

    def _is_cast(self, call: Call, joined: Joined, parameters: set[int]) -> bool:
        return (
            self.workload.precision in AUTOCAST
            and joined.pairs[call.operation][0].name == "_to_copy"
            and call.inputs[0] in parameters
        )

    def _operations(self, joined: Joined, steps: list, parameters: set[int]) -> Iterator[Operation]:
        able, received = able_inputs(joined, steps, parameters), received_outputs(steps)
        for number, (pair, flops) in enumerate(zip(joined.pairs, joined.flops, strict=True)):
            operation = Operation(pair[0].name, flops, {}, {}, reorders(pair[0]), self._copies(pair))
            for needs in combinations(able.get(number, 0)):
                for outputs in received.get(number, ()):
                    self.try_out(operation, pair, needs, outputs)
            yield operation

    def _copies(self, pair: Pair) -> tuple[int, int] | None:
        found = [copied_bytes(signature) for signature in pair[: len(self.batch_sizes)]]
        return tuple(self.amounts(*sizes) for sizes in zip(*found, strict=True)) if any(found[0]) else None

    def try_out(self, operation: Operation, pair: Pair, needs: int, received: int | None = None) -> None:
        """Probe one combination at each batch size, and note it in the operation."""
        pair = pair[: len(self.batch_sizes)]
        if needs not in operation.kept:
            kept = [self.prober.kept(signature, needs) for signature in pair]
            inside = self.amounts(*(one.extra for one in kept)) if kept[0].extra else None
            operation.kept[needs] = Kept(kept[0].needing, kept[0].inputs, kept[0].outputs, self._each(kept), inside)
        needing = operation.kept[needs].needing
        able = sum(1 << position for position in needing)
        received = able if received is None else received & able
        if received and (needs, received) not in operation.returned:
            found = [self.prober.returned(signature, needs, received) for signature in pair]
            operation.returned[needs, received] = Returned(
                self.amounts(*(one.extra for one in found)),
                self._each(found),
                found[0].gradients,
                self.amounts(*(one.flops for one in found)),
            )

    def _each(self, found: list) -> tuple[int, ...]:
        """Amounts of the new storages, found at each batch size."""
        return tuple(self.amounts(*sizes) for sizes in zip(*(one.new for one in found), strict=True))
