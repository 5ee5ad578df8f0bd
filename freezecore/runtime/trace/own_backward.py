"""Backward steps that a model's code writes itself (`torch.autograd.Function`), as BLOOM's and many a Swish's.

The forward part of such a class runs without autograd, so call by call no gradient would pass through it. It is written
down as one operation, and tried alone like any other: its own `forward` says what it keeps (`save_for_backward`) and
its own `backward` what it makes. Code may hold on to `Swish.apply` long before a step is followed, which is torch's own
C function (`THPFunction_apply` in torch/csrc/autograd/python_function.cpp): it reads `_backward_cls` of the class first
and calls `forward` later, by that name, so that is where a recording comes between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cached_property
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch._subclasses import FakeTensorMode
from torch._subclasses.fake_tensor import FakeTensor
from torch.autograd.function import FunctionCtx, FunctionMeta

from freezecore._trace import SavedTensors
from freezecore.runtime.tensors import tensors_in
from freezecore.runtime.trace import cuda
from freezecore.runtime.trace.probing import Allocations, OperationProbe, gradient_of, key_of, leaf_of
from freezecore.runtime.trace.record import NotFollowed, Recorder
from freezecore.runtime.trace.signature import Signature

OURS = "freezecore"


@dataclass(frozen=True)
class OwnFunction:
    """A class that writes its own backward step, and all that it is given besides tensors: what an operation is.

    Attributes:
        written: the class.
        given: its arguments as what tells one call from another, each tensor a place.
        autocast: device and type of the autocast around it, None without.
        card: compute capability of the card that is taken to be there; None on a CPU.
        arguments: the arguments themselves, each tensor replaced by `PLACE`.
        mode: the fake mode of its tensors.
    """

    written: type
    given: object
    autocast: tuple[str, torch.dtype] | None
    card: cuda.Capability | None
    arguments: tuple = field(compare=False)
    mode: FakeTensorMode = field(compare=False)

    @classmethod
    def of(cls, written: type, arguments: tuple, tensors: list[Tensor]) -> OwnFunction:
        device = tensors[0].device.type
        autocast = (device, torch.get_autocast_dtype(device)) if torch.is_autocast_enabled(device) else None
        mode = next(tensor.fake_mode for tensor in tensors if isinstance(tensor, FakeTensor))
        emptied = tuple(_filled(item, lambda tensor: PLACE) for item in arguments)
        card = torch.cuda.get_device_capability() if device == "cuda" else None  # as the recording has it
        return cls(written, _told_apart(emptied), autocast, card, emptied, mode)

    @property
    def __name__(self) -> str:
        return self.written.__name__

    def __call__(self, *tensors: Tensor) -> object:
        """What the class makes of these tensors in their places."""
        waiting = iter(tensors)
        arguments = [_filled(item, lambda place: next(waiting)) for item in self.arguments]
        with (
            cuda.as_with_a_card(self.card) if self.card else nullcontext(),
            torch.autocast(*self.autocast) if self.autocast else nullcontext(),
        ):
            return self.written.apply(*arguments)  # type: ignore[attr-defined]

    @cached_property
    def positions(self) -> list[int | None]:
        """Per argument, which of the tensors it is; None for whatever is none, or holds some inside."""
        found, count = [], 0
        for item in self.arguments:
            found.append(count if item is PLACE else None)
            count += len(_places(item))
        return found


PLACE = object()  # stands for a tensor among the arguments


def _filled(item: Any, by: Callable[[Any], object]) -> Any:
    """An argument with each tensor or place in it, in the order of `tensors_in`, replaced."""
    if isinstance(item, Tensor) or item is PLACE:
        return by(item)
    if isinstance(item, dict):
        return {name: _filled(held, by) for name, held in item.items()}
    if isinstance(item, list | tuple):
        made = [_filled(held, by) for held in item]
        return type(item)(*made) if hasattr(item, "_fields") else type(item)(made)
    if isinstance(item, slice):
        return slice(*(_filled(part, by) for part in (item.start, item.stop, item.step)))
    if is_dataclass(item) and not isinstance(item, type) and _places(item):
        return replace(item, **{each.name: _filled(getattr(item, each.name), by) for each in fields(item)})
    return item


def _places(item: Any) -> list:
    """The tensors and places in an argument."""
    found: list = []
    if isinstance(item, Tensor) or item is PLACE:
        return [item]
    if isinstance(item, slice):
        item = [item.start, item.stop, item.step]
    if is_dataclass(item) and not isinstance(item, type):
        item = vars(item)
    for held in item.values() if isinstance(item, dict) else item if isinstance(item, list | tuple) else ():
        found += _places(held)
    return found


def _told_apart(item: object) -> object:
    """What tells an argument from others: its value, or which object it is where that cannot be hashed."""
    if isinstance(item, dict):
        return dict, tuple((name, _told_apart(held)) for name, held in item.items())
    if isinstance(item, list | tuple):
        return type(item), tuple(_told_apart(held) for held in item)
    try:
        hash(item)
    except TypeError:
        return type(item), id(item)  # which `arguments` keeps alive
    return type(item), item


@contextmanager
def following(recorder: Recorder) -> Iterator[None]:
    """Have each class that writes its own backward step written down as one operation where a gradient may pass."""
    plain = type.__getattribute__
    graph = [False]

    def looked_up(cls: type, name: str) -> Any:
        found = plain(cls, name)
        if name == "_backward_cls":
            graph[0] = torch.is_grad_enabled()  # which it no longer is when `forward` runs
        if name != "forward" or not graph[0] or recorder.paused or cls.__module__.partition(".")[0] == OURS:
            return found
        return _Followed(recorder, cls, found)

    with mock.patch.object(FunctionMeta, "__getattribute__", looked_up, create=True):
        yield


@dataclass(frozen=True)
class _Followed:
    """Stands for a class's `forward` while a step is recorded."""

    recorder: Recorder
    written: Any
    forward: Callable

    def __call__(self, *arguments: object) -> object:
        separate = self.written.setup_context is not torch.autograd.Function.setup_context
        given = arguments if separate else arguments[1:]  # else the first is the context
        tensors = tensors_in(given)
        if not any(isinstance(tensor, Tensor) and tensor.requires_grad for tensor in given):
            return self.forward(*arguments)
        function = OwnFunction.of(self.written, given, tensors)

        def run() -> object:
            result = self.forward(*arguments)
            return self._apart(result, given, () if separate else arguments[0])

        with self.recorder.alone(self.written.__name__, tensors):
            return self.recorder.whole(function, tuple(tensors), {}, run, graph=True)

    def _apart(self, result: object, given: tuple, context: Any) -> object:
        """The result; an argument that is handed back as it is becomes a view, as torch makes it one afterwards."""
        changed = [id(tensor) for tensor in getattr(context, "dirty_tensors", None) or ()]
        if any(id(tensor) in changed and tensor._is_view() for tensor in tensors_in(given)):
            raise NotFollowed("{name} writes its own backward step, and into a view.", name=self.written.__name__)
        inputs = [id(tensor) for tensor in tensors_in(given) if id(tensor) not in changed]

        def apart(item: object) -> object:
            return item.view_as(item) if isinstance(item, Tensor) and id(item) in inputs else item

        return tuple(map(apart, result)) if isinstance(result, tuple) else apart(result)


