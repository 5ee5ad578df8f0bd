"""One run: its phases, steps and evaluations, and the states in which it may end, each with what was measured."""

from __future__ import annotations

import math
import time
import traceback
from contextlib import nullcontext
from dataclasses import replace

import torch
from torch import Tensor

from freezecore.cache.keys import versions
from freezecore.mask import Mask
from freezecore.probe import Emit, ProbeRequest, ProbeResult, Proof, ShouldStop, State, never, silent
from freezecore.rates import learning_rates
from freezecore.report import number_text
from freezecore.runtime import device as devices
from freezecore.runtime.own.hold import hold
from freezecore.runtime.own.proof import merged
from freezecore.runtime.train.batches import cannot_train, shuffled_batches
from freezecore.runtime.train.evaluate import Evaluation
from freezecore.runtime.train.optimizer import carry_state, set_rates
from freezecore.runtime.train.phase import TrainingPhase
from freezecore.runtime.train.price import Priced
from freezecore.runtime.train.session import Session
from freezecore.runtime.train.step import LossNotFinite, peak_of, training_step
from freezecore.sentences import say

AFTER_A_STOP_S = 0.5  # for the last evaluation: whoever pressed Stop waits for it


def run_probe(request: ProbeRequest, emit: Emit = silent, should_stop: ShouldStop = never) -> ProbeResult:
    """One probe from model and data to its result.

    `emit` hears, as it happens: `phase` (what is being done, and how much of it), `start` (sizes, device, rates),
    `eval` (accuracy so far), `step` (loss, time), `proof`. `should_stop` is asked before each step and each part of
    an evaluation or a capture. `seconds` is the run's own time; the estimate beside it is made afterwards.

    Raises:
        FreezeError: it could not start: no such model, data or rule, or nothing trains. What goes wrong later is a
            state of the result, with what was measured until then.
    """
    started = time.perf_counter()
    session = Session(request, emit)
    try:
        measured = run(session, request, emit, should_stop, along=True)
        result = replace(measured, seconds=time.perf_counter() - started)
        if result.state != "done":
            return result
        try:
            cost = Priced(session, request).estimate(_last_in_force(session, request, result.steps))
        except Exception:  # what was measured does not depend on what is computed afterwards
            traceback.print_exc()
            return result
        if cost is None:
            return result
        flops = cost.flops_forward + cost.flops_backward
        return replace(result, estimated_peak_bytes=cost.peak_bytes, flops=flops)
    finally:
        session.close()


