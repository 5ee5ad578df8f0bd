"""Backward steps that a model's code writes itself (`torch.autograd.Function`), as BLOOM's and many a Swish's.

Their forward part runs without autograd, so in the recording no gradient passes through it: what such a step keeps,
and the backward pass of all before it, are in no price. That is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from torch import Tensor

from freezecore.runtime.trace.loss import behind
from freezecore.sentences import say

NOT_THE_MODEL_S = ("torch", "freezecore")


def names(loss: Tensor) -> tuple[str, ...]:
    """The classes that write a backward step on the loss's way back to what trains."""
    nodes = {loss.grad_fn, *behind([loss])}
    written = {cls for node in nodes if (cls := getattr(type(node), "_forward_cls", None)) is not None}
    return tuple(sorted(cls.__name__ for cls in written if cls.__module__.partition(".")[0] not in NOT_THE_MODEL_S))


def told(found: Iterable[str]) -> Iterator[str]:
    """What the price lacks because of these classes."""
    if listed := ", ".join(found):
        yield say(
            "the backward step that the model's code writes itself ({names}): what it keeps, and the backward pass of "
            "all before it, so that the real peak may be far higher",
            names=listed,
        )
