"""The proof that a freeze held: what was frozen is compared bit by bit, and the optimizer by identity.

What is compared    frozen parameters and the buffers of modules in which nothing trains (SHA-256 of their bytes),
                    gradients, the optimizer's parameters, modes of held modules, and `requires_grad` itself.
What is told        other state that moved beside what is frozen, of which rules say nothing (see `beside`).
What is not         whether a trainable parameter did move: a step of size 0 is no broken freeze; counters alone.
"""

from __future__ import annotations

import ctypes
import hashlib
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from freezecore.errors import ProofError, require
from freezecore.mask import Mask
from freezecore.probe import Proof
from freezecore.runtime.own.hold import applied
from freezecore.runtime.own.wrappers import unwrapped
from freezecore.runtime.tree.marks import SET_TO_ZERO
from freezecore.tree import LayerTree

CHUNK = 1 << 26  # bytes copied from a device at a time


class ProofCheck:
    """Remembers what must not move; `verify` says what did."""

    def __init__(self, model: nn.Module, mask: Mask) -> None:
        self.model = model
        self.mask = mask
        self.frozen = mask.names(trainable=False)
        self.before = {name: digest(tensor) for name, tensor in self._watched().items()}
        self.buffers = len(self.before) - len(self.frozen)
        self.before_beside = {name: digest(tensor) for name, tensor in beside(model, mask).items()}

    def verify(self, optimizer: torch.optim.Optimizer | None = None) -> Proof:
        """Compare with what was remembered; without an optimizer its membership is not checked."""
        now = self._watched()
        parameters = dict(self.model.named_parameters(remove_duplicate=False))
        found = {name: parameters[name] for name in self.frozen if name in parameters}
        strangers, missing, twice = self._membership(parameters, optimizer) if optimizer else ((), (), ())
        moved = [name for name, old in self.before.items() if name not in now or digest(now[name]) != old]
        if all(name not in self.frozen and name in now and _counts(now[name]) for name in moved):
            moved = []
        others = beside(self.model, self.mask)
        return Proof(
            parameters=len(self.frozen),
            buffers=self.buffers,
            changed=(*moved, *self._untied(parameters)),
            with_gradient=tuple(name for name, parameter in found.items() if parameter.grad is not None),
            optimizer_strangers=strangers,
            optimizer_missing=missing,
            optimizer_twice=twice,
            unfrozen=tuple(name for name, parameter in found.items() if parameter.requires_grad),
            modes=self._in_train_mode(),
            beside=tuple(n for n, old in self.before_beside.items() if n in others and digest(others[n]) != old),
        )

    def _watched(self) -> dict[str, Tensor]:
        """Frozen parameters, then buffers that must not change, by name."""
        parameters = dict(self.model.named_parameters(remove_duplicate=False))
        buffers = dict(self.model.named_buffers(remove_duplicate=False))
        watched: dict[str, Tensor] = {name: parameters[name] for name in self.frozen if name in parameters}
        return watched | {name: buffers[name] for name in self.mask.still if name in buffers}

    def _untied(self, parameters: dict[str, nn.Parameter]) -> list[str]:
        """Other names of frozen tensors that no longer stand for the same one."""
        frozen = [p for p, trains in zip(self.mask.tree.parameters, self.mask.trains, strict=True) if not trains]
        return [alias for p in frozen for alias in p.aliases if parameters.get(alias) is not parameters.get(p.name)]

    def _membership(self, parameters: dict[str, nn.Parameter], optimizer: torch.optim.Optimizer) -> tuple:
        """Names that the optimizer holds but must not, must hold but does not, and holds more than once."""
        name_of = {id(parameter): name for name, parameter in reversed(parameters.items())}
        counts = Counter(id(p) for group in optimizer.param_groups for p in group["params"])
        trains = {id(parameters[name]): name for name in self.mask.names() if name in parameters}
        strangers = tuple(
            name_of.get(key, "a parameter that the model does not have") for key in counts.keys() - trains
        )
        missing = tuple(name for key, name in trains.items() if key not in counts)
        return tuple(sorted(strangers)), missing, tuple(trains[k] for k, n in counts.items() if n > 1 and k in trains)

    def _in_train_mode(self) -> tuple[str, ...]:
        """Held modules that a `train()` has reached; asked while the model as a whole is in train mode."""
        modules = dict(self.model.named_modules(remove_duplicate=False))
        held = [(path, modules[path]) for path in self.mask.held if path in modules]
        return tuple(path for path, module in held if module.training and SET_TO_ZERO not in vars(module))


