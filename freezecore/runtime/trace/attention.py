"""Attention as one operation, where what it is made of depends on what trains.

`scaled_dot_product_attention` takes a kernel that saves nothing of the scores, unless its mask needs a gradient: a
position bias that trains, as BEiT's. So such a call is written down whole, and each set of inputs that may need a
gradient is tried on fake tensors, where torch chooses the kernel as it would for real ones. What follows is recorded as
it is behind the first kernel, whose result is laid out so that joining the heads copies nothing; behind the other they
are copied, but then the copy is saved and not the result.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor
from torch._subclasses import FakeTensorMode
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from freezecore._trace import BackwardResult, SavedTensors
from freezecore.runtime.trace import cuda
from freezecore.runtime.trace.probing import Allocations, key_of, leaf_of
from freezecore.runtime.trace.record import Recorder
from freezecore.runtime.trace.signature import Signature

ATTENTION = F.scaled_dot_product_attention
ARGUMENTS = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal")


class WholeAttention(TorchFunctionMode):
    """Has the recorder write attention down whole where its mask asks for a gradient; on CUDA, by the kernel that a
    card of this compute capability would run."""

    def __init__(self, recorder: Recorder, capability: cuda.Capability) -> None:
        super().__init__()
        self.recorder, self.capability = recorder, capability

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function is not ATTENTION:
            return function(*args, **kwargs)
        given = dict(zip(ARGUMENTS, args, strict=False)) | kwargs
        device = given["query"].device.type
        if device == "cuda":
            return cuda.attention(cuda.AttentionCall(**given), self.capability)
        mask = given.get("attn_mask")
        if not isinstance(mask, Tensor) or not mask.requires_grad:
            return function(*args, **kwargs)
        if torch.is_autocast_enabled(device):  # it casts what attention is given, and is off inside
            given = {name: _cast(value, torch.get_autocast_dtype(device)) for name, value in given.items()}
        with torch.autocast(device, enabled=False):
            run = partial(function, **(given | {"attn_mask": given["attn_mask"].detach()}))
            return self.recorder.whole(function, (), given, run)


def _cast(value: object, dtype: torch.dtype) -> object:
    return value.to(dtype) if isinstance(value, Tensor) and value.is_floating_point() else value


class WholeProbe:
    """An operation made of several, run once on fake leaves of its own device."""

    def __init__(self, signature: Signature, needs: int) -> None:
        self._fake = FakeTensorMode()
        self._new: dict[int, Tensor] = {}  # storages kept that are neither inputs nor outputs
        with self._fake:
            self.leaves = [leaf_of(shape, needs >> i & 1, shape.device) for i, shape in enumerate(signature.shapes())]
            args, kwargs = signature.rebuilt(self.leaves)
            packed: dict[int, int] = {}

            def pack(tensor: Tensor) -> Tensor:
                packed[key_of(tensor)] = tensor.untyped_storage().nbytes()
                self._new.setdefault(key_of(tensor), tensor)
                return tensor

            with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor), Allocations() as watch:
                self.output = signature.function(*args, **kwargs)
        self.saved = self._sorted(packed, watch.peak) if self.output.requires_grad else SavedTensors()

    def _sorted(self, packed: dict[int, int], peak: int) -> SavedTensors:
        inputs = {key_of(tensor): i for i, tensor in reversed(list(enumerate(self.leaves)))}
        output = key_of(self.output)
        self._new = {key: tensor for key, tensor in self._new.items() if key not in inputs and key != output}
        new = tuple(packed[key] for key in self._new)
        made = self.output.untyped_storage().nbytes() + sum(new)
        return SavedTensors(
            (0,),
            tuple(sorted(inputs[key] for key in packed if key in inputs)),
            (0,) if output in packed else (),
            new,
            max(0, peak - made),
        )

    def backward(self, received: int) -> BackwardResult:
        """Run its backward nodes, which let go of what each kept, and of the gradient given, as they go."""
        given = self.output.numel() * self.output.element_size()
        kept = given + sum(tensor.untyped_storage().nbytes() for tensor in self._new.values())
        needing = [i for i, leaf in enumerate(self.leaves) if leaf.requires_grad]
        with self._fake:
            watch = Allocations()
            while self._new:  # no name here may hold one of them
                watch.meet(self._new.popitem()[1].untyped_storage())
            behind, self.output = _Behind.apply(self.output), None
            with watch:
                results = torch.autograd.grad(behind, [self.leaves[i] for i in needing], allow_unused=True)
        new: dict[int, int] = {}
        gradients: list[int | None] = [None] * len(self.leaves)
        for i, result in zip(needing, results, strict=True):
            if result is not None:
                gradients[i] = new.setdefault(key_of(result), len(new))
        sizes = {key_of(r): r.untyped_storage().nbytes() for r in results if r is not None}
        return BackwardResult(
            max(0, watch.peak - kept), tuple(sizes[key] for key in new), tuple(gradients), watch.flops
        )


class _Behind(torch.autograd.Function):
    """Hands a gradient back that nobody but the engine holds."""

    @staticmethod
    def forward(context, output: Tensor) -> Tensor:
        context.like = output.shape, output.dtype, output.device
        return output.new_empty(())

    @staticmethod
    def backward(context, gradient: Tensor) -> Tensor:
        shape, dtype, device = context.like
        return torch.empty(shape, dtype=dtype, device=device)
