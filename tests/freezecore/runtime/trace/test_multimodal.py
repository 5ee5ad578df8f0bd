"""Multimodal models, a picture or a sound among their ids: the estimate against the CPU's own allocator, by parts."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from freezecore import FreezeSpec, resolve
from freezecore._estimate import depth_curve
from freezecore.runtime.build.source import build
from freezecore.runtime.trace import module_pricer
from freezecore.runtime.trace.trace_model import tracer_of
from freezecore.runtime.tree.read import read_module
from freezecore.source import ModelSource
from freezecore.workload import Workload
from tests.benchmarks.memory_truth import on_cpu
from tests.freezecore import multimodal

ALWAYS = ("llava", "qwen2_5_vl")  # the others are slow in all
WITHIN = {
    "llava_next": 0.07,
    "qwen2_audio": 0.03,
    "florence2": 0.01,
    "smolvlm": 0.01,
    "idefics3": 0.01,
    "phi4_multimodal": 0.01,
}  # else 0.5 %
SELECTIONS = ("train all", "freeze all; train projector", "freeze {sees}", "freeze language")
FAMILIES = [pytest.param(name, marks=() if name in ALWAYS else pytest.mark.slow) for name in multimodal.FAMILIES]


def built(family: str, folder: Path, weights: str = "random"):
    place = folder / "config.json"
    place.write_text(json.dumps(multimodal.config(family)))
    return build(ModelSource.parse(f"config:{place}", task=multimodal.task(family), weights=weights)).model


@pytest.mark.parametrize("family", FAMILIES)
def test_each_part_takes_the_bytes_that_the_allocator_shows(family: str, tmp_path: Path) -> None:
    model = built(family, tmp_path)
    workload = Workload(
        batch_size=2, sequence_length=16, image_size=multimodal.SIDES.get(family), implementation="loop"
    )
    tree, pricer, tracer = read_module(model, family), module_pricer(model, workload), tracer_of(model, workload)

    def padded(size: int, device: str):
        """With one sample shorter, as in training: of a mask of ones alone transformers makes nothing."""
        args, kwargs = tracer.inputs(size, device)
        if "attention_mask" in kwargs:
            kwargs["attention_mask"] = kwargs["attention_mask"].clone()
            kwargs["attention_mask"][0, -1] = 0
        return args, kwargs

    parts = {part.name for part in tree.parts}
    for text in SELECTIONS:
        if "projector" in text and "projector" not in parts:
            continue
        mask = resolve(FreezeSpec.parse(text.format(sees="vision" if "vision" in parts else "audio")), tree)
        frozen = [layer.path for layer in tree.layers if layer.path and mask.state_of(layer.path) == "frozen"]
        cost = pricer.estimate(mask)
        real = on_cpu(copy.deepcopy(model), set(mask.names()), frozen, workload, padded, tracer.shifted).peak_bytes
        assert cost.peak_bytes == pytest.approx(real, rel=WITHIN.get(family, 0.005)), text
        assert cost.flops_backward
        if text != "train all":
            assert cost.optimizer


def test_a_projector_between_two_frozen_parts_is_read_and_costs_a_backward_pass(tmp_path: Path) -> None:
    """It was priced as text alone: nothing to train, no optimizer, and the advice to freeze it."""
    from freezecore import review

    model = built("llava", tmp_path, "none")
    pricer = module_pricer(model, Workload(batch_size=2, sequence_length=16))
    tree = read_module(model, "llava", own=True)
    for rules in ("freeze vision; freeze language", "freeze model.language_model lm_head"):
        mask = resolve(FreezeSpec.parse(rules), tree)
        read = {p.name for p in pricer.trace.parameters if p.used}  # no loss reads the last layer of the vision tower
        trained = [p for p in tree.parameters if p.name in read & set(mask.names())]
        cost = pricer.estimate(mask).required()
        counters = 4 * len(trained)
        assert cost.optimizer == 8 * sum(p.numel for p in trained) + counters, rules
        assert cost.flops_backward > cost.flops_forward / 4, rules
    curve = depth_curve(pricer.trace, tree, part="language")  # it counts the language model's own two blocks alone
    assert [point.rules for point in curve[1:]] == [
        "freeze model.language_model.embed_tokens; freeze blocks@language_model:0",
        "freeze model.language_model.embed_tokens; freeze blocks@language_model:0-1",
    ]
    for point in curve[1:]:
        again = pricer.estimate(resolve(FreezeSpec.parse(point.rules), tree)).required()
        assert (again.peak_bytes, again.flops_backward) == (point.peak_bytes, point.flops_backward)
    mask = resolve(FreezeSpec.parse("freeze all; train projector"), tree)
    assert all(parameter.used for parameter in tree.parameters if "projector" in parameter.name)
    said = [finding for finding in review(tree, mask) if finding.code.startswith("unused")]
    assert not any("projector" in layer for finding in said for layer in finding.layers)


def test_a_picture_takes_as_many_tokens_as_the_model_makes_of_it(tmp_path: Path) -> None:
    from freezecore.runtime.inputs.example import examples

    model = built("llava", tmp_path, "none")
    made = next(examples(model, Workload(batch_size=3, sequence_length=16)))
    assert made.sizes["media_tokens"] == 16  # 28 pixels in patches of 7
    assert tuple(made.kwargs["input_ids"].shape) == (3, 32)


def test_a_picture_in_crops_has_a_token_at_the_end_of_each_row(tmp_path: Path) -> None:
    from freezecore.runtime.inputs.example import examples

    made = next(examples(built("phi4_multimodal", tmp_path, "none"), Workload(batch_size=2, sequence_length=16)))
    assert made.sizes["media_tokens"] == 13  # two pictures of 2 x 2 tokens, a third in each row, and one between
    assert tuple(made.kwargs["image_pixel_values"].shape) == (2, 2, 3, 28, 28)


def test_a_family_without_a_picture_of_ours_is_followed_with_ids_alone(tmp_path: Path, monkeypatch) -> None:
    from freezecore.runtime.inputs import media
    from freezecore.runtime.inputs.example import examples

    def refuses(*_: object) -> int:
        raise RuntimeError("no")

    monkeypatch.setattr(media, "_count", refuses)
    made = next(examples(built("llava", tmp_path, "none"), Workload(batch_size=3, sequence_length=16)))
    assert set(made.kwargs) == {"input_ids", "attention_mask"}
