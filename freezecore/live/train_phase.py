"""One phase of a run: a mask in force, its optimizer and proof, and the frozen prefix where it can be kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from freezecore.live import device as devices
from freezecore.live.hold import hold
from freezecore.live.prefix import Captured, NotCuttable, Prefix, find
from freezecore.live.proof import ProofCheck
from freezecore.live.train_measure import PlainStep, measure_plain_step
from freezecore.live.train_optimizer import Rates, build_optimizer
from freezecore.mask import Mask
from freezecore.probe import CacheUse, ProbeRequest

if TYPE_CHECKING:
    from freezecore.live.session import Session

TOLERANCE = 2e-3  # of a tensor's largest entry: kernels round differently at another batch size
HALF_TOLERANCE = 5e-2  # under autocast
PARTS = ("train", "test")


class Phase:
    """The model under one mask, from `begin` to `end`.

    Attributes:
        optimizer: holds exactly what trains.
        cache: whether the frozen prefix is computed once.
        plain: what a step takes without it; None until it was measured.
    """

    def __init__(self, session: Session, mask: Mask, request: ProbeRequest, rates: Rates) -> None:
        self.session, self.mask, self.request = session, mask, request
        self.model = session.model
        self.parts = {"train": session.train, "test": session.test}
        mask.apply_to(self.model)
        self.holding = hold(self.model, mask)
        self.rates = rates
        self.optimizer = self._new_optimizer()
        self.check = ProofCheck(self.model, mask)
        self.cache, self.plain = CacheUse(), None
        self._captured: Captured | None = None
        self._replaying = ExitStack()
        self.model.train()

    def forward(self, part: str, positions: Tensor) -> Tensor:
        """Logits of these samples, from the kept prefix where there is one."""
        if self._captured is None:
            return self.parts[part].forward(positions)
        return self._captured.prefix.forward(self.parts[part], positions, self._captured.stores[part], positions)

    def loss(self, positions: Tensor) -> Tensor:
        """The training loss on these samples."""
        return self.parts["train"].loss(self.forward("train", positions), positions)

    def keep_prefix(self, steps: int, tell: Callable[[int, int], None]) -> None:
        """Find, check and capture the frozen prefix, if that is asked for, possible and worth it.

        `tell` hears how many of how many samples are captured, and may raise to stop.
        """
        began = time.perf_counter()
        why = self._why_not(steps)
        if why:
            self.cache = CacheUse(why=why)
            return
        tolerance = HALF_TOLERANCE if devices.half(self.session.device) else TOLERANCE
        total = sum(len(part) for part in self.parts.values())
        try:
            prefix, self.plain = self._cut(tolerance)
            captured = self.session.shelf.capture(
                prefix, self.parts, self._values(), tolerance, lambda done: tell(done, total)
            )
        except NotCuttable as error:
            self.cache = CacheUse(why=f"Every step runs the whole model: {error}.")
            return
        captured_s = time.perf_counter() - began
        self._captured = captured
        self._replaying.enter_context(captured.prefix.replaying())
        where = " (on disk)" if any(store.on_disk for store in captured.stores.values()) else ""
        why = f"What runs before '{prefix.path}' is frozen and was computed once for {total:,} samples{where}."
        self.cache = CacheUse(True, why, prefix.path, captured_s)

    def _cut(self, tolerance: float) -> tuple[Prefix, PlainStep]:
        """A verified cut and a plain step's cost; both found once for this mask, batch size and optimizer."""
        key = (self.mask.trains, self.mask.held, self.request.batch_size, self.request.optimizer)
        if key not in self.session.cuts:
            some = torch.arange(min(self.request.batch_size, len(self.parts["train"])), device=self.session.device)
            prefix = find(self.model, self.parts["train"], some, tolerance)
            self.session.cuts[key] = prefix, self._measure_plain(some)
        return self.session.cuts[key]

    def _measure_plain(self, positions: Tensor) -> PlainStep:
        """What a step takes without the cache."""
        train = self.parts["train"]
        return measure_plain_step(
            self.model,
            self._new_optimizer,
            lambda: train.loss(train.forward(positions), positions),
            self.session.device,
        )

    def end(self) -> None:
        """Stop replaying; what was captured stays on the session's shelf."""
        self._replaying.close()
        self._captured = None

    def _new_optimizer(self) -> torch.optim.Optimizer:
        return build_optimizer(self.model, self.mask, self.request.optimizer, self.rates)

    def _why_not(self, steps: int) -> str:
        """Why the prefix is not even looked for; empty when it is."""
        if not self.request.cache:
            return "Every step runs the whole model, as asked."
        train, test = len(self.parts["train"]), len(self.parts["test"])
        if steps * min(self.request.batch_size, train) + 2 * test < train + test:
            return "Every step runs the whole model: the run is too short to see each sample once."
        alive = [path for path, layer in self.mask.tree.layer_at.items() if layer.moves or layer.drops]
        if self.mask.norms == "update" and any(self.mask.tree.layer_at[path].moves for path in alive):
            return "Every step runs the whole model: with 'norms update' frozen layers change from step to step."
        if self.mask.dropout == "on" and any(self.mask.tree.layer_at[path].drops for path in alive):
            return "Every step runs the whole model: with 'dropout on' frozen layers are random."
        return ""

    def _values(self) -> object:
        """What decides the kept values beside the cut: the seed, if fresh weights are frozen; trained ones, never."""
        fresh = any(p.new and not trains for p, trains in zip(self.mask.tree.parameters, self.mask.trains, strict=True))
        random = self.session.source.weights != "pretrained"
        return (self.request.seed if fresh or random else None, self.mask.norms, self.mask.dropout)
