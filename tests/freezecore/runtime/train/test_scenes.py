"""A detector and a segmentation on the packaged body learn from drawn scenes, which need no network."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from freezecore import export
from freezecore._resolve import resolve
from freezecore.errors import DataError, ProbeError, SourceError
from freezecore.probe import ProbeRequest
from freezecore.runtime.build.source import meta
from freezecore.runtime.data.scenes import PADDING, draw
from freezecore.runtime.train.run import run_probe
from freezecore.runtime.train.scenes import _map50, _mean_iou
from freezecore.runtime.train.session import Session
from freezecore.runtime.tree.layers import read_module
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec

BODY = "timm:tf_efficientnet_lite0"
TASKS = ("object-detection", "semantic-segmentation")


def request(source: str = BODY, rules: str = "freeze backbone.body", **options) -> ProbeRequest:
    asked = {key: options.pop(key) for key in ("task", "weights", "num_labels") if key in options}
    return ProbeRequest(ModelSource.parse(source, **asked), FreezeSpec.parse(rules), **options)


def test_scenes_are_the_same_each_time_and_say_where_their_shapes_are():
    scenes = draw(20, 96)
    assert np.array_equal(scenes.pictures[:5], draw(5, 96).pictures)
    for mask, boxes in zip(scenes.masks, scenes.boxes, strict=True):
        there = boxes[boxes[:, 0] != PADDING]
        assert len(there)
        for label, left, top, right, bottom in there.astype(int):
            assert 0 <= left < right <= 96 and 0 <= top < bottom <= 96
            assert (mask[top:bottom, left:right] == label).any()
        assert set(np.unique(mask)) == {0, *there[:, 0].astype(int)}


@pytest.mark.parametrize("task", TASKS)
def test_the_body_keeps_its_weights_and_the_parts_have_their_roles(task):
    built = meta(ModelSource.parse(BODY, task=task, num_labels=4))
    tree = read_module(built.model, BODY, new=built.new, own=True)
    assert len(tree.blocks) == 16 and all(path.startswith("backbone.body.blocks") for path in tree.blocks)
    kinds = {p.name.split(".")[1 if p.name.startswith("backbone") else 0]: p.kind for p in tree.parameters if p.new}
    assert kinds == ({"extra": "neck", "head": "head"} if task == TASKS[0] else {"classifier": "head"})


@pytest.mark.parametrize("task", TASKS)
def test_a_short_run_learns_where_things_are(task):
    result = run_probe(
        request(task=task, steps=25, batch_size=16, train_size=96, test_size=40, image_size=96, device="cpu")
    )
    assert result.state == "done" and result.proof.ok
    assert result.metric == {"object-detection": "map50", "semantic-segmentation": "mean-iou"}[task]
    assert result.metric_after > max(result.metric_before, result.baseline) + 0.15
    assert result.estimated_peak_bytes and result.peak_bytes
    assert abs(result.estimated_peak_bytes / result.peak_bytes - 1) < 0.1


def test_boxes_of_other_pictures_find_nothing():
    boxes = torch.from_numpy(draw(30, 96).boxes)
    found = torch.cat([boxes[..., :1], torch.ones_like(boxes[..., :1]), boxes[..., 1:]], -1)
    assert _map50(found, boxes) == pytest.approx(1.0)
    assert _map50(found.roll(1, 0), boxes) < 0.1


def test_mean_overlap_of_a_confusion_by_hand():
    confusion = torch.tensor([[6, 2, 1, 3]])  # of class 0: 6 right, 2 taken for 1; of class 1: 1 taken for 0, 3 right
    assert _mean_iou(confusion, 2) == pytest.approx((6 / 9 + 3 / 6) / 2)


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        (request(task=TASKS[0], data="digits"), DataError, "digits has neither boxes nor masks"),
        (request(task=TASKS[0], image_size=100), DataError, "100 pixels do not divide"),
        (request("timm:vit_tiny_patch16_224", task=TASKS[1], weights="random"), SourceError, "gives no features at"),
        (request("torchvision:fcos_resnet50_fpn", weights="random"), ProbeError, "detectors with an SSD head"),
        (request(task=TASKS[0], metric="mean-iou"), ProbeError, "which 'mean-iou' does not score"),
    ],
)
def test_what_cannot_be_tried_is_told(asked, error, said):
    with pytest.raises(error, match=said):
        run_probe(asked)


def test_torchvision_s_own_heads_train_too():
    session = Session(request("torchvision:lraspp_mobilenet_v3_large", weights="random", train_size=8, test_size=4))
    logits = session.train.forward(torch.arange(4))
    assert logits.shape == (4, 4, 128, 128)
    assert torch.isfinite(session.train.loss(logits, torch.arange(4)))


@pytest.mark.parametrize("task", TASKS)
def test_an_export_builds_the_same_model(task):
    source = ModelSource.parse(BODY, task=task, weights="random", num_labels=4)
    code = export(source, "freeze backbone.body", to="pytorch")
    world: dict = {"__name__": "exported"}
    exec(compile(code, "exported", "exec"), world)
    built = meta(source)
    tree = read_module(built.model, BODY, new=built.new, own=True)
    mask = resolve(FreezeSpec.parse("freeze backbone.body"), tree)
    found = {name: (tuple(p.shape), p.requires_grad) for name, p in world["model"].named_parameters()}
    assert found == {p.name: (p.shape, t) for p, t in zip(tree.parameters, mask.trains, strict=True)}
