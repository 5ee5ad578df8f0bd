"""Probing: one operation alone, to see what autograd saves for it and what its backward step makes.

Which tensors autograd saves for an operation depends on which of its inputs need a gradient, in ways that no table gets
right (of a convolution it saves the input even when only the bias trains). So each combination is tried once on meta
tensors, and autograd itself says what it saves: at this level an operation is already that of its device, and its node
the same everywhere, so the meta device, which is many times faster than a fake one, shows the truth.

What is found is told in a trace's own classes, with bytes and operations where a trace has indices of amounts.
"""

from __future__ import annotations

import weakref
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from freezecore._trace import BackwardResult, SavedTensors
from freezecore.runtime.tensors import tensors_in
from freezecore.runtime.trace import kernels
from freezecore.runtime.trace.fake import BatchNormShapes, run
from freezecore.runtime.trace.signature import Signature, TensorShape, flops

aten = torch.ops.aten
IN_PLACE = {
    aten.scatter.src: aten.scatter_.src,
    aten.scatter_add.default: aten.scatter_add_.default,
    aten.index_add.default: aten.index_add_.default,
    aten.index_put.default: aten.index_put_.default,
    aten.masked_scatter.default: aten.masked_scatter_.default,
    aten.index_fill.int_Scalar: aten.index_fill_.int_Scalar,
}


