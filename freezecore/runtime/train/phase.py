"""One phase of a run: a mask in force, its optimizer and proof, and the frozen prefix where it can be kept."""

from __future__ import annotations

import statistics
import time
from collections.abc import Set
from dataclasses import replace

import torch
from torch import Tensor

from freezecore.errors import ProbeError
from freezecore.mask import Mask
from freezecore.probe import CacheUse, Emit, ProbeRequest
from freezecore.rates import Rates
from freezecore.runtime import device as devices
from freezecore.runtime.own.hold import hold
from freezecore.runtime.own.proof import ProofCheck
from freezecore.runtime.prefix import CachedPart, NotCuttable, Prefix, find_prefix
from freezecore.runtime.train.optimizer import build_optimizer
from freezecore.runtime.train.session import Session
from freezecore.runtime.train.step import PlainStep
from freezecore.sentences import say

TOLERANCE = 2e-3  # of a tensor's largest entry: kernels round differently at another batch size
HALF_TOLERANCE = 5e-2  # under autocast
CHECKED = 8  # samples on which a cut is checked
LOOKING = 6  # forward passes of so many samples that looking for a cut takes
WATCHED = 2  # the whole step whose memory is watched: by then the optimizer has its state
WHOLE_FIRST = 3  # whole steps before a prefix is looked for: a person sees them at once, and what they take is known
TOO_EARLY = say("The run ended before its frozen part was looked at.")


