"""Selections tried on a person's own model, batches and loss, scored on the same held-out batches."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import cycle, islice
from typing import Any

import torch
from torch import Tensor, nn

from freezecore.compare import Comparison, Tried
from freezecore.errors import ProbeError
from freezecore.live.hold import hold
from freezecore.live.proof import ProofCheck
from freezecore.live.read import read_module
from freezecore.live.train_optimizer import build_optimizer, default_rates, set_rates
from freezecore.mask import Mask
from freezecore.resolve import resolve
from freezecore.spec import FreezeSpec

Batch = tuple[Any, Tensor]  # inputs and targets
HELD_OUT = 4  # every so many-th batch is held out where none are given


def compare(
    make_model: Callable[[], nn.Module],
    specs: Sequence[str],
    batches: Iterable[Batch],
    loss: Callable[[Any, Tensor], Tensor],
    *,
    held_out: Iterable[Batch] | None = None,
    score: Callable[[Any, Tensor], Tensor] | None = None,
    steps: int | None = None,
    seeds: int = 1,
    learning_rate: float | None = None,
) -> Comparison:
    """Train a fresh model under each selection and score it on the same held-out samples.

    Args:
        make_model: builds the model with its weights; called once for each selection and seed, after seeding torch.
        specs: rules, such as `"freeze all; train head"`.
        batches: (inputs, targets) on the model's device; a dict of inputs is passed by name, a tuple by position.
        loss: of the model's output and the targets.
        held_out: batches to score on; None takes every fourth of `batches`.
        score: one number a sample from output and targets, higher is better; None takes hits for class numbers and
            the negated loss of each sample otherwise.
        steps: optimizer steps; None is one pass over the batches.
        learning_rate: the same for all; None takes the default for each selection, since the best rate differs.

    Raises:
        RuleError: rules that hit nothing. ProbeError: there are too few batches, or nothing trains.
    """
    batches = list(batches)
    test = list(held_out) if held_out is not None else batches[HELD_OUT - 1 :: HELD_OUT]
    train = batches if held_out is not None else [b for i, b in enumerate(batches) if (i + 1) % HELD_OUT]
    if not train or not test:
        raise ProbeError(f"{len(batches)} batches are too few.", f"Give {HELD_OUT} or more, or held_out=….")
    scored = score or (lambda output, targets: _scored(output, targets, loss))
    steps = steps or len(train)
    tried = []
    for rules in specs:
        runs = [_one(make_model, rules, train, test, loss, scored, steps, seed, learning_rate) for seed in range(seeds)]
        per_sample = tuple(statistics.fmean(column) for column in zip(*(run[0] for run in runs), strict=True))
        by_seed = tuple(statistics.fmean(run[0]) for run in runs)
        _, mask, step_s, proof = runs[-1]
        tried.append(Tried(rules, mask.trainable, statistics.fmean(per_sample), per_sample, by_seed, step_s, proof))
    return Comparison(tuple(tried))


def _one(make_model, rules, train, test, loss, scored, steps, seed, rate) -> tuple:
    """Per-sample scores, mask, median step time and proof of one model under one selection."""
    torch.manual_seed(seed)
    model = make_model()
    mask = resolve(FreezeSpec.parse(rules), read_module(model))
    if not mask.trainable:
        raise ProbeError(f"'{rules}' leaves nothing to train.", "Add a rule such as 'train head'.")
    mask.apply_to(model)
    optimizer = _optimizer(model, mask, train[0][0], rate)
    durations = []
    with hold(model, mask):
        check = ProofCheck(model, mask)
        model.train()
        for done, (inputs, targets) in enumerate(islice(cycle(train), steps)):
            began = time.perf_counter()
            set_rates(optimizer, done, steps)
            optimizer.zero_grad(set_to_none=True)
            loss(_called(model, inputs), targets).backward()
            optimizer.step()
            durations.append(time.perf_counter() - began)
        proof = check.verify(optimizer)
        model.eval()
        with torch.no_grad():
            scores = torch.cat([scored(_called(model, inputs), targets).float().cpu() for inputs, targets in test])
    return scores.tolist(), mask, statistics.median(durations), proof


def _optimizer(model: nn.Module, mask: Mask, inputs: Any, rate: float | None) -> torch.optim.Optimizer:
    tensors = inputs.values() if isinstance(inputs, dict) else inputs if isinstance(inputs, (tuple, list)) else [inputs]
    kind = "image" if any(t.is_floating_point() for t in tensors) else "text"
    rates = default_rates(mask, "adamw", kind)
    return build_optimizer(model, mask, "adamw", rates if rate is None else type(rates)(rate, rate))


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
