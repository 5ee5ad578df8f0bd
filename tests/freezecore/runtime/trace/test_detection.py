"""A detector's or segmentation's step is priced as the real CPU allocator counts it."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch

from freezecore._presets import presets
from freezecore._resolve import resolve
from freezecore.runtime.build.source import build
from freezecore.runtime.inputs.example import examples
from freezecore.runtime.own.hold import hold
from freezecore.runtime.trace.loss import find_output, loss_function, targets
from freezecore.runtime.trace.trace_model import source_pricer
from freezecore.runtime.train.step import peak_of
from freezecore.runtime.tree.read import read_source
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from freezecore.workload import Workload


def measured(model, mask, workload) -> int:
    """The allocator's peak in a third step, its batch included."""
    example = next(examples(model, workload))
    batch = [
        t for arg in example.args for t in (arg if isinstance(arg, list) else [arg]) if isinstance(t, torch.Tensor)
    ]
    mask.apply_to(model)
    with hold(model, mask):
        model.train()
        trains = [parameter for parameter in model.parameters() if parameter.requires_grad]
        optimizer = torch.optim.AdamW(trains, lr=1e-9, foreach=False)
        for step in range(3):
            optimizer.zero_grad(set_to_none=True)
            with peak_of(model, optimizer, torch.device("cpu")) if step == 2 else nullcontext() as peak:
                output = example.call(model)
                kind, outputs = find_output(output)
                loss = loss_function(kind, False)(outputs, targets(kind, outputs))
                del output, outputs
                loss.backward()
                optimizer.step()
    return peak.bytes + sum(tensor.nbytes for tensor in batch)


@pytest.mark.parametrize(
    ("name", "size"), [("ssdlite320_mobilenet_v3_large", None), ("lraspp_mobilenet_v3_large", 128)]
)
def test_a_step_takes_what_the_allocator_counts(name, size):
    source = ModelSource.parse(f"torchvision:{name}", weights="random")
    workload = Workload(batch_size=2, image_size=size)
    pricer, tree = source_pricer(source, workload), read_source(source)
    model = build(source).model
    for rules in ("train all", "freeze all; train head", "freeze stem; freeze blocks:first3"):
        mask = resolve(FreezeSpec.parse(rules), tree)
        told = pricer.estimate(mask).required().peak_with_scratch
        assert told == pytest.approx(measured(model, mask, workload), rel=0.02), rules


def test_presets_of_a_detector():
    tree = read_source(ModelSource.parse("torchvision:fasterrcnn_resnet50_fpn"))
    found = {preset.key: preset.rules for preset in presets(tree)}
    assert found["linear-probe"] == "freeze all; train head"
    assert found["head-neck"] == "freeze all; train neck head"
    mask = resolve(FreezeSpec.parse(found["last-stage"]), tree)
    behind = ("backbone.body.layer4.", "backbone.fpn.", "rpn.", "roi_heads.")
    assert list(mask.names()) == [p.name for p in tree.parameters if p.name.startswith(behind)]
