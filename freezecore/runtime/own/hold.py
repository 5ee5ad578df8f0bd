"""Hold modules in eval mode through every later `train()`: no module is swapped, no state_dict key changes."""

from __future__ import annotations

import weakref

from torch import nn

from freezecore.errors import FreezeError
from freezecore.mask import Mask

_holdings: weakref.WeakKeyDictionary[nn.Module, Holding] = weakref.WeakKeyDictionary()


class Holding:
    """Modules that stay in eval mode until `release()`.

    Each held module's own `train` answers with eval, whoever calls it: the model's `train()`, a trainer, a callback.

    Attributes:
        mask: the selection that holds them.
        paths: the held modules' paths.
    """

    def __init__(self, model: nn.Module, mask: Mask) -> None:
        modules = dict(model.named_modules(remove_duplicate=False))
        if missing := [path for path in mask.held if path not in modules]:
            raise FreezeError(
                "The model has no module '{name}', which the selection holds in eval mode.",
                "Read the tree again from this very model.",
                name=missing[0],
            )
        self.mask = mask
        self.paths = mask.held
        self._model = weakref.ref(model)
        self._modules = {id(modules[path]): modules[path] for path in mask.held}
        self._before = {key: (module.training, vars(module).get("train")) for key, module in self._modules.items()}
        for module in self._modules.values():
            module.training = False
            vars(module)["train"] = _Held(module)

    def release(self) -> None:
        """Give every held module its own `train` back, and the mode it was in; a second call does nothing."""
        for key, module in self._modules.items():
            training, own_train = self._before[key]
            vars(module).pop("train", None)
            if own_train is not None:
                vars(module)["train"] = own_train
            module.training = training
        self._modules = {}
        model = self._model()
        if model is not None and _holdings.get(model) is self:
            del _holdings[model]

    def __enter__(self) -> Holding:
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()


class _Held:
    """Stands for a held module's `train`: its children follow the mode, it does not.

    An object rather than a closure, so that the module still pickles, copies and moves between processes.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def __call__(self, mode: bool = True) -> nn.Module:
        self.module.training = False
        for child in self.module.children():
            child.train(mode)
        return self.module


def hold(model: nn.Module, mask: Mask) -> Holding:
    """Keep the modules that the mask holds in eval mode; a holding that this model had before is released first.

    Raises:
        FreezeError: the model lacks a module of the mask's tree.
    """
    if earlier := _holdings.get(model):
        earlier.release()
    holding = Holding(model, mask)
    _holdings[model] = holding
    return holding


def release(model: nn.Module) -> None:
    """Give a model's held modules their own modes back; one that holds nothing is left as it is."""
    if holding := _holdings.get(model):
        holding.release()


def applied_mask(model: nn.Module) -> Mask | None:
    """The selection that was last applied to a model and holds modules of it; None where there is none."""
    holding = _holdings.get(model)
    return holding.mask if holding else None
