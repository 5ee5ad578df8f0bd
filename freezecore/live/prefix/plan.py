"""Finds a cut that passes the check, captures what reaches it for every sample, and runs the model from there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Protocol

import torch
from torch import Tensor, nn

from freezecore.live.device import is_out_of_memory
from freezecore.live.prefix.calls import Call, candidates, recording
from freezecore.live.prefix.cut import Cut, Reached
from freezecore.live.prefix.shapes import NotCuttable
from freezecore.live.prefix.store import Store
from freezecore.live.prefix.verify import Truth, compare, observe, steady

ODDITIES = (RuntimeError, TypeError, ValueError, AttributeError, LookupError, AssertionError)  # of a model run in part
AT_ONCE = 64


class Samples(Protocol):
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
    """A verified cut of one model; `replaying` makes its forward start there."""

    def __init__(self, model: nn.Module, cut: Cut) -> None:
        self.model, self.cut = model, cut
        self._batch: list[Tensor] = []

    @property
    def path(self) -> str:
        """The module at which a training step starts."""
        return self.cut.path

    def capture(
        self,
        samples: Samples,
        positions: Tensor,
        *,
        budget: int | None = None,
        each_part: Callable[[int], None] = lambda done: None,
        at_once: int = AT_ONCE,
        via: tuple[Prefix, Store] | None = None,
    ) -> Store:
        """Compute the prefix for these samples; `each_part` hears how many are done, and may raise to stop.

        `via` starts from what a cut further in front has kept of all samples.

        Raises:
            NotCuttable: neither memory nor disk has room for it.
        """
        store = Store(self.cut.per_sample, len(positions), positions.device, budget)
        done = 0

        def take(batch: list[Tensor]) -> None:
            nonlocal done
            done = store.put(done, batch)

        try:
            with torch.no_grad(), self.cut.capturing(take), via[0].replaying() if via else nullcontext():
                for part in positions.split(at_once):
                    try:
                        via[0].forward(samples, part, via[1], part) if via else samples.forward(part)
                    except Reached:
                        each_part(done)
        except BaseException:
            store.close()
            raise
        return store

    @contextmanager
    def replaying(self) -> Iterator[None]:
        """Until the end of the block, the model must be run through `forward` only."""
        with self.cut.replaying(self.model, lambda: self._batch):
            yield

    def forward(self, samples: Samples, positions: Tensor, store: Store, rows: Tensor) -> Tensor:
        """Logits of these samples, from what `store` kept in these rows."""
        self._batch = store.take(rows)
        return samples.forward(positions, blank=self.cut.blank)


def find(model: nn.Module, samples: Samples, positions: Tensor, tolerance: float) -> Prefix:
    """The innermost cut that computes the same as the plain loop, checked on these samples.

    The model is in train mode with its held modules in eval mode, and is left as it was. `tolerance` is the largest
    difference that counts as rounding, as a share of a tensor's largest entry.

    Raises:
        NotCuttable: there is none; why the outermost failed, as the rest of a sentence.
    """
    sizes = _two_sizes(len(positions), len(samples))
    recorded = tuple(_recorded(model, samples, size, positions.device) for size in sizes)
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
                why = NotCuttable(f"'{call.path}' cannot be run on its own")
    raise why


def _two_sizes(batch: int, count: int) -> tuple[int, int]:
    """Two batch sizes to learn shapes from, neither of them the one that is verified."""
    small = [size for size in (2, 3, 4) if size != batch and size <= count]
    if len(small) < 2:
        raise NotCuttable("there are too few samples to check it on")
    return small[0], small[1]


def _recorded(model: nn.Module, samples: Samples, size: int, device: torch.device) -> list[Call]:
    with steady(model), recording(model) as calls, torch.no_grad():
        samples.forward(torch.arange(size, device=device))
    return calls


def _check(prefix: Prefix, samples: Samples, positions: Tensor, truth: Truth, call: Call, tolerance: float) -> None:
    """Capture in two uneven parts, so that nothing that belongs to a batch as a whole can pass for a sample's own."""
    store = prefix.capture(samples, positions, at_once=max(1, 2 * len(positions) // 3))
    rows = torch.arange(len(positions), device=positions.device)
    try:
        with prefix.replaying():
            compare(
                truth,
                prefix.model,
                lambda: prefix.forward(samples, positions, store, rows),
                lambda out: samples.loss(out, positions),
                call.entered,
                tolerance,
            )
    finally:
        store.close()
