"""What a quick look measures of each block: how far its features reach, its gradients, its signal and noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from freezecore.mask import Mask
from freezecore.probe import ShouldStop
from freezecore.runtime.train.batches import Feed, shuffled_batches
from freezecore.runtime.train.session import Session

AT_ONCE = 64
MOST_TRAINED = 2_000  # samples that the linear classifiers see: their cost grows with the cube
RIDGES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
BATCHES = 4
FLOOR = 1e-3  # root mean square of weights below which a block counts as this large: fresh ones start at zero
LARGEST_SIDE = 4_096  # of a matrix whose singular values are taken


def block_accuracies(session: Session, should_stop: ShouldStop) -> list[float]:
    """Held-out accuracy of a ridge classifier on the mean-pooled output of each block; empty when stopped."""
    train, test = (_features(session, feed, should_stop) for feed in (session.train, session.test))
    if should_stop():
        return []
    targets = session.train.targets[: len(train[0])]
    return [_ridge_accuracy(a, targets, b, session.test.targets) for a, b in zip(train, test, strict=True)]


def gradient_norms(session: Session, seed: int, batch_size: int, should_stop: ShouldStop) -> list[float | None]:
    """Each block's gradient norm over its weight norm, squared means over a few batches.

    Sums run over a whole block, since single tensors that start at zero (a LayerScale, a fresh bias) have ratios
    without bound; the head is left out, and very small weights count as `FLOOR`.
    """
    model, tree = session.model, session.tree
    Mask.as_author(tree).apply_to(model)
    parameters = dict(model.named_parameters())
    totals = [0.0] * len(tree.blocks)
    batches = shuffled_batches(len(session.train), batch_size, seed, session.device)
    was_training = model.training
    model.eval()  # dropout would add its own noise, and statistics must not move
    for _ in range(BATCHES):
        if should_stop():
            break
        positions = next(batches)
        model.zero_grad(set_to_none=True)
        session.train.loss(session.train.forward(positions), positions).backward()
        for i, path in enumerate(tree.blocks):
            totals[i] += _squares(parameters[tree.parameters[at].name].grad for at in tree.in_block(path))
    model.zero_grad(set_to_none=True)
    model.train(was_training)
    norms = []
    for path, total in zip(tree.blocks, totals, strict=True):
        weights = [parameters[tree.parameters[at].name] for at in tree.in_block(path)]
        scale = max(_squares(weights), FLOOR**2 * sum(w.numel() for w in weights))
        norms.append((total / BATCHES / scale) ** 0.5 if scale else None)
    return norms


def signal_ratios(session: Session, should_stop: ShouldStop) -> list[float | None]:
    """Each block's mean signal-to-noise ratio over its matrices, larger matrices counting for more.

    Singular values above the edge that a matrix of noise would have are signal, those below are noise. A convolution
    counts as the matrix of its outputs.
    """
    parameters, ratios = dict(session.model.named_parameters()), []
    for path in session.tree.blocks:
        found = []
        for at in session.tree.in_block(path):
            weight = parameters[session.tree.parameters[at].name]
            if weight.dim() >= 2 and min(weight.shape[0], prod(weight.shape[1:])) > 1 and not should_stop():
                found.append((weight.numel(), _signal_ratio(weight)))
        count = sum(numel for numel, _ in found)
        ratios.append(sum(numel * ratio for numel, ratio in found) / count if count else None)
    return ratios


@torch.no_grad()
def _features(session: Session, feed: Feed, should_stop: ShouldStop) -> list[Tensor]:
    """Per block, [samples, features] pooled over place and time."""
    kept: list[list[Tensor]] = [[] for _ in session.tree.blocks]
    was_training = session.model.training
    session.model.eval()
    with _watching(session, kept):
        for positions in torch.arange(min(len(feed), MOST_TRAINED), device=session.device).split(AT_ONCE):
            if should_stop():
                break
            feed.forward(positions)
    session.model.train(was_training)
    return [torch.cat(parts) if parts else torch.zeros(0, 1) for parts in kept]


@contextmanager
def _watching(session: Session, kept: list[list[Tensor]]) -> Iterator[None]:
    modules = dict(session.model.named_modules())

    def watch(into: list[Tensor]) -> Callable:
        def hook(module: nn.Module, args: tuple, output: object) -> None:
            into.append(_pooled(_first_tensor(output)).cpu())

        return hook

    hooks = [
        modules[path].register_forward_hook(watch(into)) for path, into in zip(session.tree.blocks, kept, strict=True)
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _first_tensor(output: Any) -> Tensor:
    while not isinstance(output, Tensor):
        output = next(iter(output.values() if isinstance(output, dict) else output))
    return output


def _pooled(output: Tensor) -> Tensor:
    """[batch, channels]: the mean over height and width (wherever the channels stand) or over tokens."""
    output = output.float()
    if output.dim() == 4:
        channels_last = output.shape[1] == output.shape[2] != output.shape[3]
        return output.mean((1, 2) if channels_last else (2, 3))
    return output.mean(1) if output.dim() == 3 else output.flatten(1)


def _ridge_accuracy(train: Tensor, targets: Tensor, test: Tensor, test_targets: Tensor) -> float:
    """Accuracy of least squares to one-hot targets, its ridge chosen by leaving each training sample out in turn."""
    targets, test_targets = targets.cpu(), test_targets[: len(test)].cpu()
    centre, scale = train.mean(0), train.std(0).clamp_min(1e-6)
    train, test = ((x - centre) / scale / train.shape[1] ** 0.5 for x in (train, test))
    wanted = torch.nn.functional.one_hot(targets, int(targets.max()) + 1).double()
    offset = wanted.mean(0)
    values, vectors = torch.linalg.eigh((train @ train.T).double())
    turned = vectors.T @ (wanted - offset)
    best = (-1.0, torch.zeros(0))
    for ridge in RIDGES:
        weight = 1 / (values.clamp_min(0) + ridge * values.max())
        dual = vectors @ (weight[:, None] * turned)
        left_out = wanted - offset - dual / (vectors**2 @ weight)[:, None]
        hits = ((left_out + offset).argmax(1) == targets).double().mean().item()
        best = max(best, (hits, dual), key=lambda pair: pair[0])
    scores = (test @ train.T).double() @ best[1] + offset
    return (scores.argmax(1) == test_targets).double().mean().item()


def _signal_ratio(weight: Tensor) -> float:
    """Sum of the singular values above the edge of noise, over the sum of those below."""
    matrix = weight.detach().float().flatten(1)[:LARGEST_SIDE, :LARGEST_SIDE]
    values = torch.linalg.svdvals(matrix).cpu()
    aspect = min(matrix.shape) / max(matrix.shape)
    edge = values.median().item() / _median_of_noise(aspect) * (1 + aspect**0.5)
    signal, noise = values[values > edge].sum().item(), values[values <= edge].sum().item()
    return signal / noise if noise else 0.0


@cache
def _median_of_noise(aspect: float) -> float:
    """Median singular value of a matrix of noise with this ratio of sides, where the largest is 1 + sqrt(aspect).

    The square root of the median of the Marchenko-Pastur distribution (Gavish and Donoho, arXiv 1305.5870).
    """
    low, high = (1 - aspect**0.5) ** 2, (1 + aspect**0.5) ** 2
    at = torch.linspace(low, high, 4_001, dtype=torch.float64)[1:-1]
    total = (((high - at) * (at - low)).sqrt() / at).cumsum(0)
    return at[int(torch.searchsorted(total, total[-1] / 2))].item() ** 0.5


def _squares(tensors) -> float:
    return sum(t.detach().float().pow(2).sum().item() for t in tensors if t is not None)
