"""Training on scenes: a detector's or a segmentation's outputs as one tensor, their loss, and how good they are."""

from __future__ import annotations

import contextlib
import io
from collections import Counter
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.ssd import SSD
from torchvision.ops import box_iou

from freezecore.errors import ProbeError
from freezecore.runtime.data.samples import Dataset
from freezecore.runtime.data.scenes import PADDING
from freezecore.runtime.device import autocast
from freezecore.runtime.train.batches import Feed

MOST_FOUND = 20  # boxes of a picture that are scored
HALF = 0.5  # of overlap, at which a box counts as found


class SceneFeed(Feed):
    """One part of the scenes: forward passes are of the submodules in turn, so that a frozen prefix can be kept.

    A detector answers with [batch, anchors, classes + 4], a segmentation with [batch, classes, height, width].
    """

    of_tokens = False

    def __init__(self, model: nn.Module, samples: Any, data: Dataset, *more: Any) -> None:
        super().__init__(model, samples, data, *more)
        self.of_tokens, self.detects = False, data.raw.target == "boxes"
        self.size = data.size
        if self.detects and not isinstance(model, SSD):
            raise ProbeError(
                "A probe trains detectors with an SSD head, and {kind} has another.",
                "Open a timm model with the task object-detection; others can be priced and exported.",
                kind=type(model).__name__,
            )
        self._anchors: Tensor | None = None

    def forward(self, positions: Tensor, blank: bool = False) -> Tensor:
        model: Any = self.model
        pictures = self.batch(positions, blank)["image"]
        with autocast(self.device):
            if not self.detects:
                return model(pictures)["out"]
            features = list(model.backbone(pictures).values())
            found = model.head(features)
            if self._anchors is None:
                with torch.no_grad():
                    sizes = [(self.size, self.size)]
                    maps = [each[:1] for each in features]
                    self._anchors = model.anchor_generator(ImageList(pictures[:1], sizes), maps)[0]
        return torch.cat([found["cls_logits"], found["bbox_regression"]], -1)

    def loss(self, logits: Tensor, positions: Tensor) -> Tensor:
        model: Any = self.model
        targets = self.targets[positions]
        if not self.detects:
            return F.cross_entropy(logits.float(), targets)
        assert self._anchors is not None  # since the forward pass
        told = [_objects(each) for each in targets]
        matched = []
        for each in told:
            none = torch.full((len(self._anchors),), -1, dtype=torch.int64, device=self.device)
            overlaps = box_iou(each["boxes"], self._anchors)
            matched.append(model.proposal_matcher(overlaps) if len(overlaps) else none)
        anchors = [self._anchors] * len(told)
        losses = model.compute_loss(told, _outputs(logits.float()), anchors, matched)
        return sum(losses.values())

    def answer(self, logits: Tensor, targets: Tensor) -> Tensor:
        """What is kept of the answers to some pictures, a row each: the best boxes as label, score and corners, or how
        often each class was taken for each, row by row of the confusion matrix."""
        if not self.detects:
            return _confusion(logits.argmax(1), targets, self.outputs).cpu()
        model: Any = self.model
        assert self._anchors is not None
        sizes = [(self.size, self.size)] * len(logits)
        found = model.postprocess_detections(_outputs(logits.float()), [self._anchors] * len(logits), sizes)
        rows = torch.full((len(logits), MOST_FOUND, 6), float(PADDING))
        for row, each in zip(rows, found, strict=True):
            count = min(MOST_FOUND, len(each["scores"]))
            row[:count] = torch.cat([each["labels"][:, None], each["scores"][:, None], each["boxes"]], 1)[:count].cpu()
        return rows


def _outputs(answers: Tensor) -> dict[str, Tensor]:
    return {"cls_logits": answers[..., :-4], "bbox_regression": answers[..., -4:]}


def _objects(row: Tensor) -> dict[str, Tensor]:
    """What stands in one picture, as torchvision's losses take it."""
    row = row[row[:, 0] > 0]
    return {"labels": row[:, 0].long(), "boxes": row[:, 1:].float()}