def _last_in_force(session: Session, request: ProbeRequest, steps: int) -> Mask:
    """The mask of the last phase that took a step: its steps are the ones whose memory and time were measured."""
    masks, samples = session.masks(request), len(session.train)
    per_epoch = max(1, samples // min(request.batch_size, samples))
    begun = [mask for epoch, mask in masks if epoch * per_epoch < steps]
    return begun[-1] if len(begun) == 1 else replace(begun[-1], also_held=begun[0].norms_held)


def run(
    session: Session,
    request: ProbeRequest,
    emit: Emit = silent,
    should_stop: ShouldStop = never,
    *,
    along: bool = False,
) -> ProbeResult:
    """Train a session's model under the request's selection, from its first weights.

    `along` is whether accuracy on held-out data is told a few times on the way; no number of the result depends on it.

    Raises:
        FreezeError: a rule that hits nothing, or nothing trains. What goes wrong later is a state of the result.
    """
    masks = session.begin(request)
    try:
        return TrainingRun(session, masks, request, emit, should_stop, along).run()
    finally:
        hold(session.model, masks[0][1]).release()
        devices.free(session.device)


class StoppedEarly(Exception):
    """The run was asked to end before its last step."""


class TrainingRun:
    """One run on a session's model; `measured` grows as the run does, whatever happens next."""

    def __init__(
        self,
        session: Session,
        masks: list[tuple[int, Mask]],
        request: ProbeRequest,
        emit: Emit,
        should_stop: ShouldStop,
        along: bool = False,
    ) -> None:
        self.session, self.request, self.emit, self.should_stop = session, request, emit, should_stop
        self.masks, self.along = masks, along
        self.evaluation = Evaluation(session, request, emit)
        asked = {"body": request.learning_rate, "head": request.head_learning_rate}
        self.rates = learning_rates(masks[-1][1], session.rates_kind, request.optimizer, **asked)
        self.batches = shuffled_batches(len(session.train), request.batch_size, request.seed, session.device)
        self.batch_size = min(request.batch_size, len(session.train))
        half = devices.half(session.device) if session.device.type == "cuda" else None
        self.scaler = torch.amp.GradScaler(session.device.type) if half == torch.float16 else None
        self.phase: TrainingPhase | None = None
        self.trained: set[str] = set()
        self.proofs: list[Proof] = []
        self.step = 0
        self.measured: dict = {}
        self.began = time.perf_counter()

    def run(self) -> ProbeResult:
        """Train to the end, or to what ends it."""
        state: State = "done"
        message, hint = "", ""
        torch.manual_seed(self.request.seed)
        try:
            self._start()
            for number, (_, last, mask) in enumerate(self._spans()):
                if number:
                    self._enter(mask)
                while self.step < last and not self._time_is_over():
                    self._step(next(self.batches), last - self.step)
        except StoppedEarly:
            state, message = "stopped", say("Stopped before its end; what was measured until then is kept.")
        except LossNotFinite:
            state, (message, hint) = "not-a-number", self._not_a_number()
        except (RuntimeError, MemoryError) as error:
            if not devices.is_out_of_memory(error):
                raise cannot_train(self.session.model, error) from error
            state, (message, hint) = "out-of-memory", self._out_of_memory()
        self._finish(state)
        return self._result(state, message, hint)

    def _start(self) -> None:
        """Everything before the first step."""
        session = self.session
        mask = self.masks[0][1]
        self.measured.update(
            device=devices.describe(session.device),
            train_size=len(session.train),
            test_size=len(session.test),
            trainable=mask.trainable,
            total=mask.tree.total,
            learning_rate=self.rates.body,
            head_learning_rate=self.rates.head,
            metric=self.evaluation.metric,
        )
        self.emit({"event": "start", **self.measured})
        self._enter(mask)

    def _spans(self) -> list[tuple[int, int, Mask]]:
        """First and last step of each phase, and its mask; phases that would begin after the last step are left out."""
        steps, per_epoch = self.request.steps, max(1, len(self.session.train) // self.batch_size)
        starts = [epoch * per_epoch for epoch, _ in self.masks] + [steps]
        return [
            (start, min(end, steps), mask)
            for start, end, (_, mask) in zip(starts, starts[1:], self.masks, strict=False)
            if start < steps
        ]

    def _enter(self, mask: Mask) -> None:
        """Put the next mask in force; norms that the first phase held stay held, as a schedule's default is."""
        earlier = self.phase
        if earlier:
            self.proofs.append(earlier.check.verify(earlier.optimizer))
            mask = replace(mask, also_held=self.masks[0][1].norms_held)
        self.phase = TrainingPhase(self.session, mask, self.request, self.rates, self.emit, self.trained)
        self.trained |= set(mask.names())
        if earlier:
            carry_state(earlier.optimizer, self.phase.optimizer)

    @property
    def _phase(self) -> TrainingPhase:
        """The phase in force; there is one from the first step on."""
        assert self.phase is not None
        return self.phase

    def _ask_to_stop(self) -> None:
        if self.should_stop():
            raise StoppedEarly

    def _time_is_over(self) -> bool:
        return self.request.seconds is not None and time.perf_counter() - self.began > self.request.seconds

    def _step(self, positions: Tensor, left: int) -> None:
        """One optimizer step, told as it ends; `left` steps are left of the phase."""
        self._ask_to_stop()
        phase = self._phase
        phase.prepare(positions, left)
        set_rates(phase.optimizer, self.step, self.request.steps)
        phase.optimizer.zero_grad(set_to_none=True)
        watched = phase.watches
        at = time.perf_counter()
        with peak_of(phase.model, phase.optimizer, self.session.device) if watched else nullcontext() as peak:
            loss = training_step(phase.loss, positions, phase.optimizer, self.scaler)
        seconds = time.perf_counter() - at
        self.step += 1
        phase.note(seconds, peak.bytes if peak else None, watched)
        self._tell(loss, seconds)
        if phase.looked and self.evaluation.first is None:  # a person sees steps first, and a kept prefix serves both
            self.measured.update(self.evaluation.before(phase, self._ask_to_stop))
        if phase.looked and self.along:
            at = time.perf_counter()
            self.evaluation.along(phase, self.step, self.request.steps)
            self.began += time.perf_counter() - at  # a run of so many seconds trains as long as without

    def _tell(self, loss: float, seconds: float) -> None:
        self.measured.setdefault("loss_first", loss)
        self.measured.update(steps=self.step, loss_last=loss)
        if step_s := self._phase.step_s:
            self.measured.update(step_s=step_s, samples_per_s=self.batch_size / step_s)
        self.emit({"event": "step", "step": self.step, "loss": loss, "step_s": seconds})

    def _finish(self, state: State) -> None:
        """The proof first, because a stop may cut short what follows; then what the model can do now."""
        phase = self.phase
        if phase is None:
            return
        phase.model.train()
        proof = merged([*self.proofs, phase.check.verify(phase.optimizer)])
        self.measured["proof"] = proof
        self.emit({"event": "proof", "proof": proof.to_json()})
        if self.step and state in ("done", "stopped"):
            if state == "done" and self.evaluation.first is None:
                self.measured.update(self.evaluation.before(phase))
            until = math.inf if state == "done" else time.perf_counter() + AFTER_A_STOP_S
            self.measured.update(self.evaluation.after(phase, until))
        if phase.plain.peak_bytes:
            self.measured["peak_bytes"] = phase.plain.peak_bytes
        self.measured["cache"] = phase.cache_use()

    def _result(self, state: State, message: str, hint: str) -> ProbeResult:
        return ProbeResult(
            state=state,
            **self.measured,
            rss_bytes=devices.rss_bytes(),
            message=message,
            hint=hint,
            request=self.request.to_json(),
            versions=versions(),
            notes=self.session.data.notes,
        )

    def _out_of_memory(self) -> tuple[str, str]:
        data, smaller = self.session.data, max(1, self.batch_size // 2)
        unit = say("tokens") if data.raw.kind == "text" else say("pixels")
        when = say("at step {step}" if self.step else "before the first step was over", step=self.step + 1)
        said = say(
            "The probe ran out of memory {when} (batch {batch}, {size} {unit}).",
            when=when,
            batch=self.batch_size,
            size=data.size,
            unit=unit,
        )
        return said, say("Try a batch of {smaller}, or freeze more from the input side.", smaller=smaller)

    def _not_a_number(self) -> tuple[str, str]:
        highest = max(group["peak"] for group in self._phase.optimizer.param_groups)
        said = say(
            "The loss became not a number at step {step}, at a learning rate of {rate}.",
            step=self.step + 1,
            rate=number_text(highest),
        )
        return said, say("Try a tenth of it: {rate}.", rate=number_text(highest / 10))
