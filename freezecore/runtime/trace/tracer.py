"""The tracer: recordings at two batch sizes and in both modes, every combination probed, made a trace."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor, nn
from torch._subclasses import FakeTensorMode
from torch.utils._pytree import tree_map

from freezecore._trace import EvalAlias, Missing, Operation, Trace, TracedCall, TracedParameter
from freezecore.runtime.inputs.bounds import bounded, set_training
from freezecore.runtime.inputs.dense import matches
from freezecore.runtime.inputs.known import following
from freezecore.runtime.inputs.own import LABELS, Inputs
from freezecore.runtime.inputs.torchvision import BOXES, detects
from freezecore.runtime.inputs.transformers import left_aside
from freezecore.runtime.tensors import tensors_in
from freezecore.runtime.trace import checkpoints, cuda, own_backward
from freezecore.runtime.trace.attention import WholeAttention, WholeProbe
from freezecore.runtime.trace.batch_pair import Amounts, BatchPair, SignaturePair
from freezecore.runtime.trace.dataflow import (
    able_inputs,
    autograd_copies,
    combinations,
    cuts_a_gradient,
    kept_aside,
    received_outputs,
    used_steps,
)
from freezecore.runtime.trace.fake import (
    HALF,
    BatchNormShapes,
    all_tensors,
    distinct_bytes,
    fake_copy,
    masks,
)
from freezecore.runtime.trace.join_modes import JoinedModes
from freezecore.runtime.trace.kernels import copied_bytes, unfolded_bytes
from freezecore.runtime.trace.loss import find_output, loss_function, targets
from freezecore.runtime.trace.probing import OperationProbe, key_of
from freezecore.runtime.trace.record import NotFollowed, Recorder, Recording, record
from freezecore.runtime.trace.scratch import KernelScratch
from freezecore.runtime.trace.signature import Signature
from freezecore.runtime.tree.unregistered import hidden_note, unregistered
from freezecore.sentences import say, shortened
from freezecore.workload import Workload

BATCH_SIZES = (5, 7)  # no dimension of a model has these sizes by design, so what scales with them is the batch
LEAST_ASIDE = 0.01  # share of all that a step makes, from which what leads to no loss is told of
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
        self.amounts = Amounts(self.batch_sizes)
        self.pairs: list[SignaturePair] = []
        self._labelled = False
        self._aside: list[str] = []
        self._batch_bytes: list[list[int]] = []
        self._scratch = KernelScratch(self.amounts, self.batch_sizes)
        self._probe = cache(_probe)
        self._backward = cache(lambda signature, needs, received: self._probe(signature, needs).backward(received))
        dtype = torch.bfloat16 if self.workload.precision == "bf16" else None
        self.fake = fake_copy(self.model, self.fake_mode, self.workload.device, dtype)
        if self.workload.device == "cuda" and (name := _recurrent(self.fake)) is not None:
            raise NotFollowed("'{name}' runs by cuDNN, whose memory only a GPU tells.", name=name)
        # buffers, and what modules keep besides
        parameters = set(map(key_of, self.fake.parameters()))
        self._standing = tuple(distinct_bytes(t for t in all_tensors(self.fake) if key_of(t) not in parameters))
        if self.workload.checkpointing:
            checkpoints.enable(self.fake, type(self.model).__name__)

    def trace(self, label: str, versions: dict[str, str]) -> Trace:
        """Record, join and probe."""
        train = BatchPair([self._record(size, True) for size in self.batch_sizes], self.amounts)
        first_held = self._record(self.batch_sizes[0], False)
        joined = JoinedModes(train, self._held(train, first_held))
        for storage in autograd_copies(joined):
            joined.sizes[storage] = self.amounts(*[0] * len(self.batch_sizes))
        self.pairs = joined.pairs
        regions = tuple(joined.regions(train.recording.regions, in_both=bool(first_held.regions)))
        parameters, loss = train.recording.parameters, train.recording.loss
        batch = tuple(self.amounts(*sizes) for sizes in zip(*self._batch_bytes, strict=True))
        values = set(parameters.values())
        steps = [
            step._replace(used=used, cast=self._is_cast(step, joined, values)) if isinstance(step, TracedCall) else step
            for step, used in zip(joined.steps, used_steps(joined, loss), strict=True)
        ]
        read = {v for step in steps if isinstance(step, TracedCall) and step.used for v in step.inputs}
        rows = self.amounts.rows
        bytes_of = [rows[size].at(self.batch_sizes[0]) for size in joined.sizes]
        aside = sum(bytes_of[number] for number in kept_aside(steps, joined, values))
        return Trace(
            source=label,
            workload=self.workload,
            parameters=self._parameters(parameters, read),
            buffers=self._standing,
            operations=tuple(self._operations(joined, steps, values)),
            amounts=self.amounts.rows,
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
            batch=batch,
            batch_sizes=self.batch_sizes,
            notes=(
                *_notes(self.model, detached=cuts_a_gradient(steps, joined, values), kind=self._kind),
                *_beside_the_loss(aside / max(sum(bytes_of), 1)),
                *_not_learnt(self._scratch.not_learnt),
                *self._not_run({name for name, value in parameters.items() if value not in read}),
                *_masked(pair[0] for pair in joined.pairs),
                *_skipped(self.model),
            ),
            versions=versions,
        )

    def _parameters(self, values: dict[str, int], read: set[int]) -> tuple[TracedParameter, ...]:
        """Each parameter with its value's number, and whether the step reads it."""
        return tuple(
            TracedParameter(name, value, p.numel(), p.element_size(), value in read, tuple(p.shape))
            for (name, p), value in zip(self.fake.named_parameters(), values.values(), strict=True)
        )

    def _not_run(self, unread: set[str]) -> Iterator[str]:
        """What of the model this step leaves out, because it was given no pictures or sound."""
        aside, parts = self._aside, list[str]()
        for path, module in self.model.named_modules() if aside else ():
            names = {f"{path}.{name}" for name, _ in module.named_parameters()}
            if path and names and names <= unread and not path.startswith(tuple(f"{part}." for part in parts)):
                parts.append(path)
        if parts:
            layers, inputs = shortened(", ".join(parts)), ", ".join(aside)
            yield say(
                "all that {layers} take beyond their weights, also where they train: this step was followed without "
                "{inputs}",
                layers=layers,
                inputs=inputs,
            )

    @property
    def _capability(self) -> cuda.Capability:
        major, minor = self.workload.compute_capability.split(".")
        return int(major), int(minor)

    def try_forward(self) -> None:
        """One forward pass in eval mode, to see whether the model accepts these inputs; raises what it raises."""
        set_training(self.fake, False)
        self._labelled = False
        kind, _ = self._answer(self.batch_sizes[0])
        if not self.workload.loop.own_loss or "labels" not in inspect.signature(self.model.forward).parameters:
            return
        self._labelled = kind in ("classes", "tokens")
        try:
            self._answer(self.batch_sizes[0])
        except Exception:  # the model's own code on made-up labels: then a loss of ours stands for its own
            self._labelled = False

    def _answer(self, batch_size: int) -> tuple[str, list[Tensor]]:
        with (
            cuda.as_with_a_card(self._capability),
            self.fake_mode,
            torch.no_grad(),
            BatchNormShapes(),
            bounded(self.fake),
        ):
            args, kwargs = self._batch(batch_size)
            with following((args, kwargs)):
                return find_output(self.fake(*args, **kwargs))

    def _labels(self, args: tuple, kwargs: dict) -> Tensor | None:
        """Labels of the shape that the model's answer has."""
        training = self.fake.training
        with torch.no_grad(), BatchNormShapes(), following((args, kwargs)):
            labels = targets(*find_output(self.fake.eval()(*args, **kwargs)))
        self.fake.train(training)
        return labels

    def filled(self, trace: Trace, missing: Iterable[Missing]) -> Trace:
        """The trace with these combinations probed too; it must be of this very model and workload."""
        operations, self.amounts = list(trace.operations), Amounts(self.batch_sizes, trace.amounts)
        self._scratch.amounts = self.amounts
        for number, needs, received in missing:
            if 0 <= number < len(self.pairs):
                known = operations[number]
                operations[number] = replace(known, saved=dict(known.saved), backward=dict(known.backward))
                self._measure(operations[number], self.pairs[number], needs, received)
        return replace(trace, operations=tuple(operations), amounts=self.amounts.rows)

    def _held(self, train: BatchPair, first: Recording) -> BatchPair | None:
        """The same in eval mode, or None where that runs the same calls and keeps nothing more."""
        if not first.lasting and [c.signature for c in first.calls] == [c.signature for c in train.calls]:
            return None
        return BatchPair([first, *(self._record(size, False) for size in self.batch_sizes[1:])], self.amounts)

    def _record(self, batch_size: int, training: bool) -> Recording:
        set_training(self.fake, training)
        device = self.workload.device
        with self.fake_mode:
            args, kwargs = self._batch(batch_size)
        batch = tensors_in((args, kwargs))
        loop, dtype = self.workload.loop, AUTOCAST.get(self.workload.precision)

        def autocast() -> AbstractContextManager:  # made where a card is found
            return torch.autocast(device, dtype) if dtype else nullcontext()

        kept: list[Tensor] = []

        def step(recorder: Recorder) -> Tensor:
            with autocast() if loop.outputs_in_fp32 else nullcontext(), following((args, kwargs)):
                output = self.fake(*args, **kwargs)
            if dtype and loop.outputs_in_fp32:
                output = tree_map(_in_float32, output)
            kind, outputs = find_output(output)
            self._kind = kind
            if loop.keeps_output:
                kept.extend(outputs)
            del output
            recorder.paused = True  # targets come with the batch
            wanted = targets(kind, outputs)
            recorder.paused = False
            if wanted is not None:
                batch.append(wanted)
            return loss_function(kind, self.shifted)(outputs, wanted)

        def modes(recorder: Recorder) -> Sequence[AbstractContextManager]:
            around = nullcontext() if loop.outputs_in_fp32 else autocast()
            attention = WholeAttention(recorder, self._capability)
            own = own_backward.following(recorder)
            return checkpoints.noting(self.fake, recorder), recorder.own_sums, own, attention, around

        with cuda.as_with_a_card(self._capability) if device == "cuda" else nullcontext(), bounded(self.fake):
            recording = record(self.fake, step, self.fake_mode, modes)
        if training:
            self._batch_bytes.append([tensor.nbytes for tensor in batch])
        return recording

    def _batch(self, batch_size: int) -> tuple[tuple, dict]:
        """Inputs of the model's own type where all of it is in half precision."""
        args, kwargs = self.inputs(batch_size, self.workload.device)
        self._aside = left_aside(self.model, args, kwargs)
        if self.workload.precision == "bf16":
            args, kwargs = self._in_half(args, kwargs)
        if self._labelled:
            kwargs = kwargs | {"labels": self._labels(args, kwargs)}
        return args, kwargs

    @staticmethod
    def _in_half(args: tuple, kwargs: dict) -> tuple[tuple, dict]:

        def in_half(item: object) -> object:
            return item.bfloat16() if isinstance(item, Tensor) and item.is_floating_point() else item

        labels = {name: item for name, item in kwargs.items() if name in LABELS}
        args, kwargs = tree_map(in_half, (args, kwargs))
        return args, kwargs | labels

    def _is_cast(self, call: TracedCall, joined: JoinedModes, parameters: set[int]) -> bool:
        return (
            self.workload.precision in AUTOCAST
            and joined.pairs[call.operation][0].name == "_to_copy"
            and call.inputs[0] in parameters
        )

    def _operations(
        self, joined: JoinedModes, steps: Sequence[TracedCall | EvalAlias], parameters: set[int]
    ) -> Iterator[Operation]:
        able, received = able_inputs(joined, steps, parameters), received_outputs(steps)
        for number, (pair, flops) in enumerate(zip(joined.pairs, joined.flops, strict=True)):
            scratch = self._scratch(pair, self.amounts.table[flops])
            operation = Operation(pair[0].name, flops, {}, {}, scratch, self._copies(pair))
            for needs in combinations(able.get(number, 0)):
                for outputs in received.get(number, ()):
                    self._measure(operation, pair, needs, outputs)
            yield operation

    def _copies(self, pair: SignaturePair) -> tuple[int, int] | None:
        found = [self._copied(signature) for signature in pair[: len(self.batch_sizes)]]
        if not any(found[0]):
            return None
        forward, backward = (self.amounts(*sizes) for sizes in zip(*found, strict=True))
        return forward, backward

    def _copied(self, signature: Signature) -> tuple[int, int]:
        probe = self._probe(signature, 0) if isinstance(signature.function, own_backward.OwnFunction) else None
        return (probe.inside, 0) if isinstance(probe, own_backward.OwnFunctionProbe) else copied_bytes(signature)

    def _measure(self, operation: Operation, pair: SignaturePair, needs: int, received: int | None = None) -> None:
        """Probe one combination at each batch size, and note it in the operation."""
        signatures = pair[: len(self.batch_sizes)]
        if needs not in operation.saved:
            saved = [self._probe(signature, needs).saved for signature in signatures]
            beside = [(one.inside or 0) + unfolded_bytes(s, needs) for one, s in zip(saved, signatures, strict=True)]
            inside = self.amounts(*beside) if any(beside) or signatures[0].unfolded else None
            operation.saved[needs] = saved[0]._replace(new=self._each(saved), inside=inside)
        able = sum(1 << position for position in operation.saved[needs].needing)
        received = able if received is None else received & able
        if received and (needs, received) not in operation.backward:
            found = [self._backward(signature, needs, received) for signature in signatures]
            operation.backward[needs, received] = found[0]._replace(
                extra=self.amounts(
                    *(one.extra + unfolded_bytes(s, needs) for one, s in zip(found, signatures, strict=True))
                ),
                new=self._each(found),
                flops=self.amounts(*(one.flops for one in found)),
                scratch=self._scratch(pair, self.amounts.table[operation.flops], needs, received),
            )

    def _each(self, found: list) -> tuple[int, ...]:
        """Amounts of the new storages, found at each batch size."""
        return tuple(self.amounts(*sizes) for sizes in zip(*(one.new for one in found), strict=True))


