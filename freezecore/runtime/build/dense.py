"""Detectors and segmentations on the body of any timm architecture that gives features at several scales.

torchvision's own small ones stand on MobileNetV3, of which no package carries the weights. Here its SSDLite head, its
anchors and its loss, and its LR-ASPP head, stand on the architecture that the source names, as that is with its
weights: `timm:tf_efficientnet_lite0` with the task `object-detection` or `semantic-segmentation`.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import Any

from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
from torchvision.models.detection.ssd import SSD
from torchvision.models.detection.ssdlite import SSDLiteHead
from torchvision.models.segmentation.lraspp import LRASPP

from freezecore.errors import SourceError
from freezecore.source import ModelSource

STRIDES = (8, 16, 32)
SIZE = 128  # pixels a side to which an SSD brings its pictures
CLASSES = 21  # of Pascal VOC with the background, where no number is asked for
EXTRA = 128  # channels of the scale behind the body
SCALES = (0.2, 0.35, 0.5, 0.7, 0.9)  # of a picture's side: the boxes of each of the four scales, and the last's larger


class Body(nn.Module):
    """A timm model's features at three scales, under these names; a fourth is computed from the last where asked for.

    Attributes:
        pretrained_cfg: timm's record of the body, which says how pictures are normalised.
    """

    def __init__(self, body: Any, names: tuple[str, ...], extra: bool) -> None:
        super().__init__()
        self.body, self.names = body, names
        self.pretrained_cfg = body.pretrained_cfg
        scales = {each["reduction"]: (at, each["num_chs"]) for at, each in enumerate(body.feature_info)}
        self.indices = [scales[stride][0] for stride in STRIDES]
        self.channels = [scales[stride][1] for stride in STRIDES]
        body.prune_intermediate_layers(self.indices, prune_norm=False, prune_head=True)
        if extra:
            self.extra = nn.Sequential(
                nn.Conv2d(self.channels[-1], EXTRA, 1, bias=False),
                nn.BatchNorm2d(EXTRA),
                nn.ReLU6(),
                nn.Conv2d(EXTRA, EXTRA, 3, stride=2, padding=1, groups=EXTRA, bias=False),
                nn.BatchNorm2d(EXTRA),
                nn.ReLU6(),
                nn.Conv2d(EXTRA, EXTRA, 1, bias=False),
                nn.BatchNorm2d(EXTRA),
                nn.ReLU6(),
            )
            self.channels.append(EXTRA)

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        found = self.body.forward_intermediates(pictures, indices=self.indices, intermediates_only=True)
        if hasattr(self, "extra"):
            found = [*found, self.extra(found[-1])]
        return OrderedDict(zip(self.names, found, strict=False))


def dense(body: nn.Module, source: ModelSource) -> nn.Module:
    """The body with the head of the source's task; the background counts as a class.

    Raises:
        SourceError: the body has no features at these scales.
    """
    reductions = {each["reduction"] for each in getattr(body, "feature_info", ())}
    if not reductions.issuperset(STRIDES) or not hasattr(body, "prune_intermediate_layers"):
        raise SourceError(
            "{source} gives no features at an eighth, a sixteenth and a thirty-second of a picture's size.",
            "Choose a convolutional network, such as timm:resnet18.",
            source=source.label,
        )
    classes = source.num_labels or CLASSES
    if source.task == "semantic-segmentation":
        backbone = Body(body, ("low", "middle", "high"), extra=False)
        return LRASPP(backbone, backbone.channels[0], backbone.channels[-1], classes)
    return _detector(Body(body, ("0", "1", "2", "3"), extra=True), classes)


def _detector(backbone: Body, classes: int) -> SSD:
    anchors = DefaultBoxGenerator([[2] for _ in backbone.channels], scales=list(SCALES))
    norm = partial(nn.BatchNorm2d, eps=0.001, momentum=0.03)
    head = SSDLiteHead(backbone.channels, anchors.num_anchors_per_location(), classes, norm)
    record = backbone.pretrained_cfg
    return SSD(
        backbone,
        anchors,
        (SIZE, SIZE),
        classes,
        head=head,
        image_mean=list(record["mean"]),
        image_std=list(record["std"]),
    )
