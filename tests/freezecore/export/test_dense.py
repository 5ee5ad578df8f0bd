"""Exported training of transformers' detectors and segmentations, run: what trains is the mask, nothing else moves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from freezecore import FreezeSpec, export, read_tree, resolve
from freezecore.runtime.inputs.example import examples
from freezecore.source import ModelSource
from freezecore.workload import Workload
from tests.freezecore import dense

SIDE = 64


def exported(family: str, target: str, rules: str, folder: Path) -> tuple[dict, set[str]]:
    """What the pasted script defines, and the names of what trains by our own mask."""
    place = folder / "config.json"
    place.write_text(json.dumps(dense.config(family)))
    source = ModelSource.parse(f"config:{place}", task=dense.task(family))
    spec = FreezeSpec.parse(rules)
    code = export(source, spec, to=target).replace('"checkpoints",', '"checkpoints", use_cpu=True, max_steps=2,')
    script: dict = {"__name__": "exported"}
    exec(compile(code, "exported.py", "exec"), script)
    return script, set(resolve(spec, read_tree(source)).names())


def moved(before: dict, model: torch.nn.Module) -> set[str]:
    return {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}


def test_a_pasted_detector_trains_by_its_own_loss_and_only_what_the_mask_has(tmp_path: Path) -> None:
    script, trained = exported("table-transformer", "pytorch", "freeze all; train head", tmp_path)
    model = script["model"].train()
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    made = next(examples(model, Workload(batch_size=2, image_size=SIDE)))
    model(**made.kwargs).loss.backward()
    script["optimizer"].step()
    assert moved(before, model) == trained


@pytest.mark.slow
@pytest.mark.parametrize(("family", "rules"), [
    ("rt_detr_v2", "freeze model.backbone"),
    ("segformer", "freeze all; train head"),
    ("mask2former", "freeze model.pixel_level_module.encoder"),
])  # fmt: skip
def test_a_pasted_trainer_takes_pictures_with_any_number_of_objects(
    family: str, rules: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    script, trained = exported(family, "transformers-trainer", rules, tmp_path)
    model = script["model"]
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    made = [next(examples(model, Workload(batch_size=1, image_size=SIDE))).kwargs for _ in range(8)]
    samples = [{name: value[0] for name, value in each.items()} for each in made]
    for name in ("labels", "mask_labels", "class_labels"):  # one picture shows fewer objects
        if name in samples[0] and family != "segformer":
            held = samples[0][name]
            samples[0][name] = {key: value[:1] for key, value in held.items()} if isinstance(held, dict) else held[:1]
    script["fine_tune"](samples)
    assert moved(before, model) <= trained
    assert len(moved(before, model)) > len(trained) / 2