def _without_kernels(model: nn.Module) -> list[str]:
    """Packages with kernels for a model of transformers that are not installed here, so that it runs its own plain
    PyTorch; which, `use_kernel_func_from_hub_with_fallback` keeps in what it makes of each function."""
    found = set()
    for function in vars(sys.modules[type(model).__module__]).values():
        names = getattr(getattr(function, "__code__", None), "co_freevars", ())
        if "is_new_implementation" in names:
            kept = {name: cell.cell_contents for name, cell in zip(names, function.__closure__, strict=True)}
            found |= set() if kept["is_new_implementation"] else {kept["package"]}
    return sorted(found)


def _of_a_library(model: nn.Module) -> bool:
    """Whether its class comes with the loss that is followed; a regression, say, keeps more than a cross entropy."""
    return type(model).__module__.partition(".")[0] in ("timm", "torchvision", "transformers", "freezecore")


def _in_float32(item: object) -> object:
    return item.float() if isinstance(item, Tensor) and item.dtype in HALF else item


def _notes(model: nn.Module, *, detached: bool, kind: str) -> Iterator[str]:
    """What is simplified; `kind` is what the loss starts from."""
    if detects(model):
        yield say(
            "what depends on data is taken at its most, for {count} objects in a picture: every anchor may match one, "
            "every region may survive, and as many are sampled and hold an object as the model's settings allow",
            count=BOXES,
        )
    if matches(model):
        yield say(
            "a loss with {count} objects in each picture: what matching them takes grows with their number", count=BOXES
        )
    if kind == "features":
        yield say("a loss of your own: that of this step is the mean square of all that the model returns")
    elif kind in ("classes", "tokens", "pixels") and not _of_a_library(model):
        yield say("a loss of your own: that of this step is the cross entropy of what the model returns")
    if packages := _without_kernels(model):
        yield say(
            "kernels of {packages}, which the model takes where they are installed: its plain steps are counted",
            packages=", ".join(packages),
        )
    if hidden := unregistered(model):
        yield hidden_note(hidden)
    if detached:
        yield say("what autograd keeps, until detach(), of a part that trains before it")
    for path, module in model.named_modules():
        name = path or type(module).__name__
        if isinstance(module, nn.LSTM) and module.proj_size:
            yield say("'{name}' (an LSTM with projections) takes less than counted while it is frozen", name=name)
        if isinstance(module, nn.TransformerEncoderLayer | nn.TransformerEncoder | nn.MultiheadAttention):
            yield say(
                "torch's fast path of '{name}' and its like in eval mode, which takes less than counted", name=name
            )
            return


