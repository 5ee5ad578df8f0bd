"""Rules on a person's own model: applied, for a while or for good, and the optimizer's groups that go with them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from torch import nn

from freezecore._resolve import resolve
from freezecore.errors import FreezeError, require
from freezecore.mask import Mask
from freezecore.rates import group_rates, learning_rates, model_kind
from freezecore.runtime.own.hold import applied, hold, release
from freezecore.runtime.own.proof import flags_of
from freezecore.runtime.own.wrappers import unwrapped
from freezecore.runtime.tree.layers import read_module
from freezecore.spec import FreezeSpec


def apply(model: nn.Module, rules: FreezeSpec | str, *, reset: bool = False) -> Mask:
    """See `freezecore.api.apply`."""
    require(model, nn.Module, "Hand over the model itself; a model's name is opened with fc.read_tree.")
    model = unwrapped(model, to_freeze=True)
    tree = read_module(model)
    before = flags_of(model, tree)
    mask = replace(resolve(rules, tree, start=None if reset else before), before=before.trains)
    mask.apply_to(model)
    hold(model, mask)
    return mask


@contextmanager
def frozen(model: nn.Module, rules: FreezeSpec | str) -> Iterator[Mask]:
    """See `freezecore.api.frozen`."""
    inner = unwrapped(model)
    earlier = applied(inner)
    mask = apply(model, rules)
    try:
        yield mask
    finally:
        before = replace(mask, trains=mask.before or mask.trains, **earlier)
        before.apply_to(inner)
        if earlier:
            hold(inner, before)
        else:
            release(inner)


def parameter_groups(
    model: nn.Module, lr: float | None = None, *, head_lr: float | None = None, layer_decay: float | None = None
) -> list[dict]:
    """See `freezecore.api.parameter_groups`."""
    require(model, nn.Module, "Hand over the model itself.")
    for what, value, most in (("lr", lr, 100), ("head_lr", head_lr, 100), ("layer_decay", layer_decay, 1)):
        if value is not None and not 0 < value <= most:
            raise FreezeError("{what}={value} is out of range.", "Choose a number above 0, at most {most}.",
                              what=what, value=value, most=most)  # fmt: skip
    inner = unwrapped(model)
    tree = read_module(inner)
    mask = flags_of(inner, tree)
    usual = learning_rates(mask, model_kind(None, tree), body=lr, head=head_lr or lr)
    parameters = dict(inner.named_parameters(remove_duplicate=False))
    groups: dict[float, list[nn.Parameter]] = {}
    for parameter, trains, rate in zip(
        tree.parameters, mask.trains, group_rates(tree, usual, layer_decay), strict=True
    ):
        if trains:
            groups.setdefault(rate, []).append(parameters[parameter.name])
    return [{"params": group, "lr": rate} for rate, group in groups.items()]
