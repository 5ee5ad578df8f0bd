"""`torch.optim`: optimizers note their groups and rates, and schedules their name; nothing steps."""

from __future__ import annotations

from freezecore.importing.execution.run import now
from freezecore.importing.execution.standins.framework import Partial, listed, seen_as
from freezecore.importing.execution.standins.library import stated
from freezecore.importing.execution.standins.module import Tensor
from freezecore.importing.execution.unknown import Unknown


@seen_as("Optimizer")
class TorchOptimizer(Partial):
    """What an optimizer was given."""

    _fx_of_model = True

    def __init__(self, params=(), defaults=None, name: str = "", **options) -> None:
        self.defaults = defaults if isinstance(defaults, dict) else options
        self.param_groups, self.state = [], {}
        given = listed(params)
        groups = given if given and isinstance(given[0], dict) else [{"params": given}]
        if name:
            stated(optimizer=name.lower(), learning_rate=options.get("lr"), weight_decay=options.get("weight_decay"))
        for group in groups:
            self.add_param_group(group)

    def add_param_group(self, group) -> None:
        if not isinstance(group, dict):
            return
        held = listed(group.get("params"))
        full = {**self.defaults, **group, "params": held}
        self.param_groups.append(full)
        own = {id(each): each for each in held if isinstance(each, Tensor)}
        now().optimised.update(own)
        names = [each._fx_name for each in own.values() if each._fx_name]
        now().rates.append((full.get("lr"), names))

    def zero_grad(self, *args, **kwargs) -> None:
        pass

    def step(self, *args, **kwargs) -> None:
        now().stepped = True


def maker(name: str):
    def make(params=(), lr=None, *args, **options) -> TorchOptimizer:
        return TorchOptimizer(params, None, name, lr=lr, **options)

    return make


def scheduler(name: str):
    def make(optimizer=None, *args, **options) -> Unknown:
        stated(schedule=name)
        return Unknown(name, True)

    return make


NAMES = {"torch.optim.Optimizer": TorchOptimizer}
OTHER = (
    (r"torch\.optim\.(.*\.)?lr_scheduler\.[A-Z]\w*", scheduler),
    (r"torch\.optim\.(.*\.)?[A-Z]\w*", maker),
)
