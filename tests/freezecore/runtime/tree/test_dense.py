"""Detectors and segmentations of transformers: heads, necks, and the presets that keep the backbone apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from freezecore import FreezeSpec, resolve
from freezecore._presets import presets
from freezecore.runtime.build.source import build
from freezecore.runtime.tree.read import read_module
from freezecore.source import ModelSource
from tests.freezecore import dense

PROPOSALS = "model.enc_score_head model.enc_bbox_head"
LAYERED = "model.decoder.class_embed model.decoder.bbox_embed"
PLACES = {  # of each family: its backbone, its neck by name, and its head, as the library's source has them
    "detr": ("model.backbone", "", "class_labels_classifier bbox_predictor"),
    "conditional_detr": ("model.backbone", "", "class_labels_classifier bbox_predictor"),
    "table-transformer": ("model.backbone", "", "class_labels_classifier bbox_predictor"),
    "deformable_detr": ("model.backbone", "", "class_embed bbox_embed"),
    "rt_detr": ("model.backbone", "", f"{PROPOSALS} {LAYERED}"),
    "rt_detr_v2": ("model.backbone", "", f"class_embed bbox_embed {PROPOSALS} {LAYERED}"),
    "d_fine": ("model.backbone", "", f"class_embed bbox_embed {PROPOSALS} model.decoder.pre_bbox_head {LAYERED}"),
    "yolos": ("", "", "class_labels_classifier bbox_predictor"),
    "segformer": ("", "", "decode_head"),
    "upernet": ("backbone", "", "decode_head auxiliary_head"),
    "beit": ("", "fpn", "decode_head auxiliary_head"),
    "dpt": ("", "neck", "head auxiliary_head"),
    "mobilevit": ("", "", "segmentation_head"),
    "mobilenet_v2": ("", "", "segmentation_head"),
    "maskformer": ("model.pixel_level_module.encoder", "", "class_predictor mask_embedder"),
    "mask2former": (
        "model.pixel_level_module.encoder", "", "class_predictor model.transformer_module.decoder.mask_predictor",
    ),
}  # fmt: skip
ALWAYS = ("rt_detr_v2", "upernet", "dpt", "beit")
AUTHORS = (
    "detr",
    "conditional_detr",
    "table-transformer",
    "deformable_detr",
)  # of a ResNet all is frozen as it is built


@pytest.mark.parametrize("family", [pytest.param(f, marks=() if f in ALWAYS else pytest.mark.slow) for f in PLACES])
def test_head_neck_and_backbone_stand_where_the_source_has_them(family: str, tmp_path: Path) -> None:
    place = tmp_path / "config.json"
    place.write_text(json.dumps(dense.config(family)))
    tree = read_module(build(ModelSource.parse(f"config:{place}", task=dense.task(family))).model, family, own=True)
    backbone, neck, head = PLACES[family]
    assert tree.head == tuple(head.split())
    found = {parameter.name for parameter in tree.parameters if parameter.kind == "neck"}
    assert found == {tree.parameters[i].name for i in (tree.under(neck) if neck else ())}
    offered = {preset.key: preset.rules for preset in presets(tree)}
    assert offered["linear-probe"] == "freeze all; train head"
    assert ("head-neck" in offered) == (bool(neck) or bool(backbone) and family not in AUTHORS)
    if neck:
        trained = set(resolve(FreezeSpec.parse(offered["head-neck"]), tree).names())
        assert trained == found | {tree.parameters[i].name for path in tree.head for i in tree.under(path)}
    if backbone and family not in AUTHORS:
        behind = {p.name for p in tree.parameters if not p.name.startswith(f"{backbone}.") and not p.frozen_by_author}
        assert set(resolve(FreezeSpec.parse(offered["head-neck"]), tree).names()) == behind
        last = set(resolve(FreezeSpec.parse(offered["last-stage"]), tree).names()) - behind
        tower = next(tower for tower in tree.towers if tower.blocks[0].startswith(f"{backbone}."))
        wanted = tower.stages[-1].blocks if tower.stages else tower.blocks[-1:]
        assert last == {tree.parameters[i].name for path in wanted for i in tree.in_block(path)}
