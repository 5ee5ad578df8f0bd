"""Inputs: batches of any size for a model, made up from what it takes or resized from one of a person's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn

from freezecore.errors import TraceError, WorkloadError
from freezecore.live.example import examples
from freezecore.workload import Workload

Inputs = Callable[[int, str], tuple[tuple, dict]]
MOST_TRIED = 8
LABELS = ("labels", "label", "start_positions", "end_positions")


def batches(model: nn.Module, workload: Workload) -> Iterator[Inputs]:
    """Makers of inputs that may suit the model, the likeliest first.

    Raises:
        WorkloadError: nothing tells what the model takes.
    """
    for number, _ in enumerate(examples(model, workload, device="meta")):
        if number >= MOST_TRIED:
            return

        def make(batch_size: int, device: str, number: int = number) -> tuple[tuple, dict]:
            for position, made in enumerate(examples(model, replace(workload, batch_size=batch_size), device=device)):
                if position == number:
                    return made.args, made.kwargs
            raise LookupError(number)

        yield make


def own_batch(batch: object) -> tuple[int, Inputs]:
    """The size of a person's own batch, and a maker of batches like it of any size.

    Raises:
        TraceError: it is no batch.
    """
    args, kwargs = _as_arguments(batch)
    size = next((t.shape[0] for t in (*args, *kwargs.values()) if isinstance(t, Tensor) and t.dim()), 1)

    def make(batch_size: int, device: str) -> tuple[tuple, dict]:
        def resized(item: object) -> object:
            if not isinstance(item, Tensor):
                return item
            shape = (batch_size, *item.shape[1:]) if item.dim() and item.shape[0] == size else item.shape
            return torch.zeros(shape, dtype=item.dtype, device=device)

        return tuple(map(resized, args)), {name: resized(item) for name, item in kwargs.items()}

    return size, make


def check_sizes(model: nn.Module, workload: Workload, label: str) -> None:
    """Refuse a sequence beyond the model's positions, which tensors without values would not notice.

    Raises:
        WorkloadError: with the longest that it takes.
    """
    config = getattr(model, "config", None)
    longest = getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", None)
    if workload.sequence_length and isinstance(longest, int) and 0 < longest < workload.sequence_length:
        raise WorkloadError(
            f"{label} has {longest:,} positions, so a sequence length of {workload.sequence_length:,} is beyond them.",
            f"Choose at most {longest:,}.",
        )


def _as_arguments(batch: object) -> tuple[tuple, dict]:
    if isinstance(batch, Tensor):
        return (batch,), {}
    if isinstance(batch, tuple | list):
        return tuple(batch), {}
    try:
        return (), {name: item for name, item in dict(batch).items() if name not in LABELS}
    except (TypeError, ValueError) as error:
        raise TraceError(
            f"A batch cannot be a {type(batch).__name__}.", "Give a tensor, a tuple of arguments, or a dictionary."
        ) from error
