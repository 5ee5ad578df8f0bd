"""A forward pass that starts in the middle: what reaches the cut is kept, what ran before it is stubbed.

The model is not taken apart. Its own `forward` runs as always, only that finished modules return zeros of the right
shape (stride 0, so they cost nothing), and the module at the cut is handed the kept arguments. Whether that is the
same computation is not argued but checked: see `verify`.
Where to cut is found in `find.py`; `cache.py` keeps what arrives there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from freezecore.runtime.prefix.calls import ModuleCall, finished
from freezecore.runtime.prefix.shapes import NotCuttable, Shaped, same, shaped

Recorded = tuple[list[ModuleCall], list[ModuleCall]]  # the same forward at two batch sizes


class Reached(BaseException):  # no `except Exception` of a model keeps it
    """Ends a forward at the cut, once its arguments are kept."""


class Cut:
    """One place to cut at, learned from a forward recorded at two batch sizes.

    Attributes:
        path: the module at which the training step starts.
        per_sample: the arguments that are kept, one row (or `each` rows) a sample.
        blank: the model's own inputs are not looked at any more, so their values need not be made.
    """

    def __init__(self, recorded: Recorded, at: int, sizes: tuple[int, int], blank: bool) -> None:
        self.blank = blank
        one, other = recorded[0][at], recorded[1][at]
        if (one.path, one.nth) != (other.path, other.nth):
            raise NotCuttable("the order of its layers depends on the data")
        self.path, self.module, self.nth, self.entered = one.path, one.module, one.nth, one.entered
        self.leaves, self.form = _learn(one.arguments, other.arguments, sizes, keep=True)
        self.per_sample = [leaf for leaf in self.leaves if isinstance(leaf, Shaped)]
        if not self.per_sample:
            raise NotCuttable("nothing that depends on the samples reaches it as an argument")
        self.stubs: dict[nn.Module, list[tuple[list, pytree.TreeSpec]]] = {}
        for a, b in zip(finished(recorded[0], one), finished(recorded[1], other), strict=True):
            self.stubs.setdefault(a.module, []).append(_learn(a.output, b.output, sizes, keep=False))

    @contextmanager
    def capturing(self, take: Callable[[list[Tensor]], None]) -> Iterator[None]:
        """Forwards inside stop at the cut with `Reached`, after `take` has had the per-sample arguments."""
        seen = 0

        def hook(module: nn.Module, args: tuple, kwargs: dict) -> None:
            nonlocal seen
            seen += 1
            if seen > self.nth:
                seen = 0
                leaves = pytree.tree_leaves((args, kwargs))
                pairs = zip(self.leaves, leaves, strict=True)
                take([value for leaf, value in pairs if isinstance(leaf, Shaped)])
                raise Reached

        handle = self.module.register_forward_pre_hook(hook, with_kwargs=True, prepend=True)
        try:
            yield
        finally:
            handle.remove()

    @contextmanager
    def replaying(self, batch: list[Tensor]) -> Iterator[None]:
        """The one forward inside starts at the cut, with `batch` for its per-sample arguments."""
        calls: dict[nn.Module, int] = {}  # of stubbed modules, in this forward
        arrivals = 0  # at the module of the cut

        def at_cut(module: nn.Module, args: tuple, kwargs: dict) -> tuple | None:
            nonlocal arrivals
            arrivals += 1
            if arrivals - 1 != self.nth:
                return None
            values = iter(batch)
            leaves = [next(values) if isinstance(leaf, Shaped) else leaf for leaf in self.leaves]
            return pytree.tree_unflatten(leaves, self.form)

        def stub(module: nn.Module, outputs: list) -> Callable:
            original = module.forward

            def forward(*args: Any, **kwargs: Any) -> Any:
                nth = calls.get(module, 0)
                calls[module] = nth + 1
                if nth >= len(outputs):
                    return original(*args, **kwargs)
                leaves, form = outputs[nth]
                return pytree.tree_unflatten([_zeros(leaf, self._batch_size(batch)) for leaf in leaves], form)

            return forward

        with ExitStack() as undo:
            for module, outputs in self.stubs.items():
                undo.enter_context(_forward_replaced(module, stub(module, outputs)))
            undo.callback(self.module.register_forward_pre_hook(at_cut, with_kwargs=True, prepend=True).remove)
            yield

    def _batch_size(self, batch: list[Tensor]) -> int:
        first = self.per_sample[0]
        return batch[0].shape[first.batch_dim] // first.each


def _learn(one: Any, other: Any, sizes: tuple[int, int], *, keep: bool) -> tuple[list, pytree.TreeSpec]:
    """Each leaf of a structure as `Shaped` or as a constant; `keep`: its values matter, not only its sizes."""
    ones, form = pytree.tree_flatten(one)
    others, other_form = pytree.tree_flatten(other)
    if form != other_form:
        raise NotCuttable("what reaches it has another structure for another batch")
    return [_leaf(a, b, sizes, keep) for a, b in zip(ones, others, strict=True)], form


def _leaf(one: Any, other: Any, sizes: tuple[int, int], keep: bool) -> Any:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        found = shaped(one, other, sizes)
        if found.dim is not None or not keep:
            return found
        if not torch.equal(one, other):
            raise NotCuttable("a tensor that reaches it mixes the samples of a batch")
        return one.detach()
    if not same(one, other):
        raise NotCuttable("it is handed a {kind} that changes from batch to batch", kind=type(one).__name__)
    return one


def _zeros(leaf: Any, batch: int) -> Any:
    if not isinstance(leaf, Shaped):
        return leaf
    return torch.zeros((), dtype=leaf.dtype, device=leaf.device).expand(leaf.at(batch))


@contextmanager
def _forward_replaced(module: nn.Module, forward: Callable) -> Iterator[None]:
    """The module's `forward` shadowed on the instance, as it was afterwards."""
    own = module.__dict__.get("forward")
    module.forward = forward
    try:
        yield
    finally:
        del module.forward
        if own is not None:
            module.forward = own
