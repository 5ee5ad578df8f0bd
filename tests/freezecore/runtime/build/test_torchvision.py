"""torchvision's models: every name opens, as it is with its weights; parts are where a person would put them."""

from __future__ import annotations

import re
import tomllib
import warnings
from pathlib import Path
from unittest import mock

import pytest
from torch import nn
from torchvision.models import WeightsEnum, detection, get_model, get_model_builder, list_models
from torchvision.ops import FrozenBatchNorm2d

from freezecore import export, trainable_layers
from freezecore._resolve import resolve
from freezecore.errors import ExportError, SourceError
from freezecore.importing import import_rules
from freezecore.runtime.build.source import build, meta
from freezecore.runtime.tree.layers import read_module
from freezecore.runtime.tree.module_tree import module_tree
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec

LABELS = tomllib.loads((Path(__file__).parents[3] / "data" / "torchvision_labels.toml").read_text())
MISSED = {"s3d"}  # its stem's separable convolutions stand in the same row as its blocks, and are taken for two more
FEW = ("resnet18", "ssdlite320_mobilenet_v3_large", "lraspp_mobilenet_v3_large", "r3d_18", "vit_b_16", "googlenet")


def few(names, quick: tuple[str, ...]) -> list:
    """All of them, of which all but a few are read only by `make test-all`."""
    return [name if name in quick else pytest.param(name, marks=pytest.mark.slow) for name in names]


def source(name: str, **options) -> ModelSource:
    return ModelSource.parse(f"torchvision:{name}", **options)


def tree_of(name: str, **options):
    built = meta(source(name, **options))
    return read_module(built.model, str(source(name)), new=built.new, own=True)


def written(pattern: str) -> list[str]:
    """`layer{1-3}` and `layer{1,4}` written out."""
    found = re.search(r"\{([^}]*)\}", pattern)
    if not found:
        return [pattern]
    low, dash, high = found[1].partition("-")
    each = range(int(low), int(high) + 1) if dash else found[1].split(",")
    return [one for value in each for one in written(pattern[: found.start()] + str(value) + pattern[found.end() :])]


@pytest.fixture
def no_files():
    """torchvision's own functions, with weights that are never read."""
    with (
        warnings.catch_warnings(),
        mock.patch.object(WeightsEnum, "get_state_dict", lambda *args, **kwargs: {}),
        mock.patch.object(nn.Module, "load_state_dict", lambda *args, **kwargs: None),
    ):
        warnings.simplefilter("ignore")
        yield


def test_every_name_opens_with_its_parameters_as_leaves():
    for name in list_models():
        model = meta(source(name)).model
        assert list(module_tree(model).tensors) == [each for each, _ in model.named_parameters()], name
        assert all(tensor.is_meta for tensor in (*model.parameters(), *model.buffers())), name


@pytest.mark.parametrize("name", FEW)
def test_a_model_is_built_as_torchvision_builds_it_with_its_weights(name, no_files):
    theirs = get_model(name, weights="DEFAULT")
    ours = meta(source(name)).model
    assert [(n, tuple(t.shape)) for n, t in ours.state_dict().items()] == [
        (n, tuple(t.shape)) for n, t in theirs.state_dict().items()
    ]
    assert list(map(type, ours.modules())) == list(map(type, theirs.modules()))


@pytest.mark.parametrize("name", few((name for name in LABELS if name not in MISSED), (*FEW, "efficientnet_v2_s")))
def test_parts_are_where_a_person_put_them_before_seeing_ours(name):
    tree, wanted = tree_of(name), LABELS[name]
    assert tree.order == "executed"
    assert list(tree.blocks) == [path for pattern in wanted["blocks"] for path in written(pattern)]
    for role, kinds in {"stem": ("stem", "embedding"), "neck": ("neck",), "head": ("head",)}.items():
        paths = [path for pattern in wanted.get(role, ()) for path in written(pattern)]
        under = {i for path in paths for i in tree.under(path)}
        assert {i for i, p in enumerate(tree.parameters) if p.kind in kinds} == under, role


def test_a_detector_has_frozen_norms_with_weights_and_norms_that_train_without():
    with_weights, without = (meta(source("fasterrcnn_resnet50_fpn", weights=w)).model for w in ("none", "random"))
    assert any(isinstance(module, FrozenBatchNorm2d) for module in with_weights.modules())
    assert not any(isinstance(module, FrozenBatchNorm2d) for module in without.modules())
    assert any(isinstance(module, nn.BatchNorm2d) for module in without.modules())


@pytest.mark.parametrize("name", few(list_models(module=detection), ("ssdlite320_mobilenet_v3_large", "ssd300_vgg16")))
def test_trainable_backbone_layers_both_ways_as_the_library_s_switch(name, no_files):
    builder = get_model_builder(name)
    tree = tree_of(name)
    names = [parameter.name for parameter in tree.parameters]
    assert not any(parameter.frozen_by_author for parameter in tree.parameters)
    most = len(trainable_layers.stages(names))
    with pytest.raises(ValueError, match="range"):
        builder(weights="DEFAULT", trainable_backbone_layers=most + 1)
    for count in range(most + 1):
        theirs = builder(weights="DEFAULT", trainable_backbone_layers=count)
        trains = {each: parameter.requires_grad for each, parameter in theirs.named_parameters()}
        rules = import_rules(f"trainable_backbone_layers: {count}", tree).rules
        mask = resolve(FreezeSpec.parse(rules), tree)
        assert dict(zip(names, mask.trains, strict=True)) == trains, count
        assert trainable_layers.number(trains) == count
    usual = {each: parameter.requires_grad for each, parameter in builder(weights="DEFAULT").named_parameters()}
    assert trainable_layers.number(usual) == trainable_layers.usual(names)


