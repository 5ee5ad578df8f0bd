"""The optimizer over exactly what trains, and its learning rates: a higher one for the head than for the rest.

The default rates were picked by what they gave on the held-out samples of `shapes` and `docstrings`, which a probe of
that data then reports: there its accuracy is slightly optimistic, on other data it is not.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from freezecore.mask import Mask
from freezecore.probe import ProbeRequest
from freezecore.tree import Parameter

BODY = {"adamw": 5e-4, "sgd": 1e-2, "sgd-momentum": 2e-3}  # of what is pretrained
TEXT_SHARE = 0.2  # transformers that read text forget at the rates that suit convolutions
HEAD_TIMES = {"image": 10, "text": 100}  # the head starts from nothing, and may go faster
ALONE_TIMES = {"image": 2, "text": 3}  # again for a head that trains alone: its features hold still
FEW = 0.02  # trainable share of the body below which (norms, biases) it takes and needs larger steps
FEW_TIMES = 4
WARM_UP = 0.1  # share of the steps over which the body's rate rises: the head's first gradients are noise
WEIGHT_DECAY = 0.01


@dataclass(frozen=True)
class Rates:
    """Learning rates of the body (what is pretrained) and of the head (what is new)."""

    body: float
    head: float


def default_rates(mask: Mask, optimizer: str, kind: str) -> Rates:
    """Where a person has not chosen: by optimizer, by what the model reads, and by how much of its body trains."""
    body = BODY[optimizer] * (TEXT_SHARE if kind == "text" else 1)
    head = body * HEAD_TIMES[kind]
    pairs = list(zip(mask.tree.parameters, mask.trains, strict=True))
    trains = sum(p.numel for p, train in pairs if train and not is_head(p))
    if not trains:
        head *= ALONE_TIMES[kind]
    elif trains < FEW * mask.tree.total:
        body *= FEW_TIMES
    return Rates(body, head)


def rates_for(request: ProbeRequest, mask: Mask, kind: str) -> Rates:
    """The rates that were asked for, and defaults for the others."""
    default = default_rates(mask, request.optimizer, kind)
    return Rates(request.learning_rate or default.body, request.head_learning_rate or default.head)


def is_head(parameter: Parameter) -> bool:
    """Whether it starts from nothing: the head, and what the checkpoint lacked."""
    return parameter.kind == "head" or parameter.new


def build_optimizer(model: nn.Module, mask: Mask, name: str, rates: Rates) -> torch.optim.Optimizer:
    """An optimizer over the trainable parameters, the head's in a group of its own."""
    parameters = dict(model.named_parameters())
    head, body = [], []
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
