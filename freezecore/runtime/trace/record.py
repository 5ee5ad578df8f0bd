"""Recording: one training step's forward pass on fake tensors, written down call by call.

Every parameter asks for a gradient, but what autograd would save is let go at once (a saved-tensor hook that packs
nothing), so a storage's end is the moment at which Python itself lets go of it. What autograd saves depends on the
mask and is added when a mask is priced.
"""

from __future__ import annotations

import gc
import math
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from freezecore.runtime.tensors import tensors_in
from freezecore.runtime.trace import bias, recurrent
from freezecore.runtime.trace.fake import DEVICE, HALF, run
from freezecore.runtime.trace.signature import Signature, ViewWrite, described, flops
from freezecore.sentences import Reason

TAG = "_freeze_explorer_value"  # a fake tensor carries its recorder's token, the number of its value, and the writes
# into views before it
aten = torch.ops.aten


class NotFollowed(Reason):
    """A model does what cannot be followed truly, so its peak stays unknown."""


@dataclass(slots=True)
class RecordedCall:
    """One operation as it ran.

    Attributes:
        inputs, outputs: numbers of the values that it read and made.
        layer: path of the module at work.
        segment: index into `Recording.segments`.
        flops: floating-point operations.
    """

    signature: Signature
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    layer: str
    segment: int
    flops: int


@dataclass(frozen=True, slots=True)
class RecordedRegion:
    """Calls under gradient checkpointing, which run again in the backward pass.

    Attributes:
        begin, end: a range of the recording's calls.
        layer: the module at work, which may be asked whether it is in train mode; None where it is, whatever is held.
        inputs: values that are saved instead.
    """

    begin: int
    end: int
    layer: str | None
    inputs: tuple[int, ...]


@dataclass
class Recording:
    """The calls of one forward pass with its loss.

    Attributes:
        storage: per value, the number of its storage.
        nbytes: per value, what it would take if it had a storage of its own.
        storage_bytes: per storage.
        born: per storage, the call that made it; -1 for parameters, buffers and the batch.
        died: per storage, the number of calls made before Python let go of it; absent when it outlived the forward.
        parameters: value by parameter name.
        loss: value of the loss.
        segments: enterings and leavings of modules, as the segment that began then belongs to this module.
        regions: calls under gradient checkpointing.
        asking: values that the model makes need a gradient, whatever trains.
        lasting: storages that modules have kept for the next forward pass.
    """

    calls: list[RecordedCall] = field(default_factory=list)
    storage: list[int] = field(default_factory=list)
    nbytes: list[int] = field(default_factory=list)
    storage_bytes: list[int] = field(default_factory=list)
    born: list[int] = field(default_factory=list)
    died: dict[int, int] = field(default_factory=dict)
    parameters: dict[str, int] = field(default_factory=dict)
    loss: int = -1
    segments: list[str] = field(default_factory=lambda: [""])
    regions: list[RecordedRegion] = field(default_factory=list)
    asking: list[int] = field(default_factory=list)
    lasting: list[int] = field(default_factory=list)


