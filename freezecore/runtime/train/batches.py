"""Batches: the samples on the training device, their order, and the model's forward pass on some of them."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from freezecore.errors import FreezeError, ProbeError, shortened
from freezecore.runtime.data.samples import IGNORED, Dataset, Samples
from freezecore.runtime.device import autocast


class Feed:
    """One part of a data set on the training device: forward passes and losses by the samples' positions."""

    def __init__(
        self, model: nn.Module, samples: Samples, data: Dataset, device: torch.device, layout: torch.memory_format
    ) -> None:
        self.model, self.device, self.layout = model, device, layout
        self.name, self.outputs = data.raw.name, data.outputs
        self.inputs = {name: _laid_out(tensor, layout).to(device) for name, tensor in samples.inputs.items()}
        self.targets = samples.targets.to(device)
        self.of_tokens = self.targets.dim() > 1
        self.names = data.raw.classes
        self.scale = self.shift = None  # of a picture's bytes: (x / 255 - mean) / std in two passes over a batch
        if data.mean is not None:
            mean, std = (torch.tensor(of, device=device).view(1, -1, 1, 1) for of in (data.mean, data.std))
            self.scale, self.shift = 1 / (255 * std), mean / std

    def __len__(self) -> int:
        return len(self.targets)

    def forward(self, positions: Tensor, blank: bool = False) -> Tensor:
        """Logits [batch, outputs], or [batch, length, outputs] of a model that answers at each token; `blank` hands
        pictures of the right size over without their values."""
        with autocast(self.device):
            logits = call(self.model, self.batch(positions, blank), 3 if self.of_tokens else 2)
        if logits.shape[-1] < self.outputs or logits.shape[-1] > self.outputs and (self.names or not self.of_tokens):
            raise ProbeError(
                "{kind} has {count} outputs, and {data} needs {wanted}.",
                "Give the model a head of that size, or choose data with as many classes.",
                kind=type(self.model).__name__,
                count=logits.shape[-1],
                data=self.name,
                wanted=self.outputs,
            )
        return logits

    def loss(self, logits: Tensor, positions: Tensor) -> Tensor:
        """Cross entropy for classes and tokens, mean over what has a target; mean squared error for values."""
        targets = self.targets[positions]
        if targets.is_floating_point():
            return F.mse_loss(logits.float().squeeze(-1), targets)
        return F.cross_entropy(logits.float().flatten(0, -2), targets.flatten(), ignore_index=IGNORED)

    def batch(self, positions: Tensor, blank: bool = False) -> dict[str, Tensor]:
        """The model's inputs by name, pictures normalised."""
        if self.scale is None or self.shift is None:
            return {name: tensor[positions] for name, tensor in self.inputs.items()}
        make = self._blank if blank else self._normalised
        return {name: make(tensor, positions) for name, tensor in self.inputs.items()}

    def _normalised(self, pictures: Tensor, positions: Tensor) -> Tensor:
        assert self.scale is not None and self.shift is not None  # only pictures come here
        return pictures[positions].to(torch.float32, memory_format=self.layout).mul_(self.scale).sub_(self.shift)

    def _blank(self, pictures: Tensor, positions: Tensor) -> Tensor:
        return torch.zeros((), device=self.device).expand(len(positions), *pictures.shape[1:])


def _laid_out(tensor: Tensor, layout: torch.memory_format) -> Tensor:
    """Pictures in the order in which their batches are wanted: no batch need be turned round."""
    return tensor.contiguous(memory_format=layout) if tensor.dim() == 4 else tensor


def call(model: nn.Module, inputs: dict[str, Tensor], dimensions: int = 2) -> Tensor:
    """The logits of one forward pass, [batch, outputs] or with a dimension more.

    Raises:
        ProbeError: the model gives no such thing, or its own code fails.
    """
    try:
        output = model(inputs["image"]) if "image" in inputs else model(**inputs)
    except (FreezeError, RuntimeError, MemoryError):  # told already, or torch's, such as memory that ran out
        raise
    except Exception as error:  # the model's own code may raise anything
        raise cannot_train(model, error) from error
    logits = getattr(output, "logits", output)
    if isinstance(logits, (tuple, list)):
        logits = logits[0]
    if not isinstance(logits, Tensor) or logits.dim() != dimensions:
        raise ProbeError(
            "{kind} gives no scores per class, so it cannot be trained on classes."
            if dimensions == 2
            else "{kind} gives no scores at each token, so it cannot be trained on tokens.",
            "Open it with a classifier: for Hugging Face models, the task sequence- or image-classification."
            if dimensions == 2
            else "Open it with the task causal-lm or token-classification.",
            kind=type(model).__name__,
        )
    return logits


def cannot_train(model: nn.Module, error: Exception) -> ProbeError:
    """What ended a step, as a sentence with the words of whoever raised it."""
    return ProbeError(
        "{model} cannot be trained ({kind}: {cause}).",
        "The words in brackets are torch's, or those of the model's own code.",
        model=type(model).__name__,
        kind=type(error).__name__,
        cause=shortened(" ".join(str(error).split()), 300) or "no reason given",
    )


def shuffled_batches(count: int, batch_size: int, seed: int, device: torch.device) -> Iterator[Tensor]:
    """Positions of one batch after the other, for ever: a new shuffle each epoch, all batches of one size."""
    generator = torch.Generator().manual_seed(seed)
    batch_size = min(batch_size, count)
    while True:
        shuffled = torch.randperm(count, generator=generator)
        for start in range(0, count - batch_size + 1, batch_size):
            yield shuffled[start : start + batch_size].to(device)