def _confusion(said: Tensor, true: Tensor, classes: int) -> Tensor:
    """For each picture, how many pixels of each true class were said to be of each: int64 [n, classes * classes]."""
    cells = (true * classes + said).flatten(1)
    return torch.stack([torch.bincount(each, minlength=classes * classes) for each in cells])


@dataclass(frozen=True)
class SceneScore:
    """What the model finds in one part of the scenes: `answers` as `SceneFeed.answer` keeps them, and what is there."""

    answers: Tensor
    targets: Tensor
    data: Dataset

    accuracy: None = None  # of scenes none is right or wrong as a whole
    interval: None = None

    def metric(self, name: str) -> float | None:
        """The score by one of `METRICS`."""
        return _map50(self.answers, self.targets) if name == "map50" else _mean_iou(self.answers, self.data.outputs)

    def told(self, metric: str) -> dict:
        """What an event says of it."""
        return {"metric": metric, "score": self.metric(metric)}

    def metric_interval(self, metric: str) -> None:
        """Not known: neither score is a mean over pictures."""

    def per_sample(self, metric: str) -> list[float]:
        """Empty: neither score is a mean over pictures."""
        return []

    def best_constant(self) -> float | None:
        """What the best answer scores that is the same for every picture: of pixels, one class for all of them or for
        each place the class that is there most often; of boxes, those of a grid that meet the most objects, best first.
        """
        if self.data.raw.target == "boxes":
            return _map50(_best_boxes(self.targets, self.data.size).expand(len(self.targets), -1, -1), self.targets)
        classes = self.data.outputs
        each = [torch.full_like(self.targets, label) for label in range(classes)]
        usual = F.one_hot(self.targets, classes).sum(0).argmax(-1).expand_as(self.targets)
        return max(_mean_iou(_confusion(said, self.targets, classes), classes) for said in (*each, usual))


def _mean_iou(confusion: Tensor, classes: int) -> float:
    """Mean over the classes, of what is there or said to be, of intersection over union."""
    cells = confusion.sum(0).view(classes, classes).double()
    right = cells.diag()
    union = cells.sum(0) + cells.sum(1) - right
    return float((right[union > 0] / union[union > 0]).mean())


def _map50(found: Tensor, targets: Tensor) -> float:
    """Mean average precision at an overlap of a half, as COCO's own code counts it."""
    from torchmetrics.detection import MeanAveragePrecision  # takes a second to import

    metric = MeanAveragePrecision(iou_thresholds=[HALF])
    rows = [each[each[:, 0] > 0] for each in found]
    said = [{"labels": row[:, 0].long(), "scores": row[:, 1], "boxes": row[:, 2:]} for row in rows]
    metric.update(said, [_objects(each) for each in targets])
    with contextlib.redirect_stdout(io.StringIO()):  # COCO's code prints
        return max(0.0, float(metric.compute()["map_50"]))


def _best_boxes(targets: Tensor, size: int) -> Tensor:
    """Boxes of each class on a grid, those first that overlap the most objects by half; [1, most, 6]."""
    objects = targets.flatten(0, 1)
    objects = objects[objects[:, 0] > 0]
    mean = (objects[:, 3:] - objects[:, 1:3]).mean()
    centres = torch.arange(0.15, 0.9, 0.1) * size
    grid = torch.cartesian_prod(centres, centres)
    boxes = torch.cat([grid - mean / 2, grid + mean / 2], 1).clamp(0, size)
    hits: Counter[tuple[int, int]] = Counter()
    for label in objects[:, 0].unique().int().tolist():
        of_label = objects[objects[:, 0] == label, 1:]
        for at, count in enumerate((box_iou(boxes, of_label) >= HALF).sum(1).tolist()):
            hits[at, label] = count
    best = hits.most_common(MOST_FOUND)
    most = max(count for _, count in best) or 1
    rows = [torch.tensor([label, count / most, *boxes[at].tolist()]) for (at, label), count in best]
    return torch.stack(rows)[None]
