"""torchvision, by the rule of its `_resnet_fpn_extractor`."""

from __future__ import annotations

from freezecore.importing.libraries.reading import Reading
from freezecore.sentences import say

KEYS = ("trainable_backbone_layers",)


def read(found: Reading) -> None:
    """torchvision's detectors: of a ResNet's five stages the last so many train, its first norm only with all."""
    count = found.number("trainable_backbone_layers", 3)
    trains = ["layer4", "layer3", "layer2", "layer1", "conv1"][:count] + ["bn1"] * (count == 5)
    body = [p.name for p in found.tree.parameters if p.name.startswith("backbone.body.")]
    if not body:
        found.leave("trainable_backbone_layers", say("this model has no 'backbone.body'"))
    found.set(False, lambda name: name in set(body) and not name[len("backbone.body.") :].startswith(tuple(trains)))
