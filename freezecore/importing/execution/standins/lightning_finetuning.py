"""`lightning.callbacks.finetuning`: Lightning's own way to freeze, which leaves batch norms training."""

from __future__ import annotations

from freezecore.importing.execution.run import now, pasted_line
from freezecore.importing.execution.standins import framework
from freezecore.importing.execution.standins.model import heads
from freezecore.importing.execution.standins.module import Module, kind_of
from freezecore.importing.execution.standins.optim import TorchOptimizer
from freezecore.importing.execution.unknown import Unknown


def _each(modules) -> list[Module]:
    """All modules in these, as Lightning flattens them."""
    given = [modules] if isinstance(modules, Module) else [] if type(modules) is Unknown else modules
    return [one for each in given for one in each.modules()]


def _set(modules, trains) -> None:
    """Set each module's own parameters to what is said of the module."""
    now().kind = "lightning"
    for module in modules:
        for parameter in module.parameters(recurse=False):
            parameter._fx_set(trains(module))


def _given(optimizer, modules: list[Module], train_bn) -> None:
    """Hand an optimizer what these modules hold themselves, as Lightning does: without `train_bn`, no batch norms."""
    kept = [module for module in modules if train_bn or not isinstance(module, kind_of("nn._BatchNorm"))]
    if isinstance(optimizer, TorchOptimizer):
        optimizer.add_param_group({"params": [p for module in kept for p in module.parameters(recurse=False)]})


@framework.seen_as("Callback")
class LightningCallback(framework.FrameworkCallback):
    """A callback of Lightning's trainer."""


class BaseFinetuning(LightningCallback):
    """`freeze_before_training` and `finetune_function` are the script's; these are what they call."""

    flatten_modules = staticmethod(_each)
    make_trainable = staticmethod(lambda modules: _set(_each(modules), lambda module: True))

    @staticmethod
    def freeze(modules, train_bn=True) -> None:
        _set(_each(modules), lambda module: bool(train_bn) and isinstance(module, kind_of("nn._BatchNorm")))

    freeze_module = freeze

    @staticmethod
    def unfreeze_and_add_param_group(modules, optimizer=None, lr=None, initial_denom_lr=10.0, train_bn=True) -> None:
        BaseFinetuning.make_trainable(modules)
        _given(optimizer, _each(modules), train_bn)


class BackboneFinetuning(BaseFinetuning):
    """The backbone is frozen until an epoch; where the model has no `backbone`, it is all but the head."""

    def __init__(self, unfreeze_backbone_at_epoch=10, *args, train_bn=True, verbose=False, rounding=12, **kw) -> None:
        self.unfreeze_backbone_at_epoch, self.train_bn = unfreeze_backbone_at_epoch, train_bn
        self.verbose, self.rounding = verbose, rounding
        now().callbacks.append(self)
        now().kind, now().framework_line = "lightning", pasted_line()

    def _fx_backbone(self, module) -> list[Module]:
        if "backbone" in module._modules:
            return _each(module._modules["backbone"])
        gone = {id(one) for head in heads(module) for one in head.modules()}
        return [one for one in module.modules() if id(one) not in gone]

    def freeze_before_training(self, pl_module) -> None:
        kept = kind_of("nn._BatchNorm") if self.train_bn else ()
        _set(self._fx_backbone(pl_module), lambda module: isinstance(module, kept))

    def finetune_function(self, pl_module, epoch, optimizer, *args) -> None:
        if epoch == self.unfreeze_backbone_at_epoch:
            _set(self._fx_backbone(pl_module), lambda module: True)
            _given(optimizer, self._fx_backbone(pl_module), self.train_bn)
