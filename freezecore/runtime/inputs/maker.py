"""Example, a batch of inputs, and the maker of its tensors."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from freezecore.workload import Workload

LONGEST_BY_DEFAULT = 128
IMAGE_BY_DEFAULT = 224
SAMPLES_BY_DEFAULT = 16_000  # one second of sound


@dataclass(frozen=True)
class Example:
    """What to call a model with.

    Attributes:
        sizes: what was chosen, of `batch_size`, `image_size`, `sequence_length`, `samples`, `features`.
    """

    args: tuple
    kwargs: dict
    sizes: dict[str, int]

    def call(self, model: nn.Module) -> object:
        return model(*self.args, **self.kwargs)


@dataclass(frozen=True)
class Maker:
    """Makes tensors of one batch on one device; ids and pixels are random, masks are ones."""

    workload: Workload
    device: torch.device

    def floats(self, *shape: int) -> Tensor:
        return torch.randn(self.workload.batch_size, *shape, device=self.device)

    def ids(self, length: int, vocabulary: int) -> Tensor:
        size = (self.workload.batch_size, length)
        return torch.randint(0, max(2, min(vocabulary, 1000)), size, device=self.device)

    def length(self, longest: int | None) -> int:
        return self.workload.sequence_length or min(LONGEST_BY_DEFAULT, longest or LONGEST_BY_DEFAULT)

    def example(self, args: tuple, kwargs: dict, **sizes: int) -> Example:
        """An example of these inputs, whose sizes besides the batch are given."""
        return Example(args, kwargs, {"batch_size": self.workload.batch_size, **sizes})
