"""How the sizes of a tensor follow the batch size, learned from one tensor at two batch sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from freezecore.sentences import Reason

SIMPLE = (bool, int, float, str, bytes, type(None), torch.dtype, torch.device, torch.Size, slice)


class NotCuttable(Reason):
    """The forward cannot be cut here; the text says why, as the rest of a sentence."""


@dataclass(frozen=True)
class Shaped:
    """A tensor whose `dim` holds `each` entries a sample; `dim` None where no size follows the batch."""

    shape: tuple[int, ...]
    dim: int | None
    each: int
    dtype: torch.dtype
    device: torch.device
    layout: torch.memory_format = torch.contiguous_format

    def at(self, batch: int) -> tuple[int, ...]:
        """Its sizes at a batch size."""
        return tuple(batch * self.each if i == self.dim else size for i, size in enumerate(self.shape))

    @property
    def batch_dim(self) -> int:
        """`dim` of a tensor whose size follows the batch."""
        assert self.dim is not None
        return self.dim

    @property
    def bytes_each(self) -> int:
        """Bytes of one sample."""
        return torch.Size(self.at(1)).numel() * self.dtype.itemsize


def shaped(one: Tensor, other: Tensor, sizes: tuple[int, int]) -> Shaped:
    """What the same tensor at two batch sizes says about its sizes.

    Raises:
        NotCuttable: they do not follow the batch size in one dimension and in proportion.
    """
    if one.dim() != other.dim() or one.dtype != other.dtype:
        raise NotCuttable("a tensor before the cut depends on the data in its shape")
    layout = _layout(one)
    differ = [i for i, (a, b) in enumerate(zip(one.shape, other.shape, strict=True)) if a != b]
    if not differ:
        return Shaped(tuple(one.shape), None, 0, one.dtype, one.device, layout)
    dim = differ[0]
    each, rest = divmod(one.shape[dim], sizes[0])
    if len(differ) > 1 or rest or each * sizes[1] != other.shape[dim]:
        raise NotCuttable("a tensor before the cut depends on the data in its shape")
    return Shaped(tuple(one.shape), dim, each, one.dtype, one.device, layout)


def _layout(tensor: Tensor) -> torch.memory_format:
    if tensor.dim() == 4 and not tensor.is_contiguous() and tensor.is_contiguous(memory_format=torch.channels_last):
        return torch.channels_last
    return torch.contiguous_format


def same(one: Any, other: Any) -> bool:
    """Whether two values that are no tensors are the same."""
    return one is other or (type(one) is type(other) and isinstance(one, SIMPLE) and one == other)
