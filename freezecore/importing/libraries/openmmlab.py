"""OpenMMLab's `frozen_stages` and `norm_cfg`: what a backbone's configuration freezes, in YAML as in a pasted script.

The rule is that of `mmdet.models.ResNet._freeze_stages` and of `mmcv.cnn.build_norm_layer`; configurations are merged
as `mmengine.Config` merges them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from freezecore.sentences import say

if TYPE_CHECKING:
    from freezecore.importing.libraries.reading import Reading
    from freezecore.tree import LayerTree

KEYS = ("frozen_stages",)
STAGES = re.compile(r"frozen_stages|norm_cfg|requires_grad")
NORMS = {"nn._NormBase", "nn.LayerNorm", "nn.GroupNorm"}


def read(found: Reading) -> None:
    """OpenMMLab: the stem and the first so many stages of the backbone, and norms where said."""
    backbone = backbone_of(found.tree)
    paths = frozen_paths(found.number("frozen_stages", -1), found.mapping, backbone)
    if paths is None:
        found.leave("frozen_stages", say("this model has {count} stages", count=len(backbone["stages"])))
    for i in found.tree.under_each(paths or ()):
        found.trains[i] = False


def backbone_of(tree: LayerTree) -> dict[str, list[str]]:
    """Paths in the tower that has most stages: its `stem`, its `stages` and its `norms`; empty where there is none."""
    tower = tree.staged
    if tower is None:
        return {"stem": [], "stages": [], "norms": []}
    inside = [layer for layer in tree.layers if layer.path.startswith(f"{tower.path}." if tower.path else "")]
    return {
        "stem": list(tower.before),
        "stages": [stage.path for stage in tower.stages],
        "norms": [layer.path for layer in inside if NORMS & set(layer.bases)],
    }


def holds_norms(configuration: dict) -> bool:
    """Whether it freezes every norm, as `norm_cfg=dict(type='BN', requires_grad=False)` does."""
    norms = configuration.get("norm_cfg")
    return isinstance(norms, dict) and norms.get("requires_grad") is False


def frozen_paths(count: int, configuration: dict, backbone: dict[str, list[str]]) -> list[str] | None:
    """What is frozen: the stem and the first `count` stages (-1 freezes nothing), and norms where said.

    None where the model has fewer stages.
    """
    if count > len(backbone["stages"]):
        return None
    paths = [*backbone["stem"], *backbone["stages"][:count]] if count >= 0 else []
    return paths + (backbone["norms"] if holds_norms(configuration) else [])


def merged(base: dict, own: dict) -> dict:
    """A configuration laid over the one that it stands on: mappings key by key, `_delete_` in place of the base's.

    Raises:
        TypeError: a mapping stands on what is none.
    """
    made = dict(base)
    for key, value in own.items():
        if not isinstance(value, dict):
            made[key] = value
        elif key not in made or value.get("_delete_"):
            made[key] = {name: each for name, each in value.items() if name != "_delete_"}
        elif isinstance(made[key], dict):
            made[key] = merged(made[key], value)
        else:
            raise TypeError(f"'{key}' is no mapping in the configuration that this one stands on")
    return made
