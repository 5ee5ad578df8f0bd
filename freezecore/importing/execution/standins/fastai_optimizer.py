"""`fastai.optimizer`: a splitter's groups, of which `freeze_to` trains the last, and batch norms besides."""

from __future__ import annotations

from freezecore.importing.execution.run import now
from freezecore.importing.execution.standins.framework import Partial, listed, seen_as
from freezecore.importing.execution.standins.module import Module, Tensor, kind_of
from freezecore.importing.execution.unknown import Unknown

NORMS = ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "InstanceNorm1d", "InstanceNorm2d", "LayerNorm")


class Freezing(Partial):
    """What a learner and its optimizer have in common."""

    def freeze(self) -> None:
        self.freeze_to(-1)

    def unfreeze(self) -> None:
        self.freeze_to(0)


@seen_as("Optimizer")
class FastaiOptimizer(Freezing):
    """The groups of a model's parameters; without a splitter one group, of what trains then."""

    def __init__(self, model, splitter, train_bn) -> None:
        self._fx_known = isinstance(model, Module)
        now().optimised.update(id(each) for each in (model.parameters() if self._fx_known else ()))
        groups = listed((splitter or (lambda m: [p for p in m.parameters() if p._fx_value]))(model))
        plain = not groups or isinstance(groups[0], Tensor)
        self._fx_groups = [groups] if plain else [list(_flat(group)) for group in groups]
        norms = tuple(kind_of(f"nn.{name}") for name in NORMS)
        held = model.modules() if self._fx_known and train_bn else ()
        self._fx_norms = {id(p) for m in held if isinstance(m, norms) for p in m.parameters()}

    def freeze_to(self, n) -> None:
        if type(n) is Unknown or not self._fx_known:
            now().tell("which layer groups it freezes is not known")
            return
        for trains, groups in ((True, self._fx_groups[n:]), (False, self._fx_groups[:n])):
            for parameter in [each for group in groups for each in group]:
                parameter._fx_set(trains or id(parameter) in self._fx_norms)


def _flat(group):
    """Parameters of what a splitter's group holds."""
    if isinstance(group, Tensor):
        return [group]
    return group.parameters() if isinstance(group, Module) else [p for each in listed(group) for p in _flat(each)]
