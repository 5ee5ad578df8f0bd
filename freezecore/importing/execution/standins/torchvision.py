"""`torchvision`: its functions that build models; a detector's `trainable_backbone_layers` by torchvision's rule."""

from __future__ import annotations

from freezecore.importing.execution.standins.model import built
from freezecore.importing.execution.standins.module import Module, kind_of
from freezecore.importing.execution.unknown import Unknown

FOLDERS = (  # modules, not functions
    "detection|segmentation|video|optical_flow|quantization|feature_extraction|_utils|resnet|vgg|densenet|efficientnet|"
    "mobilenet|mobilenetv2|mobilenetv3|inception|convnext|regnet|swin_transformer|vision_transformer|squeezenet"
)
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


NAMES = {"torchvision.models.get_model": get_model}
OTHER = (
    (r"torchvision\.models\..*Weights\w*", lambda name: Unknown(name, True)),
    (r"torchvision\.(models|ops)\.(.*\.)?[A-Z]\w*", kind_of),
    (rf"torchvision\.models\.(?!({FOLDERS})$)(.*\.)?[a-z]\w*", maker),
)
