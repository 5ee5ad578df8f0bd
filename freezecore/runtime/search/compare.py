"""Selections tried on a person's own model, batches and loss, scored on the same held-out batches."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

import torch
from torch import Tensor, nn

from freezecore._resolve import resolve
from freezecore.arguments import described
from freezecore.comparison import Comparison, TriedSelection
from freezecore.errors import ProbeError
from freezecore.mask import Mask
from freezecore.probe import Proof
from freezecore.rates import ModelKind, Rates, learning_rates
from freezecore.runtime.own.hold import hold
from freezecore.runtime.own.proof import ProofCheck, flags_of
from freezecore.runtime.train.optimizer import build_optimizer, set_rates
from freezecore.runtime.tree.layers import read_module
from freezecore.sentences import say

Batch = tuple[Any, Tensor]  # inputs and targets
HELD_OUT = 4  # every so many-th batch is held out where none are given


def compare(
    make_model: Callable[[], nn.Module],
    specs: Sequence[str],
    batches: Iterable[Batch],
    loss: Callable[[Any, Tensor], Tensor],
    *,
    held_out: Iterable[Batch] | None,
    score: Callable[[Any, Tensor], Tensor] | None,
    steps: int | None,
    seeds: int,
    learning_rate: float | None,
    factors: Sequence[float],
) -> Comparison:
    """See `freezecore.api.compare`."""
    batches = _pairs(batches)
    test = _pairs(held_out) if held_out is not None else batches[HELD_OUT - 1 :: HELD_OUT]
    train = batches if held_out is not None else [b for i, b in enumerate(batches) if (i + 1) % HELD_OUT]
    if not train or not test:
        raise ProbeError(
            "{count} batches are too few.", "Give {most} or more, or held_out=….", count=len(batches), most=HELD_OUT
        )
    if not specs or not factors or seeds < 1:
        raise ProbeError("There is nothing to compare.", "Give rules, a seed, and a factor or more.")
    scored = score or (lambda output, targets: _scored(output, targets, loss))
    if steps is not None and steps < 1:
        raise ProbeError("{steps} steps are out of range.", "Give one or more, or None for one pass.", steps=steps)
    model = None if isinstance(make_model, nn.Module) else make_model()
    if not isinstance(model, nn.Module):
        raise ProbeError(
            "This takes a function that builds one model after another, not {value}.",
            "Such as lambda: Net(), called once for each run.",
            value=described(make_model if model is None else model),
        )
    for rules in specs:  # before the first of them has trained
        _mask(rules, model)
    bench = Bench(make_model, train, test, loss, scored, steps or len(train), learning_rate)
    return Comparison(tuple(bench.tried(rules, seeds, (1.0,) if learning_rate else factors) for rules in specs))


def _pairs(batches: Iterable[Batch]) -> list[Batch]:
    batches = list(batches)
    for number, batch in enumerate(batches):
        if not isinstance(batch, (tuple, list)) or len(batch) != 2:
            raise ProbeError(
                "Batch {number} is a {kind}, and not a pair of inputs and targets.",
                "Give pairs, such as ((b, b.pop('labels')) for b in loader).",
                number=number,
                kind=type(batch).__name__,
            )
    return batches


def _mask(rules: str, model: nn.Module) -> Mask:
    tree = read_module(model)
    mask = resolve(rules, tree, start=flags_of(model, tree))
    if not mask.trainable:
        raise ProbeError("'{rules}' leaves nothing to train.", "Add a rule such as 'train head'.", rules=rules)
    return mask


@dataclass(frozen=True)
class ScoredRun:
    """One model trained under one selection; scores by held-out sample."""

    scores: list[float]
    mask: Mask
    step_s: float
    proof: Proof
    message: str

    @property
    def score(self) -> float:
        return statistics.fmean(self.scores)


@dataclass(frozen=True)
class Bench:
    """What all selections have in common; fields as the arguments of `compare`."""

    make_model: Callable[[], nn.Module]
    train: list[Batch]
    test: list[Batch]
    loss: Callable[[Any, Tensor], Tensor]
    scored: Callable[[Any, Tensor], Tensor]
    steps: int
    learning_rate: float | None

    def tried(self, rules: str, seeds: int, factors: Sequence[float]) -> TriedSelection:
        """A selection at its best rate, over all seeds."""
        first = {factor: self.run(rules, 0, factor) for factor in factors}
        factor = max(first, key=lambda one: first[one].score)
        runs = [first[factor], *(self.run(rules, seed, factor) for seed in range(1, seeds))]
        per_sample = tuple(statistics.fmean(column) for column in zip(*(run.scores for run in runs), strict=True))
        return TriedSelection(
            rules=rules,
            trainable=runs[0].mask.trainable,
            score=statistics.fmean(per_sample),
            per_sample=per_sample,
            by_seed=tuple(run.score for run in runs),
            step_s=statistics.median(run.step_s for run in runs),
            proof=runs[-1].proof,
            factor=factor,
            message=next((run.message for run in runs if run.message), ""),
        )

    def run(self, rules: str, seed: int, factor: float) -> ScoredRun:
        """One model from its first weights to its scores; a loss that is not a number ends the training."""
        torch.manual_seed(seed)
        model = self.make_model()
        mask = _mask(rules, model)
        mask.apply_to(model)
        optimizer = _optimizer(model, mask, self.train[0][0], self.learning_rate, factor)
        durations, message = [], ""
        with hold(model, mask):
            check = ProofCheck(model, mask)
            model.train()
            for done, (inputs, targets) in enumerate(islice(cycle(self.train), self.steps)):
                began = time.perf_counter()
                set_rates(optimizer, done, self.steps)
                optimizer.zero_grad(set_to_none=True)
                loss = self.loss(_called(model, inputs), targets)
                if not torch.isfinite(loss):
                    message = say("The loss became not a number at step {done}; trained until then.", done=done + 1)
                    break
                loss.backward()
                optimizer.step()
                durations.append(time.perf_counter() - began)
            proof = check.verify(optimizer)
            model.eval()
            with torch.no_grad():
                parts = [self.scored(_called(model, inputs), targets).float().cpu() for inputs, targets in self.test]
        return ScoredRun(torch.cat(parts).tolist(), mask, statistics.median(durations or [0.0]), proof, message)


def _optimizer(model: nn.Module, mask: Mask, inputs: Any, rate: float | None, factor: float) -> torch.optim.Optimizer:
    tensors = inputs.values() if isinstance(inputs, dict) else inputs if isinstance(inputs, (tuple, list)) else [inputs]
    kind: ModelKind = "image" if any(t.is_floating_point() for t in tensors) else "text"
    rates = learning_rates(mask, kind, body=rate, head=rate)
    return build_optimizer(model, mask, "adamw", Rates(rates.body * factor, rates.head * factor))


def _called(model: nn.Module, inputs: Any) -> Any:
    if isinstance(inputs, dict):
        return model(**inputs)
    return model(*inputs) if isinstance(inputs, (tuple, list)) else model(inputs)


def _scored(output: Any, targets: Tensor, loss: Callable[[Any, Tensor], Tensor]) -> Tensor:
    """Hits where the targets are class numbers, one a sample; else each sample's loss, negated."""
    logits = getattr(output, "logits", output)
    if isinstance(logits, Tensor) and logits.dim() == 2 and targets.dim() == 1 and not targets.is_floating_point():
        return (logits.argmax(-1) == targets).float()
    return torch.stack([-loss(logits[i : i + 1], targets[i : i + 1]) for i in range(len(targets))])
