"""Hold what is frozen still through every later `train()`: no module is swapped, no state_dict key changes.

A module that moves or drops stays in eval mode. All others follow the mode, since a mode decides more than that:
transformers checkpoints gradients only in modules in train mode (a frozen Llama block in eval mode keeps all its
activations), and a detector computes its losses. A module that drops by itself and decides on checkpointing too, such
as BART's layer, cannot be in both modes: it stays in train mode with its chances of dropping set to zero, its own and
those that it reads from `config`, of which it then has a copy.

What holds lives in the modules themselves, so that a copy or a saved model is held too, and `release` works there.
"""

from __future__ import annotations

import copy
from typing import Any

from torch import nn

from freezecore.errors import FreezeError
from freezecore.mask import Mask
from freezecore.runtime.tree.marks import SET_TO_ZERO, chances, decides_checkpointing, moves

APPLIED = "_applied_freeze"  # on a model: fields of the mask that its parameters do not tell


class HeldMode:
    """Stands for a module's `train`: the module stays in eval mode, its children follow the mode.

    An object rather than a closure, so that the module still pickles, copies and moves between processes. It also
    stands for `reset_running_stats`, by which `torch.optim.swa_utils.update_bn` would leave a norm in eval mode with
    mean 0 and variance 1.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module, self.before = module, (module.training, vars(module).get("train"))
        module.training = False
        vars(module)["train"] = self
        if hasattr(module, "reset_running_stats"):
            vars(module)["reset_running_stats"] = self.keep

    def keep(self) -> None:
        """Statistics stand still."""

    def __call__(self, mode: bool = True) -> nn.Module:
        type(self.module).train(self.module, mode)
        self.module.training = False
        return self.module

    def release(self) -> None:
        """Give the module its own `train` back, and the mode it was in."""
        self.module.training, train = self.before
        vars(self.module).pop("train")
        vars(self.module).pop("reset_running_stats", None)
        if train is not None:
            vars(self.module)["train"] = train


class Holding:
    """`with hold(model, mask): …`, or `release()` when it is over."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model

    def release(self) -> None:
        """See `release`; a second call does nothing."""
        release(self.model)

    def __enter__(self) -> Holding:
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()


def hold(model: nn.Module, mask: Mask) -> Holding:
    """Keep what the mask holds still; what held this model before is released first.

    Raises:
        FreezeError: the model lacks a module of the mask's tree.
    """
    modules = dict(model.named_modules(remove_duplicate=False))
    if missing := [path for path in mask.held if path not in modules]:
        raise FreezeError(
            "The model has no module '{name}', which the selection holds in eval mode.",
            "Read the tree again from this very model.",
            name=missing[0],
        )
    release(model)
    for module in {id(modules[path]): modules[path] for path in mask.held}.values():
        if stays_in_train_mode(module):
            _set_to_zero(module)
        else:
            HeldMode(module)
    vars(model)[APPLIED] = {name: getattr(mask, name) for name in ("norms", "dropout", "also_held", "state")}
    return Holding(model)


def release(model: nn.Module) -> None:
    """Give a model's held modules their own modes and chances back; one that holds nothing is left as it is."""
    vars(model).pop(APPLIED, None)
    for module in model.modules():
        if isinstance(held := vars(module).get("train"), HeldMode):
            held.release()
        for name, value in vars(module).pop(SET_TO_ZERO, {}).items():
            setattr(module, name, value)


def applied(model: nn.Module) -> dict[str, Any]:
    """What was last applied to a model, as the fields of its mask that `requires_grad` does not tell."""
    return vars(model).get(APPLIED, {})


def stays_in_train_mode(module: nn.Module) -> bool:
    """A held module decides on gradient checkpointing, and stands still without being in eval mode."""
    quiet = SET_TO_ZERO in vars(module) or chances(module)
    return bool(quiet) and decides_checkpointing(module) and not moves(module)


def _set_to_zero(module: nn.Module) -> None:
    """Let a module drop nothing in train mode, and remember the chances that it had."""
    found = chances(module)
    vars(module)[SET_TO_ZERO] = {name: vars(module)[name] for name in (*found.get("", ()), *found.keys() - {""})}
    for name in found.get("", ()):
        setattr(module, name, 0.0)
    if "config" in found:
        module.config = copy.copy(module.config)
        for name in found["config"]:
            setattr(module.config, name, 0.0)
