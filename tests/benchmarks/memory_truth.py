"""What a training step really takes: the step itself, run on fake tensors or for real, with its allocations counted."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from unittest import mock

import torch
from torch import nn
from torch._subclasses import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from freezecore.runtime.inputs.own import Inputs
from freezecore.runtime.tensors import tensors_in
from freezecore.runtime.trace.checkpoints import enable
from freezecore.runtime.trace.fake import fake_copy
from freezecore.runtime.trace.loss import find_output, loss_function, targets
from freezecore.workload import Workload

AUTOCAST = {"bf16-autocast": torch.bfloat16, "fp16-autocast": torch.float16}


@dataclass(frozen=True)
class Truth:
    """Bytes at the peak of one step in steady state, and floating-point operations of its two passes."""

    peak_bytes: int
    flops_forward: int | None = None
    flops_backward: int | None = None


class Step:
    """One training step of a model under a mask, on whatever tensors the model has."""

    def __init__(self, model: nn.Module, trains: set[str], held: Iterable[str], workload: Workload, shifted: bool):
        self.model, self.workload, self.shifted = model, workload, shifted
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(name in trains)
        model.train()
        for path in held:
            model.get_submodule(path).training = False
        if workload.checkpointing:
            enable(model, type(model).__name__)
        self.optimizer = optimizer(workload, [p for p in model.parameters() if p.requires_grad])

    def load(self, inputs: Inputs) -> None:
        """Make the batch and its targets."""
        self.args, self.kwargs = inputs(self.workload.batch_size, self.workload.device)
        modes = {name: module.training for name, module in self.model.named_modules()}
        self.model.eval()
        with torch.no_grad():
            self.kind, outputs = find_output(self.model(*self.args, **self.kwargs))
        self.wanted = targets(self.kind, outputs)
        self.model.train()  # what modules kept from eval mode goes
        for name, module in self.model.named_modules():
            module.training = modes[name]

    def forward(self) -> torch.Tensor:
        dtype = AUTOCAST.get(self.workload.precision)
        with torch.autocast(self.workload.device, dtype) if dtype else nullcontext():
            outputs = find_output(self.model(*self.args, **self.kwargs))[1]
            return loss_function(self.kind, self.shifted)(outputs, self.wanted)

    def run(self, between: Callable[[], None] = lambda: None) -> None:
        loss = self.forward()
        between()
        if loss.requires_grad:  # nothing that trains reaches it otherwise
            loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def warm_up(self) -> None:
        """Let the optimizer make its state, for parameters that get a gradient at all."""
        loss = self.forward()
        if not loss.requires_grad:
            return
        trained = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        reached = torch.autograd.grad(loss, trained, allow_unused=True)
        for parameter, gradient in zip(trained, reached, strict=True):
            parameter.grad = gradient
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def standing(self) -> Iterable[torch.Tensor]:
        """Tensors that are there before the step; some modules keep what they computed once, as LeViT's do."""
        yield from self.model.parameters()
        yield from self.model.buffers()
        for module in self.model.modules():
            yield from tensors_in(vars(module))
        yield from tensors_in([*self.args, *self.kwargs.values(), self.wanted])
        for state in self.optimizer.state.values():
            yield from (item for item in state.values() if isinstance(item, torch.Tensor))


def flop_counter() -> FlopCounterMode:
    """A counter that leaves gradients alone: to tell modules apart, torch's own holds the gradient of each of a
    module's inputs back until that of the last has arrived, which raised peaks by up to 0.7 %."""
    counter = FlopCounterMode(display=False, custom_mapping={torch.ops.aten.convolution_backward: convolution_backward})
    counter.mod_tracker = Untracked()
    return counter


def convolution_backward(gradient, pictures, weight, *rest, out_shape=None) -> int:
    """As many as the forward for each gradient; torch's own takes a grouped weight's gradient for a dense one's."""
    transposed, mask = rest[4], rest[7]
    return 2 * gradient[0] * math.prod(weight) * math.prod((pictures if transposed else gradient)[2:]) * sum(mask[:2])


class Untracked:
    """A module tracker that sees no module."""

    parents = frozenset({"Global"})

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        pass


