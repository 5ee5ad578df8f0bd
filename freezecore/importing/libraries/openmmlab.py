"""OpenMMLab, by the rule that its configurations in Python have too."""

from __future__ import annotations

from freezecore.importing import openmmlab
from freezecore.importing.libraries.reading import Reading
from freezecore.sentences import say

KEYS = ("frozen_stages",)


def read(found: Reading) -> None:
    """OpenMMLab: the stem and the first so many stages of the backbone, and norms where said."""
    backbone = openmmlab.backbone_of(found.tree)
    paths = openmmlab.frozen_paths(found.number("frozen_stages", -1), found.mapping, backbone)
    if paths is None:
        found.leave("frozen_stages", say("this model has {count} stages", count=len(backbone["stages"])))
    for i in found.tree.under_each(paths or ()):
        found.trains[i] = False