def _beside_the_loss(share: float) -> Iterator[str]:
    if share > LEAST_ASIDE:
        yield say("what autograd keeps of a part that trains and does not lead to the loss, while the model holds it")


def _not_learnt(names: set[str]) -> Iterator[str]:
    if names:
        yield say(
            "what {names} take in blocks for themselves, which would take long to learn: up to a megabyte a thread",
            names=", ".join(sorted(names)),
        )


def _masked(signatures: Iterable[Signature]) -> Iterator[str]:
    if any(signature.name.startswith("index_put") and masks(signature.arguments[0][1]) for signature in signatures):
        yield say("how many values a mask selects, which only their values tell: all are counted")


def _skipped(model: nn.Module) -> Iterator[str]:
    """transformers' `layerdrop`, under its three names, leaves whole layers out of a training step."""
    for module in model.modules():
        settings = getattr(module, "config", None)
        for name in ("layerdrop", "encoder_layerdrop", "decoder_layerdrop"):
            if isinstance(chance := getattr(settings, name, None), float) and chance > 0:
                yield say(
                    "whole layers are skipped at random ({name} {chance:g}): all are counted", name=name, chance=chance
                )
                return


def _recurrent(model: nn.Module) -> str | None:
    """Path of a recurrent layer."""
    modules = ((path, module) for path, module in model.named_modules() if isinstance(module, nn.RNNBase))
    return next((path or type(module).__name__ for path, module in modules), None)


def _probe(signature: Signature, needs: int) -> OperationProbe | WholeProbe:
    """The operation tried alone, with the inputs in the bit set `needs` needing a gradient."""
    if isinstance(signature.function, own_backward.OwnFunction):
        return own_backward.OwnFunctionProbe(signature, needs)
    return (WholeProbe if signature.whole else OperationProbe)(signature, needs)
