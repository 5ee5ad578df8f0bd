"""A batch of inputs for any model: from what its library says of it, else from its first layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import torch
from torch import nn

from freezecore.runtime.inputs.layers import by_first_layer
from freezecore.runtime.inputs.maker import Example, Maker
from freezecore.runtime.inputs.own import Inputs
from freezecore.runtime.inputs.torchvision import is_torchvision, of_torchvision
from freezecore.runtime.inputs.transformers import of_transformers
from freezecore.workload import Workload

MOST_TRIED = 8


def examples(
    model: nn.Module, workload: Workload | None = None, *, device: torch.device | str | None = None
) -> Iterator[Example]:
    """Batches to try in turn, the likeliest first; nothing is run.

    Args:
        device: where the tensors stand; None takes the device of the model's parameters.

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
    elif is_torchvision(model):
        yield from of_torchvision(model, make)
    else:
        yield from by_first_layer(model, make)


def batches(model: nn.Module, workload: Workload) -> Iterator[Inputs]:
    """Makers of inputs that may suit the model, the likeliest first.

    Raises:
        WorkloadError: nothing tells what the model takes.
    """
    for number, _ in enumerate(examples(model, workload, device="meta")):
        if number >= MOST_TRIED:
            return

        def make(batch_size: int, device: str, number: int = number) -> tuple[tuple, dict]:
            made = next(islice(examples(model, replace(workload, batch_size=batch_size), device=device), number, None))
            return made.args, made.kwargs

        yield make


def _timm(record: dict, make: Maker) -> Example:
    channels, height, width = record["input_size"]
    if make.workload.image_size:
        height = width = make.workload.image_size
    return make.example((make.floats(channels, height, width),), {}, image_size=height)
