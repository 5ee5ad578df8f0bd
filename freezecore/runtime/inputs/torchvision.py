"""Inputs of torchvision's models, with the targets from which its detectors compute their losses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from freezecore.runtime.inputs.layers import by_first_layer
from freezecore.runtime.inputs.maker import IMAGE_BY_DEFAULT, Example, Maker

BOXES = 4  # in each made-up picture
KEYPOINTS = 17
DETECTION_SIZE, SEGMENTATION_SIZE, FLOW_SIZE = 800, 520, 128  # of torchvision's own recipes; RAFT's least
CLIP = (16, 224)  # frames and pixels of its video transformers
NORMALISED = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}  # of every classifier's weights


def is_torchvision(model: nn.Module) -> bool:
    """Whether it is a model of torchvision's, and not only made of its layers."""
    return type(model).__module__.startswith("torchvision.models.")


def detects(model: nn.Module) -> bool:
    """Whether it takes a list of pictures and, while it trains, what is to be found in each."""
    return type(model).__module__.startswith("torchvision.models.detection.")


def of_torchvision(model: nn.Module, make: Maker) -> Iterator[Example]:
    """Batches to try in turn, the likeliest first."""
    place, size = type(model).__module__, make.workload.image_size
    if detects(model):
        yield _detection(model, make)
    elif ".optical_flow." in place:
        size = size or FLOW_SIZE
        yield make.example((make.floats(3, size, size), make.floats(3, size, size)), {}, image_size=size)
    elif ".video." in place and type(model).__name__ != "VideoResNet":
        frames, pixels = CLIP[0], size or CLIP[1]
        yield make.example((make.floats(3, frames, pixels, pixels),), {}, image_size=pixels)
    elif ".video." in place:
        yield from by_first_layer(model, make)
    else:
        size = size or (SEGMENTATION_SIZE if ".segmentation." in place else fixed_size(model) or IMAGE_BY_DEFAULT)
        yield make.example((make.floats(3, size, size),), {}, image_size=size)


def fixed_size(model: Any) -> int | None:
    """Pixels a side that a classifier insists on; None where it takes any size."""
    if getattr(model, "AuxLogits", None) is not None:
        return 299
    return IMAGE_BY_DEFAULT if type(model).__name__ == "MaxVit" else getattr(model, "image_size", None)


def set_picture_size(model: Any, size: int | None) -> None:
    """Let a detector on a timm body, which takes any size, bring its pictures to this one."""
    if size and detects(model) and model.transform.fixed_size and hasattr(model.backbone, "pretrained_cfg"):
        model.transform.fixed_size = (size, size)


def _detection(model: Any, make: Maker) -> Example:
    set_picture_size(model, make.workload.image_size)
    fixed = model.transform.fixed_size
    size = make.workload.image_size or (fixed[0] if fixed else DETECTION_SIZE)
    count = make.workload.batch_size
    pictures = [torch.rand(3, size, size, device=make.device) for _ in range(count)]
    return make.example((pictures, [_found(model, size, make.device) for _ in range(count)]), {}, image_size=size)


def _found(model: Any, size: int, device: torch.device) -> dict[str, Tensor]:
    """What is to be found in one picture."""
    corners = torch.tensor([[0.0, 0.0, size / 2, size / 2]], device=device).repeat(BOXES, 1)
    found = {"boxes": corners, "labels": torch.ones(BOXES, dtype=torch.int64, device=device)}
    heads = getattr(model, "roi_heads", None)
    if getattr(heads, "mask_predictor", None) is not None:
        found["masks"] = torch.zeros(BOXES, size, size, dtype=torch.uint8, device=device)
    if getattr(heads, "keypoint_predictor", None) is not None:
        found["keypoints"] = torch.ones(BOXES, KEYPOINTS, 3, device=device)
    return found