def optimizer(workload: Workload, parameters: list) -> torch.optim.Optimizer:
    foreach, fused = workload.step_implementation == "foreach", workload.step_implementation == "fused"
    if workload.optimizer == "adamw":
        return torch.optim.AdamW(parameters, foreach=foreach, fused=fused)
    momentum = 0.9 if workload.optimizer == "sgd-momentum" else 0.0
    return torch.optim.SGD(parameters, lr=0.01, momentum=momentum, foreach=foreach, fused=fused)


class Watch(TorchDispatchMode):
    """Sums the storages that are alive, each counted once, from `standing` on."""

    def __init__(self, standing: Iterable[torch.Tensor], block: int = 1) -> None:
        super().__init__()
        self.live = self.peak = 0
        self.block = block
        self._alive: set[int] = set()
        for tensor in standing:
            self._see(tensor)

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else (result,):
            if isinstance(tensor, torch.Tensor):
                self._see(tensor)
        return result

    def _see(self, tensor: torch.Tensor) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._alive:
            return
        self._alive.add(key)
        nbytes = -(-storage.nbytes() // self.block) * self.block
        self.live += nbytes
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._gone, key, nbytes)

    def _gone(self, key: int, nbytes: int) -> None:
        self._alive.discard(key)
        self.live -= nbytes


def on_fake(
    model: nn.Module, trains: set[str], held: Iterable[str], workload: Workload, inputs: Inputs, shifted: bool
) -> Truth:
    """The second step on fake tensors; sums of gradients are never made in place there."""
    fake_mode = FakeTensorMode(allow_non_fake_inputs=True)
    dtype = torch.bfloat16 if workload.precision == "bf16" else None
    fake = fake_copy(model, fake_mode, workload.device, dtype)
    counter = mock.patch("torch.optim.adam._get_value", lambda step: 1.0)  # a fake step counter has no value
    flops: list[int] = []
    with counter, fake_mode:
        step = Step(fake, trains, held, workload, shifted)
        step.load(inputs)
        step.warm_up()
        with flop_counter() as counted:
            block = 512 if workload.device == "cuda" else 1
            with Watch(step.standing(), block) as watch:
                step.run(lambda: flops.append(counted.get_total_flops()))
    return Truth(watch.peak, flops[0], counted.get_total_flops() - flops[0])


def on_cpu(
    model: nn.Module, trains: set[str], held: Iterable[str], workload: Workload, inputs: Inputs, shifted: bool
) -> Truth:
    """The second step for real, as the profiler sees the allocator."""
    step = Step(model, trains, held, workload, shifted)
    step.load(inputs)
    step.run()
    standing = {t.untyped_storage()._cdata: t.untyped_storage().nbytes() for t in step.standing()}
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        step.run()
    return Truth(sum(standing.values()) + highest_bytes(profile))


def highest_bytes(profile: torch.profiler.profile, since_ns: int = 0) -> int:
    """Most bytes alive from `since_ns` on beyond those from before the profile: the allocator's own sums, which hold
    in whatever order and with whatever gap the profiler's clock notes its events."""
    waiting, totals = list(profile.profiler.kineto_results.experimental_event_tree()), []
    while waiting:
        event = waiting.pop()
        waiting += event.children
        if event.tag == torch._C._profiler._EventType.Allocation:
            totals.append((event.start_time_ns, event.extra_fields.total_allocated, event.extra_fields.alloc_size))
    _, total, size = min(totals)
    return max(total for when, total, _ in totals if when > since_ns) - (total - size)


def on_cuda(
    model: nn.Module, trains: set[str], held: Iterable[str], workload: Workload, inputs: Inputs, shifted: bool
) -> tuple[Truth, int]:
    """The second step on a GPU: allocated and reserved bytes at the peak."""
    step = Step(model.cuda(), trains, held, replace(workload, device="cuda"), shifted)
    step.load(inputs)
    step.run()
    torch.cuda.reset_peak_memory_stats()
    step.run()
    torch.cuda.synchronize()
    return Truth(torch.cuda.max_memory_allocated()), torch.cuda.max_memory_reserved()
