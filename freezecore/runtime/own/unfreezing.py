"""Gradual unfreezing in a person's own loop: a schedule of selections, and an optimizer that follows it."""

from __future__ import annotations

import torch
from torch import nn

from freezecore._resolve import resolve_phases
from freezecore.arguments import checked
from freezecore.errors import FreezeError, require
from freezecore.mask import Mask
from freezecore.runtime.own.hold import hold
from freezecore.runtime.own.proof import flags_of
from freezecore.runtime.own.wrappers import unwrapped
from freezecore.runtime.tree.layers import read_module
from freezecore.spec import FreezeSpec


def trainable_parameters(model: nn.Module) -> list[nn.Parameter]:
    """The parameters that train, each once, in the model's order: what an optimizer is given.

    Raises:
        FreezeError: it is no module.
    """
    require(model, nn.Module, "Hand over the model itself.")
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


class Unfreezing:
    """A schedule on a model: `begin_epoch` as each epoch begins.

        schedule = Unfreezing(model, "freeze all; train head; from epoch 2: train blocks:last2")
        optimizer = torch.optim.AdamW(trainable_parameters(model), lr=1e-4)
        for epoch in range(5):
            schedule.begin_epoch(epoch, optimizer)
            ...

    The selection of epoch 0 holds from the beginning.

    Raises:
        RuleError: a rule of any phase cannot be read or hits nothing; the model is unchanged.
        FreezeError: the model is sharded, or wrapped so that it can no longer be frozen.
    """

    def __init__(self, model: nn.Module, rules: FreezeSpec | str) -> None:
        self.spec = FreezeSpec.parse(rules) if isinstance(rules, str) else rules
        self.model = unwrapped(model, to_freeze=True)
        tree = read_module(self.model)
        start = flags_of(self.model, tree)
        self.masks = resolve_phases(self.spec, tree, start)
        self.begin_epoch(0)

    def mask_at(self, epoch: int) -> Mask:
        """The selection of an epoch.

        Raises:
            FreezeError: the epoch is below 0.
        """
        if epoch < 0:
            raise FreezeError("There is no epoch {epoch}.", "Epochs are counted from 0.", epoch=epoch)
        return self.masks[max(first for first in self.masks if first <= epoch)]

    @checked
    def begin_epoch(self, epoch: int, optimizer: torch.optim.Optimizer | None = None) -> Mask:
        """Freeze as this epoch has it, also when a run resumes here; an optimizer is made to hold what trains.

        A parameter that begins to train joins the optimizer's first group with fresh state; one that stops leaves
        with its state. Groups keep the model's order, so that a saved state fits again.
        """
        mask = self.mask_at(epoch)
        mask.apply_to(self.model)
        hold(self.model, mask)
        if optimizer is not None:
            _follow(optimizer, self.model)
        return mask

    def optimizer_state(self, optimizer: torch.optim.Optimizer) -> dict:
        """The optimizer's `state_dict`, with the names of its parameters: what `load_optimizer_state` takes back."""
        return {"names": _names(optimizer, self.model), "optimizer": optimizer.state_dict()}

    def load_optimizer_state(self, optimizer: torch.optim.Optimizer, saved: dict) -> None:
        """Load a saved state where the names agree: torch itself compares none, and gives one layer another's momentum.

        Raises:
            FreezeError: the saved optimizer held other parameters; nothing was loaded.
        """
        now = _names(optimizer, self.model)
        if now != saved["names"]:
            strange = sorted(set(now) ^ set(saved["names"])) or now
            raise FreezeError(
                "The saved optimizer state does not fit: '{name}' is held by one of the two only, or elsewhere.",
                "Nothing was loaded. Begin the epoch that it was saved in first, with the same rules.",
                name=strange[0],
            )
        optimizer.load_state_dict(saved["optimizer"])


def _names(optimizer: torch.optim.Optimizer, model: nn.Module) -> list[str]:
    """Names of the optimizer's parameters in its order, which is that of its `state_dict`."""
    name_of = {id(parameter): name for name, parameter in model.named_parameters()}
    return [name_of[id(parameter)] for group in optimizer.param_groups for parameter in group["params"]]


def _follow(optimizer: torch.optim.Optimizer, model: nn.Module) -> None:
    trains = trainable_parameters(model)
    group_of = {id(p): i for i, group in enumerate(optimizer.param_groups) for p in group["params"]}
    for i, group in enumerate(optimizer.param_groups):
        group["params"] = [p for p in trains if group_of.get(id(p), 0) == i]
    kept = {id(p) for p in trains}
    for parameter in [p for p in optimizer.state if id(p) not in kept]:
        del optimizer.state[parameter]
