"""Raw samples turned into the tensors that one model takes: pictures resized, texts as token numbers."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from freezecore.errors import DataError
from freezecore.live.data.samples import Dataset, Raw, Samples
from freezecore.probe import ProbeRequest
from freezecore.source import ModelSource

IMAGE_SIZE = 96  # where the model takes any size: a step in a fifth of the time of 224
PLAIN = (0.5, 0.5, 0.5)


def encode(raw: Raw, model: nn.Module, source: ModelSource, request: ProbeRequest) -> Dataset:
    """`raw` as tensors for `model`, which `source` built.

    Raises:
        DataError: the model reads another kind of data.
    """
    wanted = input_name(model)
    kind = "text" if wanted == "input_ids" else "image"
    if raw.kind != kind:
        raise DataError(
            f"{raw.name} is {_noun(raw.kind)}, and this model reads {_noun(kind)}.",
            "Choose docstrings, or a file of your own texts." if kind == "text" else "Choose shapes, digits or a zip.",
        )
    return _images(raw, model, wanted, request.image_size)


def input_name(model: nn.Module) -> str:
    """The argument that takes the samples: `image` (by position), `pixel_values` or `input_ids`."""
    return getattr(model, "main_input_name", "image")


def _noun(kind: str) -> str:
    return {"image": "pictures", "text": "text"}[kind]


def _images(raw: Raw, model: nn.Module, argument: str, size: int | None) -> Dataset:
    size = size or own_size(model)
    pictures = _resized(torch.from_numpy(raw.images), size)
    config = getattr(model, "pretrained_cfg", None) or {}

    def part(positions: np.ndarray) -> Samples:
        index = torch.from_numpy(positions)
        return Samples({argument: pictures[index]}, torch.from_numpy(raw.targets)[index])

    mean, std = tuple(config.get("mean") or PLAIN), tuple(config.get("std") or PLAIN)
    return Dataset(raw, part(raw.train), part(raw.test), size, mean, std)


def own_size(model: nn.Module) -> int:
    """The size that the model insists on, else `IMAGE_SIZE`."""
    timm = getattr(model, "pretrained_cfg", None)
    if timm:
        return timm["input_size"][-1] if timm.get("fixed_input_size") else IMAGE_SIZE
    fixed = getattr(getattr(model, "config", None), "image_size", None)
    return max(fixed) if isinstance(fixed, (list, tuple)) else fixed or IMAGE_SIZE


def _resized(pictures: Tensor, size: int, at_once: int = 256) -> Tensor:
    """uint8 [n, 3, h, w] to uint8 [n, 3, size, size]."""
    if pictures.shape[-2:] == (size, size):
        return pictures
    parts = [
        F.interpolate(some.float(), (size, size), mode="bilinear", antialias=True, align_corners=False)
        for some in pictures.split(at_once)
    ]
    return torch.cat([part.round_().clamp_(0, 255).to(torch.uint8) for part in parts])
