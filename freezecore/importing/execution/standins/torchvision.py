"""`torchvision`: its functions that build models; a detector's `trainable_backbone_layers` by torchvision's rule."""

from __future__ import annotations

from freezecore import trainable_layers
from freezecore.importing.execution.standins.model import built
from freezecore.importing.execution.standins.module import Module, kind_of
from freezecore.importing.execution.unknown import Unknown

FOLDERS = (  # modules, not functions
    "detection|segmentation|video|optical_flow|quantization|feature_extraction|_utils|resnet|vgg|densenet|efficientnet|"
    "mobilenet|mobilenetv2|mobilenetv3|inception|convnext|regnet|swin_transformer|vision_transformer|squeezenet"
)


def maker(name: str):
    def make(*args, **options):
        root = built(name, "torchvision")
        if isinstance(root, Module) and any(part in name for part in ("rcnn", "retinanet", "fcos", "ssd")):
            _detector(root, options)
        return root

    return make


def _detector(root: Module, options: dict) -> None:
    """With pretrained weights, of the backbone only the last so many stages train; without any, all of it does.

    The backbone's own weights are asked for unless they are refused.
    """
    names = [name for name, _ in root.named_parameters()]
    known = trainable_layers.stages(names)
    if not known:
        return
    own = next((options[key] for key in ("weights_backbone", "pretrained_backbone") if key in options), True)
    pretrained = own not in (None, False) or any(
        options.get(key) not in (None, False) for key in ("weights", "pretrained")
    )
    layers = options.get("trainable_backbone_layers")
    count = len(known) if not pretrained else trainable_layers.usual(names) if layers is None else layers
    if not isinstance(count, int) or not 0 <= count <= len(known):
        return
    decided = trainable_layers.switched(names, count)
    for name, parameter in root.named_parameters():
        if decided.get(name) is False:
            parameter._fx_set(False)


def get_model(name=None, *args, **options):
    return maker(name)(**options) if isinstance(name, str) else built(None, "torchvision")


NAMES = {"torchvision.models.get_model": get_model}
OTHER = (
    (r"torchvision\.models\..*Weights\w*", lambda name: Unknown(name, True)),
    (r"torchvision\.(models|ops)\.(.*\.)?[A-Z]\w*", kind_of),
    (rf"torchvision\.models\.(?!({FOLDERS})$)(.*\.)?[a-z]\w*", maker),
)
