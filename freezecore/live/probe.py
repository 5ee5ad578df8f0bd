"""One probe: a short, real fine-tuning run under a selection, told step by step, with the proof at the end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace

import torch

from freezecore import metrics
from freezecore.errors import ProbeError
from freezecore.live import device as devices
from freezecore.live import train
from freezecore.live.build import build
from freezecore.live.data import Dataset, encode, read
from freezecore.live.hold import hold
from freezecore.live.proof import ProofCheck
from freezecore.live.read import read_module
from freezecore.mask import Mask
from freezecore.probe import ProbeRequest, ProbeResult
from freezecore.resolve import resolve
from freezecore.source import ModelSource

Emit = Callable[[dict], None]


def never() -> bool:
    return False


def run(request: ProbeRequest, emit: Emit, should_stop: Callable[[], bool] = never) -> ProbeResult:
    """Train as asked; `emit` hears `phase`, `step` and `eval` events as they happen.

    Raises:
        FreezeError: it could not start: no such model, data or rule, or nothing trains. What goes wrong later is a
            state of the result, with what was measured until then.
    """
    started = time.perf_counter()
    torch.manual_seed(request.seed)
    device = devices.choose(request.device)
    emit({"event": "phase", "phase": "data"})
    raw = read(request.data, train_size=request.train_size, test_size=request.test_size)
    emit({"event": "phase", "phase": "model"})
    built = build(headed(request.source, raw.kind, len(raw.classes) or 1))
    data = encode(raw, built.model, image_size=request.image_size, sequence_length=request.sequence_length)
    tree = read_module(built.model, str(request.source), new=built.new)
    mask = resolve(request.spec, tree)
    if not mask.trainable:
        raise ProbeError(
            f"All {len(tree.parameters)} parameters are frozen, so there is nothing to train.",
            "Add a rule such as 'train head'.",
        )
    mask.apply_to(built.model)
    built.model.to(device)
    with hold(built.model, mask):
        result = _Run(request, built.model, mask, data, device, emit, should_stop).run()
    return replace(result, seconds=time.perf_counter() - started)


def headed(source: ModelSource, kind: str, outputs: int) -> ModelSource:
    """The same source with a new head for this data."""
    if source.scheme in ("timm", "py"):
        return source.with_(num_labels=outputs)
    task = source.task or ("sequence-classification" if kind == "text" else "image-classification")
    return source.with_(task=task, num_labels=outputs)


class _Run:
    """One run's state: what was measured so far is in `measured`, whatever happens next."""

    def __init__(
        self, request: ProbeRequest, model, mask: Mask, data: Dataset, device, emit: Emit, should_stop
    ) -> None:
        self.request, self.model, self.mask, self.data, self.device = request, model, mask, data, device
        self.emit, self.should_stop = emit, should_stop
        self.measured: dict = {}
        conv = any(isinstance(m, torch.nn.Conv2d) for m in model.modules())
        if conv:
            model.to(memory_format=torch.channels_last)
        self.train_feed = train.Feed(data.train, data, device, conv)
        self.test_feed = train.Feed(data.test, data, device, conv)

    def run(self) -> ProbeResult:
        request = self.request
        rate, head_rate = train.learning_rates(request.optimizer, request.learning_rate, request.head_learning_rate)
        self.optimizer = train.build_optimizer(self.model, self.mask, request.optimizer, rate, head_rate)
        self.check = ProofCheck(self.model, self.mask)
        self.measured.update(
            learning_rate=rate,
            head_learning_rate=head_rate,
            train_size=len(self.train_feed),
            test_size=len(self.test_feed),
            trainable=self.mask.trainable,
            total=self.mask.tree.total,
        )
        self.measured["accuracy_before"] = self.evaluate(self.test_feed, "before")[0]
        state = self.steps()
        accuracy, hits, count = self.evaluate(self.test_feed, "after")
        self.measured.update(accuracy_after=accuracy, interval=metrics.wilson(hits, count))
        self.measured["train_accuracy_after"] = self.evaluate(self.train_feed, "train")[0]
        proof = self.check.verify(self.optimizer)
        return ProbeResult(
            state,
            devices.describe(self.device),
            **self.measured,
            proof=proof,
            rss_bytes=devices.rss_bytes(),
            request=request.to_json(),
            versions={"torch": torch.__version__},
        )

    def forward(self, feed: train.Feed) -> train.Forward:
        return lambda positions: train.call(self.model, feed.inputs(positions))

    def evaluate(self, feed: train.Feed, when: str) -> tuple[float, int, int]:
        hits, seen = 0, 0
        for logits in train.predict(self.model, self.forward(feed), len(feed), self.device):
            positions = torch.arange(seen, seen + len(logits), device=self.device)
            hits += int((logits.argmax(-1) == feed.targets(positions)).sum())
            seen += len(logits)
            self.emit({"event": "eval", "when": when, "done": seen, "total": len(feed), "accuracy": hits / seen})
        return hits / seen, hits, seen

    def steps(self) -> str:
        request, forward = self.request, self.forward(self.train_feed)
        self.model.train()
        durations, begun = [], time.perf_counter()
        batches = train.order(len(self.train_feed), request.batch_size, request.seed, self.device)
        for number, positions in zip(range(1, request.steps + 1), batches, strict=False):
            if self.should_stop():
                return "stopped"
            at = time.perf_counter()
            self.optimizer.zero_grad(set_to_none=True)
            loss = train.loss_of(forward(positions), self.train_feed.targets(positions))
            loss.backward()
            self.optimizer.step()
            value = float(loss.detach())
            if not math.isfinite(value):
                return "not-a-number"
            durations.append(time.perf_counter() - at)
            self.note_step(number, value, durations, len(positions))
            if request.seconds and time.perf_counter() - begun > request.seconds:
                break
        return "done"

    def note_step(self, number: int, loss: float, durations: list[float], batch: int) -> None:
        step_s = sorted(durations)[len(durations) // 2]
        self.measured.setdefault("loss_first", loss)
        self.measured.update(steps=number, loss_last=loss, step_s=step_s, samples_per_s=batch / step_s)
        self.emit({"event": "step", "step": number, "loss": loss, "step_s": durations[-1]})