class Allocations(TorchDispatchMode):
    """Counts the bytes of storages that come to life under it, as they come and go.

    Attributes:
        live: bytes alive now.
        peak: most bytes alive at once.
        flops: floating-point operations done.
        rounding: every storage takes a multiple of this.
        promotes: elementwise operations copy what is of another type than the others, as on a CPU.
    """

    def __init__(self, rounding: int = 1, *, promotes: bool = False) -> None:
        super().__init__()
        self.promotes = promotes
        self.live = self.peak = self.flops = 0
        self.rounding = rounding
        self._known: set[int] = set()
        self._made: set[int] = set()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        for tensor in tensors_in((args, kwargs)):
            self._known.add(tensor.untyped_storage()._cdata)
        result = run(function, args, kwargs)
        for tensor in tensors_in(result):
            self.meet(tensor.untyped_storage())
        if self.promotes and kernels.promotes(function):
            self.peak = max(self.peak, self.live + kernels.promoted_bytes(function, args))
        self.flops += flops(function, args, kwargs, result)
        return result

    def meet(self, storage) -> None:
        """Count a storage, if it is new, until it goes."""
        key = storage._cdata
        if key not in self._known:
            self._known.add(key)
            self._made.add(key)
            nbytes = -(-storage.nbytes() // self.rounding) * self.rounding
            weakref.finalize(storage, self._ended, key, nbytes)
            self.live += nbytes
            self.peak = max(self.peak, self.live)

    def made(self, tensor: Tensor) -> bool:
        """Whether a tensor's storage came to life under it, and is there."""
        return key_of(tensor) in self._made

    def _ended(self, key: int, nbytes: int) -> None:
        self._known.discard(key)
        self._made.discard(key)
        self.live -= nbytes


class BackwardAllocations(Allocations):
    """The same in a backward node, whose formula fills zeros that it has just made.

    Autograd writes them in place (`gather`, indexing, `max` over a dimension, `sort`), but where a dispatch mode is
    about it makes a tensor more of them (`areAnyTensorSubclassLike` in torch/csrc/autograd/FunctionsManual.cpp).
    """

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        filled = IN_PLACE.get(function)
        if filled is not None and args[0].untyped_storage()._cdata in self._made:
            return super().__torch_dispatch__(filled, types, args, kwargs)
        return super().__torch_dispatch__(function, types, args, kwargs)


class OperationProbe:
    """One operation run once on leaves without values, of which those in the bit set `needs` need a gradient."""

    def __init__(self, signature: Signature, needs: int) -> None:
        shapes = signature.shapes()
        self.on_cpu = shapes[0].device.type == "cpu"
        self.leaves = [leaf_of(shape, needs >> i & 1) for i, shape in enumerate(shapes)]
        # an operation may not change a leaf in place, so each operation gets the leaves' images
        mutable = signature.function._schema.is_mutable
        self.given = [leaf.clone() if mutable and leaf.requires_grad else leaf for leaf in self.leaves]
        packed: list[Tensor] = []

        def pack(tensor: Tensor) -> Tensor:
            packed.append(tensor)
            return tensor

        args, kwargs = signature.rebuilt(self.given)
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor), BatchNormShapes():
            self.outputs = tensors_in(signature.function(*args, **kwargs))
        self.needing = tuple(i for i, output in enumerate(self.outputs) if output.requires_grad)
        self.saved = self._sorted(packed) if self.needing else SavedTensors()

    def _sorted(self, packed: list[Tensor]) -> SavedTensors:
        inputs = {key_of(tensor): i for i, tensor in reversed(list(enumerate(self.given)))}
        outputs = {key_of(tensor): i for i, tensor in reversed(list(enumerate(self.outputs)))}
        storages = {key_of(tensor): tensor.untyped_storage().nbytes() for tensor in packed}
        return SavedTensors(
            self.needing,
            tuple(sorted(inputs[key] for key in storages if key in inputs)),
            tuple(sorted(outputs[key] for key in storages if key in outputs and key not in inputs)),
            tuple(size for key, size in storages.items() if key not in inputs and key not in outputs),
        )

    def backward(self, received: int) -> BackwardResult:
        """Run its backward node as the engine would, for gradients of the outputs in the bit set `received`."""
        node: Any = self.outputs[self.needing[0]].grad_fn
        grads = self._gradients(node, received)
        watch = BackwardAllocations(promotes=self.on_cpu)
        with torch.no_grad(), self._around(), watch:
            results = self._stepped(node, grads)
            targets = [self._target(edge) for edge, _ in node.next_functions]
            for i, target in enumerate(targets):
                if target is not None and (result := results[i]) is not None:
                    results[i] = _fitted(result, self.leaves[target])
        return self._read(watch, results, targets, grads)

    def _gradients(self, node: Any, received: int) -> list[Tensor | None]:
        """What the node is given, an entry for each gradient that it takes."""
        return [
            gradient_of(output) if received >> i & 1 else None
            for i, output in enumerate(self.outputs)
            if output.requires_grad or len(node._input_metadata) == len(self.outputs)
        ]

    def _stepped(self, node: Any, grads: list[Tensor | None]) -> list[Tensor | None]:
        """What the node makes of these, an entry for each of its edges."""
        results = node(*grads[: len(node._input_metadata)])
        return list(results) if isinstance(results, tuple) else [results]

    def _around(self) -> AbstractContextManager:
        """The mode that its tensors want."""
        return nullcontext()

    def _target(self, edge) -> int | None:
        """Which input a backward edge leads to."""
        if edge is None:
            return None
        if not hasattr(edge, "variable"):  # the image of a leaf
            edge = edge.next_functions[0][0]
        return next((i for i, leaf in enumerate(self.leaves) if leaf is edge.variable), None)

    def _read(self, watch: Allocations, results: list, targets: list, grads: list) -> BackwardResult:
        received = {key_of(grad): ~i for i, grad in enumerate(grads) if grad is not None}
        new: dict[int, int] = {}
        sizes: list[int] = []
        gradients: list[int | None] = [None] * len(self.leaves)
        views = 0
        for result, target in zip(results, targets, strict=False):
            if target is None or result is None:
                continue
            key = key_of(result)
            views |= result._is_view() << target
            if key not in received and key not in new:
                new[key] = len(sizes)
                sizes.append(result.untyped_storage().nbytes())
            gradients[target] = received.get(key, new.get(key))
        return BackwardResult(watch.peak, tuple(sizes), tuple(gradients), watch.flops, views)


def leaf_of(shape: TensorShape, needs: int, device: torch.device | str = "meta") -> Tensor:
    """A tensor of this shape that asks for a gradient where `needs` is set."""
    leaf = torch.empty_strided(shape.size, shape.stride, dtype=shape.dtype, device=device)
    return leaf.requires_grad_() if needs else leaf


def gradient_of(tensor: Tensor) -> Tensor:
    """A gradient for this tensor; its strides are the tensor's own, unless it repeats or skips elements."""
    strides = torch.empty_like(tensor, device="meta").stride()
    return torch.empty_strided(tensor.shape, strides, dtype=tensor.dtype, device=tensor.device)


def _fitted(grad: Tensor, leaf: Tensor) -> Tensor:
    """A gradient as the engine passes it on: summed over what was broadcast, in the input's own type."""
    if grad.shape != leaf.shape:
        grad = grad.sum_to_size(leaf.shape)
    return grad.to(leaf.dtype) if grad.dtype != leaf.dtype else grad


def key_of(tensor: Tensor) -> int:
    """What tells its storage from others."""
    return tensor.untyped_storage()._cdata