class Recorder(TorchDispatchMode):
    """Writes down every operation below autograd. Use it inside a `FakeTensorMode`."""

    def __init__(self) -> None:
        super().__init__()
        self.recording = Recording()
        self.own_sums = bias.OwnSums()
        self.over = self.paused = False
        self._flops = 0  # since it was paused
        self._writes = 0  # operations in place that a gradient passes through, so far
        self._written: dict[int, int] = {}  # storage -> the number of the last such operation on it
        self._storages: dict[int, int] = {}
        self._stack = [""]
        self._alone: tuple[str, set[int]] | None = None  # what is written down whole, and the storages that it has
        self._token = object()  # a tensor that an earlier recording has numbered is a new one here

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # nothing is compiled here, and the guard would be entered at every operation

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function is DEVICE:
            return function(*args)
        kwargs = kwargs or {}
        if self.paused:
            result = run(function, args, kwargs)
            self._flops += flops(function, args, kwargs, result)
            if self._alone and function is not aten.detach.default:  # which says that no gradient is wanted
                self._check_alone(self._alone, args, kwargs, result)
            return result
        values = tuple(self.value(tensor) for tensor in tensors_in((args, kwargs)))
        signature = Signature(function, described(args, kwargs), torch.is_grad_enabled()) if values else None
        if function is torch.ops.aten.rand.default and not args[0]:
            return torch.tensor(1.0)  # the draw that decides whether a layer is skipped: it is not
        adds_bias = function is bias.ADD and not kwargs and self._ends_a_product(args)
        result = bias.add_in_place(*args) if adds_bias else run(function, args, kwargs)
        if outputs := tensors_in(result):
            if signature is None:
                signature = Signature(function, described(args, kwargs), False)
            count = flops(function, args, kwargs, result)
            if signature.graph and _writes(function) and any(t.requires_grad for t in tensors_in((args, kwargs))):
                self._write(function, args, kwargs, values, signature, count)
            elif not signature.graph and _writes(function) and values and outputs[0] is args[0]:
                self._call(signature, values, values[:1], count)  # autograd does not see it: the value stays
            else:
                self._append(signature, values, outputs, count)
        return result

    def _ends_a_product(self, args: tuple) -> bool:
        """Whether a layer, and no Python code, adds its bias to what it has just multiplied."""
        calls = self.recording.calls
        if self.own_sums.inside or not calls or not bias.may_be_bias(*args):
            return False
        return calls[-1].signature.name in bias.PRODUCTS and calls[-1].outputs == (self.value(args[0]),)

    def _write(
        self, function: Any, args: tuple, kwargs: dict, values: tuple[int, ...], signature: Signature, count: int
    ) -> None:
        """Write an operation in place down; where it writes into a view, as one on the view's base."""
        view, base = args[0], args[0]._base
        if base is not None:
            geometry = self._geometry(view, base)
            signature = Signature(ViewWrite(function), described((base, *geometry, *args[1:]), kwargs), True)
            values = (self.value(base), *values[1:])
        self._writes += 1
        written = view if base is None else base
        self._append(signature, values, [written], count)
        self._written[self.recording.storage[getattr(written, TAG)[1]]] = self._writes

    @staticmethod
    def _geometry(view: Tensor, base: Tensor) -> tuple[tuple, tuple, int]:
        """Where a view stands in its base."""
        if view.dtype != base.dtype:
            raise NotFollowed(
                "It writes into a view of another type ({view} of {base}).", view=view.dtype, base=base.dtype
            )
        return tuple(view.shape), view.stride(), int(view.storage_offset() - base.storage_offset())

    def whole(
        self, function: Callable, args: tuple, kwargs: dict, run: Callable[[], Any], graph: bool | None = None
    ) -> Any:
        """Write an operation down that is made of several, without these; `run` carries it out.

        `graph` says whether autograd makes a node of it; None: where gradients are enabled now.
        """
        if self.paused:
            return run()
        values = tuple(self.value(tensor) for tensor in tensors_in((args, kwargs)))
        self.paused, self._flops = True, 0
        result = run()
        self.paused = False
        graph = torch.is_grad_enabled() if graph is None else graph
        signature = Signature(function, described(args, kwargs), graph)
        self._append(signature, values, tensors_in(result), self._flops)
        return result

    @contextmanager
    def alone(self, name: str, given: Sequence[Tensor]) -> Iterator[None]:
        """Refuse what reads, while it is written down whole, more that may need a gradient than it was given.

        Raises:
            NotFollowed: `name` does.
        """
        self._alone = name, {tensor.untyped_storage()._cdata for tensor in given}
        try:
            yield
        finally:
            self._alone = None

    @staticmethod
    def _check_alone(alone: tuple[str, set[int]], args: tuple, kwargs: dict, result: object) -> None:
        name, known = alone
        if any(t.requires_grad and t.untyped_storage()._cdata not in known for t in tensors_in((args, kwargs))):
            raise NotFollowed(
                "{name} writes its own backward step, and reads what trains without being given it.", name=name
            )
        known.update(tensor.untyped_storage()._cdata for tensor in tensors_in(result))

    def _append(self, signature: Signature, inputs: tuple[int, ...], outputs: list[Tensor], count: int) -> None:
        made = tuple(self._new_value(tensor, len(self.recording.calls)) for tensor in outputs)
        self._call(signature, inputs, made, count)

    def _call(self, signature: Signature, inputs: tuple[int, ...], made: tuple[int, ...], count: int) -> None:
        segment = len(self.recording.segments) - 1
        self.recording.calls.append(RecordedCall(signature, inputs, made, self.layer, segment, count))

    def value(self, tensor: Tensor) -> int:
        """The number of a tensor's value; a tensor never seen before was there from the start."""
        token, number, written = getattr(tensor, TAG, (None, -1, 0))
        if token is not self._token:
            return self._new_value(tensor, -1)
        if self._writes and written < self._written.get(self.recording.storage[number], 0):
            base = tensor._base
            if base is not None and torch.is_grad_enabled():
                return self._view_again(tensor, base)
        return number

    def _view_again(self, view: Tensor, base: Tensor) -> int:
        """A view whose storage was written since: autograd gives it a new node on its base, when it is read."""
        signature = Signature(aten.as_strided.default, described((base, *self._geometry(view, base)), {}), True)
        self._append(signature, (self.value(base),), [view], 0)
        return getattr(view, TAG)[1]

    def note_lasting(self, model: nn.Module) -> None:
        """Note what this forward pass has made and the modules still have."""
        for module in model.modules():
            for tensor in tensors_in(vars(module)):
                token, value, _ = getattr(tensor, TAG, (None, -1, 0))
                if token is self._token and self.recording.born[number := self.recording.storage[value]] >= 0:
                    self.recording.lasting.append(number)

    @property
    def layer(self) -> str:
        """Path of the module at work."""
        return self._stack[-1]

    def parameter(self, name: str, tensor: Tensor) -> None:
        """Number a parameter before the forward pass."""
        self.recording.parameters[name] = self._new_value(tensor, -1)

    def _new_value(self, tensor: Tensor, call: int) -> int:
        recording = self.recording
        storage = tensor.untyped_storage()
        key = storage._cdata
        number = self._storages.get(key)
        if number is None:
            number = self._storages[key] = len(recording.storage_bytes)
            recording.storage_bytes.append(storage.nbytes())
            recording.born.append(call)
            weakref.finalize(storage, self._ended, key, number)
        value = len(recording.storage)
        recording.storage.append(number)
        recording.nbytes.append(tensor.numel() * tensor.element_size())
        setattr(tensor, TAG, (self._token, value, self._writes))
        return value

    def _ended(self, key: int, number: int) -> None:
        self._storages.pop(key, None)
        if not self.over:
            self.recording.died[number] = len(self.recording.calls)

    @contextmanager
    def following(self, model: nn.Module) -> Iterator[None]:
        """Note which module each operation belongs to."""
        handles = []
        for path, module in model.named_modules():
            handles.append(module.register_forward_pre_hook(self._entered(path)))
            handles.append(module.register_forward_hook(self._left, always_call=True))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _entered(self, path: str) -> Callable:
        def enter(module: nn.Module, inputs: tuple) -> None:
            self._stack.append(path)
            self.recording.segments.append(path)

        return enter

    def _left(self, module: nn.Module, inputs: tuple, output: object) -> None:
        if len(self._stack) > 1:
            self._stack.pop()
        self.recording.segments.append(self._stack[-1])