@contextmanager
def _noting_zeros(probe: OwnFunctionProbe) -> Iterator[None]:
    """Note whether a class wants zeros for gradients that did not arrive; its context can only be told, not asked."""

    def told(context: Any, value: bool) -> None:
        probe.zeros = value
        context.materialize_grads = value

    with mock.patch.object(FunctionCtx, "set_materialize_grads", told):
        yield


class OwnFunctionProbe(OperationProbe):
    """A class with its own backward step, run once on fake leaves of its own device.

    Attributes:
        inside: bytes of the most that is alive in its forward step beyond what it returns and keeps.
        zeros: its backward step gets zeros where no gradient arrived.
    """

    zeros = True

    def __init__(self, signature: Signature, needs: int) -> None:
        self._function: OwnFunction = signature.function
        self.on_cpu = signature.shapes()[0].device.type == "cpu"
        with self._function.mode, torch.enable_grad():
            self.leaves = [leaf_of(shape, needs >> i & 1, shape.device) for i, shape in enumerate(signature.shapes())]
            # a class may write into what it is given, but not into a leaf
            self.given = [leaf.clone() if leaf.requires_grad else leaf for leaf in self.leaves]
            packed: list[Tensor] = []

            def pack(tensor: Tensor) -> Tensor:
                packed.append(tensor)
                return tensor

            watch = Allocations(promotes=self.on_cpu)
            with _noting_zeros(self), torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor), watch:
                self.outputs = tensors_in(self._function(*self.given))
        self.needing = tuple(i for i, output in enumerate(self.outputs) if output.requires_grad)
        given = set(map(key_of, self.given))
        own = [tensor for tensor in packed if watch.made(tensor) or key_of(tensor) in given]
        self.saved = self._sorted(own) if self.needing else SavedTensors()
        made = {key_of(t): t.untyped_storage().nbytes() for t in self.outputs if watch.made(t)}
        self.inside = max(0, watch.peak - sum(made.values()) - sum(self.saved.new))
        self.saved = self.saved._replace(inside=self.inside or None) if self.needing else self.saved
        if self.needing and tensors_in(vars(self._node)):
            raise NotFollowed(
                "{name} keeps tensors for its backward step beside save_for_backward, as long as the step's graph is "
                "there.",
                name=self._function.__name__,
            )

    @property
    def _node(self) -> Any:
        return self.outputs[self.needing[0]].grad_fn

    def _gradients(self, node: Any, received: int) -> list[Tensor | None]:
        """One for each output."""
        with self._around():
            return [gradient_of(output) if received >> i & 1 else None for i, output in enumerate(self.outputs)]

    def _around(self) -> FakeTensorMode:
        return self._function.mode

    def _stepped(self, node: Any, grads: list[Tensor | None]) -> list[Tensor | None]:
        """The gradients of the tensors that are arguments themselves; what did not arrive is zeros where it asks."""
        filled = [
            torch.zeros_like(output) if grad is None and self.zeros else grad
            for grad, output in zip(grads, self.outputs, strict=True)
        ]
        results = node.apply(*filled)
        results = results if isinstance(results, tuple) else (results,)
        arguments = zip(self._function.positions, results, strict=False)
        return [result for position, result in arguments if position is not None]
