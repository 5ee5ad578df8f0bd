"""Finds a cut that passes the check, and runs the model up to it or from it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Protocol

import torch
from torch import Tensor, nn

from freezecore.runtime.device import is_out_of_memory
from freezecore.runtime.prefix.calls import ModuleCall, candidates, recording
from freezecore.runtime.prefix.cut import Cut, Reached
from freezecore.runtime.prefix.shapes import NotCuttable
from freezecore.runtime.prefix.store import Store
from freezecore.runtime.prefix.verify import Truth, compare, observe, steady

ODDITIES = (RuntimeError, TypeError, ValueError, AttributeError, LookupError, AssertionError)  # of a model run in part


class BatchSource(Protocol):
    """Where a prefix finds its forward passes and losses, by the samples' positions."""

    device: torch.device

    def __len__(self) -> int: ...

    def forward(self, positions: Tensor, blank: bool = False) -> Tensor:
        """Logits; `blank` hands the model inputs of the right shape without their values."""
        ...

    def loss(self, logits: Tensor, positions: Tensor) -> Tensor:
        """The loss of these logits."""
        ...


class Prefix:
    """A verified cut of one model."""

    def __init__(self, model: nn.Module, cut: Cut) -> None:
        self.model, self.cut = model, cut

    @property
    def path(self) -> str:
        """The module at which a training step starts."""
        return self.cut.path

    def keep(self, samples: BatchSource, positions: Tensor, store: Store, run: Callable[[], Tensor]) -> None:
        """Run a forward of these samples up to the cut, and put what reaches it into their rows of `store`."""
        with torch.no_grad(), self.cut.capturing(lambda batch: store.put(positions, batch)), suppress(Reached):
            run()

    def forward(self, samples: BatchSource, positions: Tensor, batch: list[Tensor]) -> Tensor:
        """Logits of these samples from the cut on, where `batch` is what had reached it."""
        with self.cut.replaying(batch):
            return samples.forward(positions, blank=self.cut.blank)


def find_prefix(model: nn.Module, samples: BatchSource, positions: Tensor, tolerance: float) -> Prefix:
    """The innermost cut that computes the same as the plain loop, checked on these samples.

    The model is in train mode with its held modules in eval mode, and is left as it was. `tolerance` is the largest
    difference that counts as rounding, as a share of a tensor's largest entry.

    Raises:
        NotCuttable: there is none; why the outermost failed, as the rest of a sentence.
    """
    sizes = _two_sizes(len(positions), len(samples))
    recorded = tuple(_recorded(model, samples, size, positions.device) for size in sizes)
    assert len(recorded) == 2
    found = candidates(recorded[0], model)
    if not found:
        raise NotCuttable("a trainable parameter is used before any layer has finished")
    truth = observe(model, lambda: samples.forward(positions), lambda out: samples.loss(out, positions))
    why = NotCuttable("")
    for call in found:
        for blank in (True, False):
            try:
                prefix = Prefix(model, Cut(recorded, recorded[0].index(call), sizes, blank))
                _check(prefix, samples, positions, truth, call, tolerance)
                return prefix
            except NotCuttable as error:
                why = error
            except ODDITIES as error:
                if is_out_of_memory(error):
                    raise
                why = NotCuttable("'{path}' cannot be run on its own", path=call.path)
    raise why


def _two_sizes(batch: int, count: int) -> tuple[int, int]:
    """Two batch sizes to learn shapes from, neither of them the one that is verified."""
    small = [size for size in (2, 3, 4) if size != batch and size <= count]
    if len(small) < 2:
        raise NotCuttable("there are too few samples to check it on")
    return small[0], small[1]


def _recorded(model: nn.Module, samples: BatchSource, size: int, device: torch.device) -> list[ModuleCall]:
    with steady(model), recording(model) as calls, torch.no_grad():
        samples.forward(torch.arange(size, device=device))
    return calls


def _check(
    prefix: Prefix, samples: BatchSource, positions: Tensor, truth: Truth, call: ModuleCall, tolerance: float
) -> None:
    """Capture in two uneven parts, so that nothing that belongs to a batch as a whole can pass for a sample's own."""
    rows = torch.arange(len(positions), device=positions.device)
    store = Store(prefix.cut.per_sample, len(rows), positions.device)
    try:
        for some in rows.split(max(1, 2 * len(rows) // 3)):
            prefix.keep(samples, some, store, partial(samples.forward, positions[some]))
        compare(
            truth,
            prefix.model,
            lambda: prefix.forward(samples, positions, store.take(rows)),
            lambda out: samples.loss(out, positions),
            call.entered,
            tolerance,
        )
    finally:
        store.close()
