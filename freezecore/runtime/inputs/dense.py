"""What transformers' detectors and segmentations are to find: targets from which these compute their own losses."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor, nn

from freezecore.runtime.inputs.known import known, real
from freezecore.runtime.inputs.maker import Maker
from freezecore.runtime.inputs.torchvision import BOXES, DETECTION_SIZE

SEGMENTS = "ForSemanticSegmentation"
SEGMENTATION_SIZE, DENOISED_SIZE = 512, 640  # of the library's own recipes, where a config names none


def matches(model: nn.Module) -> bool:
    """Whether it is one of transformers' models that match their predictions to the objects of each picture."""
    if not hasattr(model, "base_model_prefix"):
        return False
    taken = inspect.signature(model.forward).parameters
    return "mask_labels" in taken or ("pixel_values" in taken and _lists(taken.get("labels")))


def usual_size(model: Any) -> int | None:
    """Pixels a side of the pictures that it is trained on by the library's recipe; None for a model of another kind."""
    if matches(model) and "mask_labels" not in inspect.signature(model.forward).parameters:
        return DENOISED_SIZE if hasattr(model.config, "num_denoising") else DETECTION_SIZE
    return SEGMENTATION_SIZE if matches(model) or type(model).__name__.endswith(SEGMENTS) else None


def with_targets(model: nn.Module, given: dict[str, Any], make: Maker) -> dict[str, Any]:
    """The inputs, and what is to be found in their pictures where the model computes its loss from that."""
    pixels = given.get("pixel_values")
    if not isinstance(pixels, Tensor) or pixels.dim() != 4:
        return given
    size, count = tuple(pixels.shape[2:]), make.workload.batch_size
    taken = inspect.signature(model.forward).parameters
    if "pixel_mask" in taken and matches(model):
        given = given | {"pixel_mask": torch.ones(count, *size, dtype=torch.int64, device=make.device)}
    if not matches(model):
        if not type(model).__name__.endswith(SEGMENTS):
            return given
        return given | {"labels": torch.zeros(count, *size, dtype=torch.int64, device=make.device)}
    classes = [known(real([0] * BOXES), make.device) for _ in range(count)]
    masks = [torch.zeros(BOXES, *size, device=make.device) for _ in range(count)]
    if "mask_labels" in taken:
        return given | {"mask_labels": masks, "class_labels": classes}
    boxes = [torch.full((BOXES, 4), 0.5, device=make.device) for _ in range(count)]
    found = [{"class_labels": each, "boxes": box} for each, box in zip(classes, boxes, strict=True)]
    if "Segmentation" in type(model).__name__:
        found = [each | {"masks": mask} for each, mask in zip(found, masks, strict=True)]
    return given | {"labels": found}


def _lists(labels: inspect.Parameter | None) -> bool:
    """Whether labels are a list, of one dictionary for each picture."""
    return labels is not None and "list[dict]" in str(labels.annotation).lower()