@cache
def _writes(function: Any) -> bool:
    """Whether an operation changes the values of its first argument, as `copy_` does and `t_` does not."""
    arguments = function._schema.arguments
    alias = arguments[0].alias_info if arguments and not arguments[0].kwarg_only else None
    return bool(alias and alias.is_write) and torch.Tag.inplace_view not in function.tags


def _nothing(tensor: Any) -> Any:
    """What is saved, and what comes of it: a recording has no backward pass."""


def _note_strided(calls: list[RecordedCall]) -> None:
    """Note of which LSTM layers' outputs the gradient comes back through a transpose or a concatenation."""
    for index, call in enumerate(calls):
        if call.signature.function is recurrent.FORWARD:
            readers = {reader.signature.name for reader in calls[index:] if call.outputs[0] in reader.inputs}
            call.signature = replace(call.signature, strided=not readers.isdisjoint(("transpose", "cat")))


def _note_unfolded(calls: list[RecordedCall]) -> None:
    """Note which matrix products in half precision on a CPU run as many small ones where their weight is frozen.

    `matmul` of a strided input of three dimensions or more and a matrix copies the input and takes one product only
    where the matrix needs a gradient, as all do here; else it expands the matrix, and the kernel copies it for each.
    Sources: `should_fold` in aten/src/ATen/native/LinearAlgebra.cpp, and the CPU's allocator for the copies.
    """
    for clone, view, product in zip(calls, calls[1:], calls[2:], strict=False):
        names = clone.signature.name, view.signature.name, product.signature.name
        if names != ("clone", "_unsafe_view", "mm") or product.inputs[0] != view.outputs[0]:
            continue
        shape = clone.signature.shapes()[0]
        if view.inputs[0] == clone.outputs[0] and shape.device.type == "cpu" and shape.dtype in HALF:
            product.signature = replace(product.signature, unfolded=math.prod(shape.size[:-2]))


def record(
    model: nn.Module,
    step: Callable[[Recorder], Tensor],
    fake_mode: AbstractContextManager,
    modes: Callable[[Recorder], Sequence[AbstractContextManager]],
) -> Recording:
    """Run `step`, which returns the loss, on a fake model under `modes` (outer to inner), and record it."""
    recorder = Recorder()
    for name, parameter in model.named_parameters():
        recorder.parameter(name, parameter)
    collects = gc.isenabled()
    gc.disable()  # a collection at a moment of its own choosing would move the end of a storage
    try:
        with ExitStack() as stack:
            stack.enter_context(fake_mode)
            stack.enter_context(torch.autograd.graph.saved_tensors_hooks(*[_nothing] * 2))
            stack.enter_context(recorder.following(model))
            stack.enter_context(recorder)
            for mode in modes(recorder):
                stack.enter_context(mode)
            loss = step(recorder)
        recorder.recording.loss = recorder.value(loss)
        recorder.over = True  # the loss lives on
        recorder.note_lasting(model)
        _note_strided(recorder.recording.calls)
        _note_unfolded(recorder.recording.calls)
    finally:
        if collects:
            gc.enable()
    return recorder.recording