class TrainingPhase:
    """The model under one mask.

    Attributes:
        optimizer: holds exactly what trains.
        plain: what a whole step takes under this mask, in this run or an earlier one.
        looked: whether it was decided how the frozen prefix is treated.
        cache: whether it is computed once.
    """

    def __init__(
        self,
        session: Session,
        mask: Mask,
        request: ProbeRequest,
        rates: Rates,
        emit: Emit,
        trained: Set[str] = frozenset(),
    ) -> None:
        """`trained` are the parameters that earlier phases of this run have trained."""
        self.stale = bool(trained & set(mask.names(trainable=False)))
        self.session, self.mask, self.request, self.emit = session, mask, request, emit
        self.model = session.model
        self.parts = {"train": session.train, "test": session.test}
        mask.apply_to(self.model)
        self.holding = hold(self.model, mask)
        self.rates = rates
        self.optimizer = build_optimizer(self.model, mask, request.optimizer, rates)
        self.check = ProofCheck(self.model, mask)
        self.cache = CacheUse(why=TOO_EARLY)
        self.looked = False
        self._kept: dict[str, CachedPart] | None = None
        self._looked_s = 0.0
        self._steps = 0
        self._durations: list[float] = []
        self._key = (mask.trains, mask.held, request.batch_size, request.optimizer)
        self.plain = session.plain.setdefault(self._key, PlainStep())
        self.model.train()

    def forward(self, part: str, positions: Tensor) -> Tensor:
        """Logits of these samples, from the kept prefix where there is one."""
        return (self._kept or self.parts)[part].forward(positions)

    def loss(self, positions: Tensor) -> Tensor:
        """The training loss on these samples.

        Raises:
            ProbeError: nothing that trains leads to it.
        """
        found = self.parts["train"].loss(self.forward("train", positions), positions)
        if not found.requires_grad:
            raise ProbeError(
                "Nothing that trains in {model} leads to the scores that a probe learns from.",
                "Of several outputs the first is scored: train a layer on the way to it.",
                model=type(self.model).__name__,
            )
        return found

    def prepare(self, positions: Tensor, steps: int) -> None:
        """Before a step on these samples, `steps` before the phase's last: keep the frozen prefix once that is due,
        and compute what it lacks of them."""
        if not self.looked:
            self._look(steps)
        kept = self._kept and self._kept["train"]
        if kept and kept.lacks(positions):
            total = len(self.parts["train"])
            self.emit({"event": "phase", "phase": "capture", "done": total - kept.lacks(), "total": total})
            kept.ensure(positions)

    @property
    def watches(self) -> bool:
        """The next step's memory is to be watched."""
        return not self._kept and self._steps + 1 == WATCHED and self.plain.peak_bytes is None

    def note(self, seconds: float, peak_bytes: int | None, watched: bool) -> None:
        """A step is over; watching costs time that is not the step's."""
        self._steps += 1
        if watched:
            self.plain.peak_bytes = peak_bytes
            return
        self._durations.append(seconds)
        if not self._kept and self._steps >= WHOLE_FIRST:
            self.plain.step_s = statistics.median(self._durations)

    @property
    def step_s(self) -> float | None:
        """Median seconds of a step, of those from the kept prefix where there is one."""
        return statistics.median(self._durations) if self._durations else None

    def _look(self, steps: int) -> None:
        """Decide on the prefix as soon as that can be decided."""
        whole = 0 if self.plain.step_s else max(0, WHOLE_FIRST - self._steps)
        if why := self._why_not(steps - whole):
            self.looked, self.cache = True, CacheUse(why=say("Every step runs the whole model: {why}.", why=why))
        elif not whole:
            self.looked = True
            self._keep_prefix()

    def _keep_prefix(self) -> None:
        """Find and check the frozen prefix, and keep what it gives from now on."""
        began = time.perf_counter()
        tolerance = HALF_TOLERANCE if devices.half(self.session.device) else TOLERANCE
        try:
            prefix = self._cut(tolerance)
            self._kept = self.session.prefixes.parts(prefix, self.parts, self._values(), tolerance)
        except NotCuttable as error:
            self.cache = CacheUse(why=say("Every step runs the whole model: {why}.", why=error))
            return
        self._looked_s = time.perf_counter() - began - self._kept_s()
        self._durations.clear()
        on_disk = any(part.store.on_disk for part in self._kept.values())
        why = say(
            "What runs before '{path}' is frozen and was computed once a sample, on disk."
            if on_disk
            else "What runs before '{path}' is frozen and was computed once a sample.",
            path=prefix.path,
        )
        self.cache = CacheUse(True, why, prefix.path)

    def _kept_s(self) -> float:
        """Seconds that the cache has spent on this cut, in this run and those before."""
        return sum((part.seconds for part in (self._kept or {}).values()), 0.0)

    def cache_use(self) -> CacheUse:
        """What the cache has cost and brought in this run."""
        if not self._kept:
            return self.cache
        speedup = self.plain.step_s / self.step_s if self.plain.step_s and self.step_s else None
        return replace(self.cache, capture_s=self._looked_s + self._kept_s(), speedup=speedup)

    def _cut(self, tolerance: float) -> Prefix:
        """A verified cut, looked for once for this mask."""
        if self._key not in self.session.cuts:
            self.emit({"event": "phase", "phase": "check"})
            train = self.parts["train"]
            some = torch.arange(min(CHECKED, self.request.batch_size, len(train)), device=self.session.device)
            self.session.cuts[self._key] = find_prefix(self.model, train, some, tolerance)
        return self.session.cuts[self._key]

    def _why_not(self, steps: int) -> str:
        """Why the prefix is not even looked for, as the rest of a sentence; empty when it is."""
        if not self.request.cache:
            return say("the cache is switched off")
        if not self.mask.frozen:
            return say("nothing is frozen")
        layers = self.mask.tree.layers
        if self.mask.norms == "update" and any(layer.moves for layer in layers):
            return say("with 'norms update' frozen layers change from step to step")
        if self.mask.dropout == "on" and any(layer.drops for layer in layers):
            return say("with 'dropout on' frozen layers are random")
        if steps <= 0 or not self._saves(steps):
            return say("the run is too short for more than that")
        return ""

    def _saves(self, steps: int) -> bool:
        """Whether fewer samples go through the frozen part when each does once than in these steps and evaluations."""
        train, test = len(self.parts["train"]), len(self.parts["test"])
        evaluations = 1 if self.request.seed in self.session.before else 2
        scored = self.session.training_scored
        stepped = steps * min(self.request.batch_size, train)
        drawn = min(train, stepped)
        once = drawn + scored * (1 - drawn / train) + test + LOOKING * CHECKED
        return once < stepped + evaluations * test + scored

    def _values(self) -> object:
        """What decides the kept values beside the cut: the seed, where fresh weights are frozen.

        Where an earlier phase of this run has trained what is frozen now, they are good for this phase alone.
        """
        if self.stale:
            return object()
        fresh = any(p.new and not trains for p, trains in zip(self.mask.tree.parameters, self.mask.trains, strict=True))
        random = self.session.source.weights != "pretrained"
        return (self.request.seed if fresh or random else None, self.mask.norms, self.mask.dropout)
