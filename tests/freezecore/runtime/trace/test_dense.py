"""transformers' detectors and segmentations, with their own loss: the estimate against the CPU's own allocator."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from freezecore import FreezeSpec, resolve
from freezecore.runtime.build.source import build
from freezecore.runtime.inputs.example import examples
from freezecore.runtime.trace import module_pricer
from freezecore.runtime.trace.trace_model import tracer_of
from freezecore.runtime.tree.read import read_module
from freezecore.source import ModelSource
from freezecore.workload import Workload
from tests.benchmarks.memory_truth import on_cpu
from tests.freezecore import dense

ALWAYS = ("detr", "beit")  # the others are slow in all
# else half a per cent; masks that only values tell are counted whole in D-FINE's loss
WITHIN = {"d_fine": 0.04, "deformable_detr": 0.02}
SIDE = 64  # SegFormer's last scale is then of 2 x 2, smaller than its kernel
FAMILIES = [pytest.param(name, marks=() if name in ALWAYS else pytest.mark.slow) for name in dense.FAMILIES]


def built(family: str, folder: Path, weights: str = "random"):
    place = folder / "config.json"
    place.write_text(json.dumps(dense.config(family)))
    return build(ModelSource.parse(f"config:{place}", task=dense.task(family), weights=weights)).model


def _workload(family: str) -> Workload:
    return Workload(batch_size=2, image_size=SIDE, implementation="loop")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_step_with_targets_takes_the_bytes_that_the_allocator_shows(family: str, tmp_path: Path) -> None:
    """The real step comes after the followed one: nothing without values may be left behind in the library."""
    model, workload = built(family, tmp_path), _workload(family)
    tree, pricer = read_module(model, family), module_pricer(model, workload)
    tracer = tracer_of(model, workload, batch_sizes=(2,))
    for rules in ("train all", "freeze all; train head", "freeze blocks:first2"):
        mask = resolve(FreezeSpec.parse(rules), tree)
        told = pricer.estimate(mask).required().peak_with_scratch
        real = on_cpu(copy.deepcopy(model), set(mask.names()), mask.held, workload, tracer.inputs, tracer.shifted)
        assert told == pytest.approx(real.peak_bytes, rel=WITHIN.get(family, 0.005)), rules


def test_what_is_to_be_found_comes_with_the_pictures(tmp_path: Path) -> None:
    found = {
        family: next(examples(built(family, tmp_path, "none"), Workload(batch_size=3))).kwargs
        for family in ("detr", "segformer", "mask2former")
    }
    assert [set(each) for each in found["detr"]["labels"]] == [{"class_labels", "boxes"}] * 3
    assert found["segformer"]["labels"].shape == (3, 512, 512)  # the library's recipe, where a config names no size
    assert [mask.shape[0] for mask in found["mask2former"]["mask_labels"]] == [4, 4, 4]
    assert found["detr"]["pixel_values"].shape == found["detr"]["pixel_mask"].shape[:1] + (3, 800, 800)
