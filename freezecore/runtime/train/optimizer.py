"""The optimizer over exactly what trains, and its learning rates: a higher one for the head than for the rest."""

from __future__ import annotations

import torch
from torch import nn

from freezecore.mask import Mask
from freezecore.rates import Rates, is_head

WARM_UP = 0.1  # share of the steps over which the body's rate rises: the head's first gradients are noise
WEIGHT_DECAY = 0.01


def build_optimizer(model: nn.Module, mask: Mask, name: str, rates: Rates) -> torch.optim.Optimizer:
    """An optimizer over the trainable parameters, the head's in a group of its own."""
    parameters = dict(model.named_parameters())
    head: list[nn.Parameter] = []
    body: list[nn.Parameter] = []
    for parameter, trains in zip(mask.tree.parameters, mask.trains, strict=True):
        if trains:
            (head if is_head(parameter) else body).append(parameters[parameter.name])
    groups = [
        {"params": params, "lr": rate, "peak": rate, "warm_up": warm_up}
        for params, rate, warm_up in ((head, rates.head, 0.0), (body, rates.body, WARM_UP if head else 0.0))
        if params
    ]
    match name:
        case "adamw":
            return torch.optim.AdamW(groups, weight_decay=WEIGHT_DECAY)
        case "adafactor":
            return torch.optim.Adafactor(groups)
        case "sgd":
            return torch.optim.SGD(groups)
        case _:
            return torch.optim.SGD(groups, momentum=0.9)


def set_rates(optimizer: torch.optim.Optimizer, done: int, steps: int) -> None:
    """Each group's rate before the step that follows `done` steps: a short rise for the body, then down to 0."""
    for group in optimizer.param_groups:
        rising = group["warm_up"] * steps
        up = (done + 1) / rising if done < rising else 1.0
        group["lr"] = group["peak"] * min(up, 1 - done / steps)


def carry_state(old: torch.optim.Optimizer, new: torch.optim.Optimizer) -> None:
    """Give parameters that go on training their momenta, by identity: positions mean others in another phase."""
    for group in new.param_groups:
        for parameter in group["params"]:
            if parameter in old.state:
                new.state[parameter] = old.state[parameter]
