"""torchvision, by the rule of its detectors' `trainable_backbone_layers`."""

from __future__ import annotations

from freezecore import trainable_layers
from freezecore.errors import ExportError
from freezecore.importing.libraries.reading import Reading
from freezecore.sentences import say

KEYS = ("trainable_backbone_layers",)


def read(found: Reading) -> None:
    """torchvision's detectors: of a backbone's stages the last so many train."""
    names = [p.name for p in found.tree.parameters]
    known = trainable_layers.stages(names)
    if not known:
        found.leave("trainable_backbone_layers", say("this model has no 'backbone.body'"))
        return
    count = found.number("trainable_backbone_layers", trainable_layers.usual(names))
    if not 0 <= count <= len(known):
        raise ExportError(
            "trainable_backbone_layers is {count}, and this backbone has {most} stages.",
            "Choose between 0 and {most}.",
            count=count,
            most=len(known),
        )
    decided = trainable_layers.switched(names, count)
    found.set(True, lambda name: decided.get(name) is True)
    found.set(False, lambda name: decided.get(name) is False)
