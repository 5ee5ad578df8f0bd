"""One phase of a run: a mask in force, its optimizer and proof, and the frozen prefix where it can be kept."""

from __future__ import annotations

import time
from collections.abc import Set
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from freezecore.live import device as devices
from freezecore.live.hold import hold
from freezecore.live.prefix import Kept, NotCuttable, Prefix, find
from freezecore.live.proof import ProofCheck
from freezecore.live.train_measure import PlainStep, measure_plain_step
from freezecore.live.train_optimizer import Rates, build_optimizer
from freezecore.mask import Mask
from freezecore.probe import CacheUse, ProbeRequest

if TYPE_CHECKING:
    from freezecore.live.session import Session

TOLERANCE = 2e-3  # of a tensor's largest entry: kernels round differently at another batch size
HALF_TOLERANCE = 5e-2  # under autocast
CHECKED = 8  # samples on which a cut is checked
LOOKING = 6  # forward passes of so many samples that looking for a cut takes


class Phase:
    """The model under one mask.

    Attributes:
        optimizer: holds exactly what trains.
        cache: whether the frozen prefix is computed once.
    """

    def __init__(
        self, session: Session, mask: Mask, request: ProbeRequest, rates: Rates, trained: Set[str] = frozenset()
    ) -> None:
        """`trained` are the parameters that earlier phases of this run have trained."""
        self.stale = bool(trained & set(mask.names(trainable=False)))
        self.session, self.mask, self.request = session, mask, request
        self.model = session.model
        self.parts = {"train": session.train, "test": session.test}
        mask.apply_to(self.model)
        self.holding = hold(self.model, mask)
        self.rates = rates
        self.optimizer = self._new_optimizer()
        self.check = ProofCheck(self.model, mask)
        self.cache = CacheUse()
        self._kept: dict[str, Kept] | None = None
        self._looked_s = 0.0
        self._key = (mask.trains, mask.held, request.batch_size, request.optimizer)
        self.model.train()

    def forward(self, part: str, positions: Tensor) -> Tensor:
        """Logits of these samples, from the kept prefix where there is one."""
        return (self._kept or self.parts)[part].forward(positions)

    def loss(self, positions: Tensor) -> Tensor:
        """The training loss on these samples."""
        return self.parts["train"].loss(self.forward("train", positions), positions)

    def prepare(self, positions: Tensor) -> None:
        """Compute the kept prefix of these samples to train on, if it is not there yet."""
        if self._kept:
            self._kept["train"].ensure(positions)

    def keep_prefix(self, steps: int) -> None:
        """Find and check the frozen prefix, if that is asked for, possible and worth it."""
        began = time.perf_counter()
        if why := self._why_not(steps):
            self.cache = CacheUse(why=f"Every step runs the whole model: {why}.")
            return
        tolerance = HALF_TOLERANCE if devices.half(self.session.device) else TOLERANCE
        try:
            prefix = self._cut(tolerance)
            self._kept = self.session.shelf.parts(prefix, self.parts, self._values(), tolerance)
        except NotCuttable as error:
            self.cache = CacheUse(why=f"Every step runs the whole model: {error}.")
            return
        self._looked_s = time.perf_counter() - began - self._kept_s()
        where = ", on disk" if any(part.store.on_disk for part in self._kept.values()) else ""
        why = f"What runs before '{prefix.path}' is frozen and was computed once a sample{where}."
        self.cache = CacheUse(True, why, prefix.path)

    def _kept_s(self) -> float:
        """Seconds that the shelf has spent on this cut, in this run and those before."""
        return sum(part.seconds for part in self._kept.values())

    def cache_use(self, step_s: float | None, plain: PlainStep | None) -> CacheUse:
        """What the cache has cost and brought in this run."""
        if not self._kept:
            return self.cache
        speedup = plain.step_s / step_s if plain and step_s else None
        return replace(self.cache, capture_s=self._looked_s + self._kept_s(), speedup=speedup)

    def plain_step(self) -> PlainStep:
        """What a step takes without the cache; measured once for this mask, batch size and optimizer."""
        if self._key not in self.session.plain:
            train = self.parts["train"]
            some = torch.arange(min(self.request.batch_size, len(train)), device=self.session.device)
            self.session.plain[self._key] = measure_plain_step(
                self.model,
                self._new_optimizer,
                lambda: train.loss(train.forward(some), some),
                self.session.device,
            )
        return self.session.plain[self._key]

    def _cut(self, tolerance: float) -> Prefix:
        """A verified cut, looked for once for this mask."""
        if self._key not in self.session.cuts:
            train = self.parts["train"]
            some = torch.arange(min(CHECKED, self.request.batch_size, len(train)), device=self.session.device)
            self.session.cuts[self._key] = find(self.model, train, some, tolerance)
        return self.session.cuts[self._key]

    def _new_optimizer(self) -> torch.optim.Optimizer:
        return build_optimizer(self.model, self.mask, self.request.optimizer, self.rates)

    def _why_not(self, steps: int) -> str:
        """Why the prefix is not even looked for, as the rest of a sentence; empty when it is."""
        if not self.request.cache:
            return "the cache is switched off"
        if not self.mask.frozen:
            return "nothing is frozen"
        layers = self.mask.tree.layers
        if self.mask.norms == "update" and any(layer.moves for layer in layers):
            return "with 'norms update' frozen layers change from step to step"
        if self.mask.dropout == "on" and any(layer.drops for layer in layers):
            return "with 'dropout on' frozen layers are random"
        train, test = len(self.parts["train"]), len(self.parts["test"])
        used = steps * min(self.request.batch_size, train)
        if used + 2 * test < min(train, used) + test + LOOKING * CHECKED:
            return "the run is too short for more than that"
        return ""

    def _values(self) -> object:
        """What decides the kept values beside the cut: the seed, where fresh weights are frozen.

        Where an earlier phase of this run has trained what is frozen now, they are good for this phase alone.
        """
        if self.stale:
            return object()
        fresh = any(p.new and not trains for p, trains in zip(self.mask.tree.parameters, self.mask.trains, strict=True))
        random = self.session.source.weights != "pretrained"
        return (self.request.seed if fresh or random else None, self.mask.norms, self.mask.dropout)
