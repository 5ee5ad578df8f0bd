"""The plain training loop's parts: batches, a step, an evaluation, the optimizer and its learning rates."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from freezecore.errors import ProbeError
from freezecore.live.data import Dataset, Samples
from freezecore.mask import Mask

Forward = Callable[[Tensor], Tensor]  # positions of samples to logits [batch, outputs]


class Feed:
    """Batches of one part of a data set, on the training device, in the form that the model takes."""

    def __init__(self, samples: Samples, data: Dataset, device: torch.device, channels_last: bool) -> None:
        self.samples = Samples({k: v.to(device) for k, v in samples.inputs.items()}, samples.targets.to(device))
        self.layout = torch.channels_last if channels_last else torch.contiguous_format
        self.device = device
        self.mean, self.std = (
            None if of is None else torch.tensor(of, device=device).view(1, -1, 1, 1) for of in (data.mean, data.std)
        )

    def __len__(self) -> int:
        return len(self.samples)

    def inputs(self, positions: Tensor) -> dict[str, Tensor]:
        """The model's arguments for these samples; pictures normalised."""
        batch = {name: tensor[positions] for name, tensor in self.samples.inputs.items()}
        if self.mean is None:
            return batch
        return {name: self._normalised(pictures) for name, pictures in batch.items()}

    def targets(self, positions: Tensor) -> Tensor:
        return self.samples.targets[positions]

    def _normalised(self, pictures: Tensor) -> Tensor:
        scaled = pictures.to(torch.float32, memory_format=self.layout).div_(255)
        return scaled.sub_(self.mean).div_(self.std)


def call(model: nn.Module, inputs: dict[str, Tensor]) -> Tensor:
    """The logits [batch, outputs] of one forward pass.

    Raises:
        ProbeError: the model gives no such thing.
    """
    output = model(inputs["image"]) if "image" in inputs else model(**inputs)
    logits = getattr(output, "logits", output)
    if isinstance(logits, (tuple, list)):
        logits = logits[0]
    if not isinstance(logits, Tensor) or logits.dim() != 2:
        raise ProbeError(
            f"{type(model).__name__} gives no scores per class, so it cannot be trained on classes.",
            "Open it with a classifier: for Hugging Face models, the task sequence- or image-classification.",
        )
    return logits


def order(count: int, batch_size: int, seed: int, device: torch.device) -> Iterator[Tensor]:
    """Positions of one batch after the other, for ever: a new shuffle each epoch, all batches of one size."""
    generator = torch.Generator().manual_seed(seed)
    batch_size = min(batch_size, count)
    while True:
        shuffled = torch.randperm(count, generator=generator)
        for start in range(0, count - batch_size + 1, batch_size):
            yield shuffled[start : start + batch_size].to(device)


def loss_of(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross entropy for classes, mean squared error for values."""
    if targets.is_floating_point():
        return F.mse_loss(logits.float().squeeze(-1), targets)
    return F.cross_entropy(logits.float(), targets)


RATES = {"adamw": (5e-4, 5e-3), "sgd": (2e-2, 2e-1), "sgd-momentum": (5e-3, 5e-2)}


def learning_rates(optimizer: str, asked: float | None, asked_head: float | None) -> tuple[float, float]:
    """The rate of what was pretrained, and the head's, which starts from nothing and may go faster."""
    rate, head = RATES[optimizer]
    return asked or rate, asked_head or (10 * asked if asked else head)


def build_optimizer(model: nn.Module, mask: Mask, name: str, rate: float, head_rate: float) -> torch.optim.Optimizer:
    """An optimizer over exactly the trainable parameters, the head's in a group with its own rate."""
    parameters = dict(model.named_parameters())
    groups: dict[float, list[nn.Parameter]] = {head_rate: [], rate: []}
    for parameter, trains in zip(mask.tree.parameters, mask.trains, strict=True):
        if trains:
            fresh = parameter.kind == "head" or parameter.new
            groups[head_rate if fresh else rate].append(parameters[parameter.name])
    listed = [{"params": of, "lr": lr} for lr, of in groups.items() if of]
    match name:
        case "adamw":
            return torch.optim.AdamW(listed, weight_decay=0.01)
        case "sgd":
            return torch.optim.SGD(listed)
        case _:
            return torch.optim.SGD(listed, momentum=0.9)


@torch.no_grad()
def predict(
    model: nn.Module, forward: Forward, count: int, device: torch.device, at_once: int = 64
) -> Iterator[Tensor]:
    """Logits of all samples, part by part, in eval mode; the mode that was found is set again."""
    was_training = model.training
    model.eval()
    try:
        for positions in torch.arange(count, device=device).split(at_once):
            yield forward(positions).float()
    finally:
        model.train(was_training)