def test_more_layers_than_the_backbone_has_are_told():
    with pytest.raises(ExportError, match="has 5 stages"):
        import_rules("trainable_backbone_layers: 6", tree_of("retinanet_resnet50_fpn"))


@pytest.mark.parametrize(
    ("call", "count"),
    [
        ("fasterrcnn_resnet50_fpn(weights='DEFAULT')", 3),
        ("fasterrcnn_resnet50_fpn(weights='DEFAULT', trainable_backbone_layers=1)", 1),
        ("fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None)", 5),
        ("fasterrcnn_resnet50_fpn()", 3),
    ],
)
def test_a_pasted_line_trains_what_the_library_trains(call, count, no_files):
    text = f"from torchvision.models.detection import fasterrcnn_resnet50_fpn\nmodel = {call}\n"
    text += "for p in model.rpn.parameters():\n    p.requires_grad = False\n"
    tree = tree_of("fasterrcnn_resnet50_fpn")
    mask = resolve(FreezeSpec.parse(import_rules(text, tree).rules), tree)
    names = [parameter.name for parameter in tree.parameters]
    wanted = dict.fromkeys(names, True) | trainable_layers.switched(names, count)
    assert list(mask.names()) == [name for name in names if wanted[name] and not name.startswith("rpn.")]


@pytest.mark.parametrize(
    ("name", "rules", "labels"),
    [
        ("resnet18", "freeze all; train head", 7),
        ("squeezenet1_1", "freeze all; train head", 3),
        ("googlenet", "freeze stem", None),
        ("fasterrcnn_mobilenet_v3_large_320_fpn", "freeze all; train head", 4),
        ("ssdlite320_mobilenet_v3_large", "freeze all; train neck head", 4),
        ("lraspp_mobilenet_v3_large", "freeze stem; freeze blocks:0-3", 5),
        ("r3d_18", "freeze all; train head", None),
    ],
)
def test_an_export_runs_against_the_real_library(name, rules, labels, no_files):
    opened = source(name, weights="pretrained", num_labels=labels)
    code = export(opened, FreezeSpec.parse(rules), to="pytorch")
    world = {"__name__": "exported"}
    exec(compile(code, "exported", "exec"), world)
    tree = tree_of(name, num_labels=labels)
    mask = resolve(FreezeSpec.parse(rules), tree)
    found = {each: p.requires_grad for each, p in world["model"].named_parameters()}
    assert found == {p.name: trains for p, trains in zip(tree.parameters, mask.trains, strict=True)}
    shapes = {p.name: p.shape for p in tree.parameters}
    assert {each: tuple(p.shape) for each, p in world["model"].named_parameters()} == shapes


def test_an_export_says_a_switch_s_number():
    code = export(source("retinanet_resnet50_fpn"), "freeze backbone.body; train backbone.body.layer4", to="pytorch")
    assert "trainable_backbone_layers=1" in code


def test_another_number_of_classes_gives_new_layers_and_keeps_the_rest():
    built = build(source("ssdlite320_mobilenet_v3_large", weights="random", num_labels=4))
    head = built.model.head.classification_head
    assert head.num_columns == 4
    model = meta(source("retinanet_resnet50_fpn", num_labels=4)).model
    assert model.head.classification_head.num_classes == 4
    assert model.head.classification_head.cls_logits.out_channels == 4 * 9
    new = meta(source("maskrcnn_resnet50_fpn", num_labels=4)).new
    assert {name.rpartition(".")[0] for name in new} == {
        "roi_heads.box_predictor.cls_score",
        "roi_heads.box_predictor.bbox_pred",
        "roi_heads.mask_predictor.mask_fcn_logits",
    }


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("resnet5O", {}, "no model called 'resnet5O'"),
        ("resnet50", {"weights": "IMAGENET1K_V9"}, "no weights called 'IMAGENET1K_V9' for resnet50"),
        ("resnet50.random", {"weights": "pretrained"}, "names no weights"),
        ("raft_small", {"num_labels": 3}, "has no classifier"),
    ],
)
def test_what_torchvision_does_not_have_is_told(name, options, said):
    with pytest.raises(SourceError, match=said):
        meta(source(name, **options)) if "weights" not in options else build(source(name, **options))


def test_weights_by_the_name_of_their_enum():
    assert str(source("resnet50", weights="IMAGENET1K_V2")) == "torchvision:resnet50.IMAGENET1K_V2"
    assert str(source("resnet50", weights="ResNet50_Weights.IMAGENET1K_V2")).endswith(".IMAGENET1K_V2")
    backbone = meta(source("fasterrcnn_resnet50_fpn", weights="IMAGENET1K_V1", num_labels=3))
    assert "backbone.body.conv1.weight" not in backbone.new
    assert {"backbone.fpn.inner_blocks.0.0.weight", "roi_heads.box_head.fc6.weight"} & backbone.new
