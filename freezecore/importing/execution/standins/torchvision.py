"""`torchvision`: its functions that build models; a detector's `trainable_backbone_layers` by torchvision's rule."""

from __future__ import annotations

from freezecore.importing.execution.standins.model import built
from freezecore.importing.execution.standins.module import Module, kind_of
from freezecore.importing.execution.unknown import Unknown

RESNET = ("layer4", "layer3", "layer2", "layer1", "conv1")


def maker(name: str):
    def make(*args, **options):
        root = built(name, "torchvision")
        if isinstance(root, Module) and ("rcnn" in name or "retinanet" in name or "fcos" in name or "keypoint" in name):
            _detector(root, options)
        return root

    return make


def _detector(root: Module, options: dict) -> None:
    """With pretrained weights, of a ResNet only the last so many stages train (3 unless said), and its batch norms are
    fixed; without any, all of it does."""
    pretrained = any(options.get(key) not in (None, False) for key in
                     ("weights", "weights_backbone", "pretrained", "pretrained_backbone"))  # fmt: skip
    layers = options.get("trainable_backbone_layers")
    count = 5 if not pretrained else 3 if layers is None else layers
    body = getattr(getattr(root, "backbone", root), "body", None)
    if type(count) is Unknown or not isinstance(body, Module) or "layer4" not in body._modules:
        return
    trains = [*RESNET[:count], *(("bn1",) if count == 5 else ())]
    for name, parameter in body.named_parameters():
        if not name.startswith(tuple(trains)):
            parameter._fx_set(False)


def get_model(name=None, *args, **options):
    return maker(name)(**options) if isinstance(name, str) else built(None, "torchvision")


def other(path: str):
    module, _, last = path.rpartition(".")
    if module.startswith("torchvision.models"):
        if last[0].isupper():
            return Unknown(path, True) if "Weights" in last else kind_of(last)
        if path + "." in "torchvision.models.detection.segmentation.resnet.vgg.densenet.efficientnet.mobilenet." or (
            last in ("detection", "segmentation", "video", "quantization", "feature_extraction", "_utils")
        ):
            return None
        return maker(last)
    return kind_of(last) if module.startswith("torchvision.ops") and last[0].isupper() else None


NAMES = {"torchvision.models.get_model": get_model}
MODULES = ("torchvision.models.detection.x", "torchvision.models.segmentation.x", "torchvision.models.video.x",
           "torchvision.models.resnet.x", "torchvision.models.vgg.x", "torchvision.models.feature_extraction.x",
           "torchvision.models.detection.faster_rcnn.x", "torchvision.models.detection.mask_rcnn.x",
           "torchvision.models.quantization.x", "torchvision.ops.x", "torchvision.transforms.x",
           "torchvision.datasets.x")  # fmt: skip
