"""A batch of inputs for any model: from what its library says of it, else from its first layer."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from freezecore.runtime.inputs.layers import by_first_layer
from freezecore.runtime.inputs.maker import Example, Maker
from freezecore.runtime.inputs.transformers import of_transformers
from freezecore.workload import Workload

__all__ = ["Example", "example", "examples"]


def example(model: nn.Module, workload: Workload | None = None, *, device: torch.device | str | None = None) -> Example:
    """The first of `examples` that fits what is known of the model; nothing is run.

    Args:
        device: where the tensors stand; None takes the device of the model's parameters.

    Raises:
        WorkloadError: nothing tells what the model takes.
    """
    return next(examples(model, workload, device=device))


def examples(
    model: nn.Module, workload: Workload | None = None, *, device: torch.device | str | None = None
) -> Iterator[Example]:
    """Batches to try in turn, the likeliest first.

    Raises:
        WorkloadError: nothing tells what the model takes.
    """
    if device is None:
        device = next((p.device for p in model.parameters()), torch.device("cpu"))
    make = Maker(workload or Workload(), torch.device(device))
    if hasattr(model, "config") and hasattr(model, "base_model_prefix"):
        yield from of_transformers(model, make)
    elif isinstance(record := getattr(model, "pretrained_cfg", None), dict) and "input_size" in record:
        yield _timm(record, make)
    else:
        yield from by_first_layer(model, make)


def _timm(record: dict, make: Maker) -> Example:
    channels, height, width = record["input_size"]
    if make.workload.image_size:
        height = width = make.workload.image_size
    return make.example((make.floats(channels, height, width),), {}, image_size=height)