def beside(model: nn.Module, mask: Mask) -> dict[str, Tensor]:
    """State that no rule reaches or speaks of, in modules in which not everything trains, by name.

    Buffers whose module keeps no parameters and stands beside what is frozen and what trains; tensors that are plain
    attributes; and what is in modules that are kept in a Python list, where torch does not find them.
    """
    if all(mask.trains) or not any(mask.trains):
        return {}
    found: dict[str, Tensor] = {}
    known = {id(each) for each in (*model.modules(), *model.parameters(), *model.buffers())}
    said = {*mask.still, *(b.name for b in mask.tree.buffers if mask.state.get(b.owner) or mask.norms == "update")}
    bare = {b.name for b in mask.tree.state.parameters}
    for path, module in model.named_modules():
        if path in mask.tree.layer_at and mask.state_of(mask.carrier(path)) == "trainable":
            continue
        here = dict(module.named_buffers(path, recurse=False))
        found.update((name, buffer) for name, buffer in here.items() if name in bare - said and not _counts(buffer))
        # What spectral_norm, weight_norm and pruning make of parameters before each forward, which are watched.
        hooks = [vars(hook) for hook in module._forward_pre_hooks.values() if hasattr(hook, "__dict__")]
        made = {hook.get("name", hook.get("_tensor_name")) for hook in hooks}
        for name, value in vars(module).items() if not mask.state.get(path) else ():
            if name not in ("_parameters", "_buffers", "_modules", "train", *made):
                found.update(_kept(value, f"{path}.{name}".lstrip("."), known))
    return found


def _kept(value: object, name: str, known: set[int], deep: int = 2) -> Iterator[tuple[str, Tensor]]:
    """Tensors in an attribute, and in modules in it, without those that are the model's by torch's own account."""
    if id(value) in known:
        return
    if isinstance(value, Tensor):
        if not is_lazy(value) and value.device.type != "meta" and value.grad_fn is None:  # else what this step made
            yield name, value
    elif isinstance(value, nn.Module):
        for tensors in (value.named_parameters(name), value.named_buffers(name)):
            yield from tensors
    elif isinstance(value, list | tuple | dict) and deep:
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _kept(each, f"{name}.{key}", known, deep - 1)


def _counts(tensor: Tensor) -> bool:
    """A counter of batches or of places in a queue, which no feature depends on."""
    return tensor.numel() == 1 and not tensor.is_floating_point()


def digest(tensor: Tensor) -> bytes:
    """SHA-256 of a tensor's shape, type and bytes; exact, also for NaN and for -0.

    Raises:
        ProofError: it stands on the meta device.
    """
    if tensor.is_meta:
        raise ProofError(
            "The model stands on the meta device, so it has no numbers that could move.",
            "Load its weights first.",
        )
    tensor = tensor.int_repr() if tensor.is_quantized else tensor
    hasher = hashlib.sha256(f"{tuple(tensor.shape)} {tensor.dtype}".encode())
    flat = tensor.detach().contiguous().reshape(-1).view(torch.uint8)
    for part in flat.split(CHUNK):
        here = part.cpu()  # its bytes by their address, which asks for no NumPy, as torch itself does not
        hasher.update((ctypes.c_char * len(here)).from_address(here.data_ptr()))
    return hasher.digest()


@contextmanager
def proof(
    model: nn.Module, optimizer: torch.optim.Optimizer | None = None, mask: Mask | None = None
) -> Iterator[ProofCheck]:
    """`with proof(model): train()`: an error, by name, if anything frozen moved.

    Frozen is what `mask` says, else every parameter whose `requires_grad` is False on entry, and the buffers of
    modules in which nothing trains. Where state moved that rules say nothing of, a warning names it.

    Raises:
        ProofError: on leaving, with the names of what moved and why.
    """
    require(model, nn.Module, "Hand over the model itself.")
    model = unwrapped(model)
    check = ProofCheck(model, mask or mask_of(model))
    yield check
    found = check.verify(optimizer)
    if not found.ok:
        raise ProofError(found.sentence(), found.remedy())
    if found.beside:
        warnings.warn(found.note(), stacklevel=3)


def mask_of(model: nn.Module) -> Mask:
    """The mask of what trains in a model now."""
    from freezecore.runtime.tree.layers import read_module

    return flags_of(model, read_module(model))


def flags_of(model: nn.Module, tree: LayerTree) -> Mask:
    """What a model's `requires_grad` flags say now, on its own tree, and what was last applied beside them."""
    trains = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    return replace(Mask.from_names(tree, trains), **applied(model))


def merged(proofs: list[Proof]) -> Proof:
    """One proof for all phases: the largest counts, and every fault."""

    def together(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(n for proof in proofs for n in getattr(proof, name)))

    faults = [f.name for f in fields(Proof) if f.name not in ("parameters", "buffers")]
    return Proof(
        max(proof.parameters for proof in proofs),
        max(proof.buffers for proof in proofs),
        **{name: together(name) for name in faults},
    )
