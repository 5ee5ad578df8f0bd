"""What an engineer relies on who pastes an exported script whole: it holds, collides with nothing, and checks first."""

from __future__ import annotations

import copy
import importlib.util
import io
import sys
from pathlib import Path

import pytest
import torch

from freezecore._export import export
from freezecore._resolve import resolve
from freezecore.rates import group_rates, learning_rates, model_kind
from freezecore.spec import FreezeSpec
from freezecore.workload import Workload
from tests.freezecore.export.models import MODELS, small

GRADUAL = "freeze all; train head; from epoch 1: train blocks:last1; from epoch 2: train all"
OWN = """
def train(model, loader): return "mine"
def freeze(model): return "mine"
def main(): return "mine"
def parameter_groups(model): return "mine"
def learning_rate(step): return "mine"
def split(rows): return "mine"
def collate(rows): return "mine"
learning_rate = 3e-4
"""


@pytest.fixture
def pasted(tmp_path, monkeypatch):
    """Imports an exported script, with what a person wrote below it, as a module of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    count = iter(range(100))

    def run(text: str, below: str = ""):
        name = f"pasted_{next(count)}"
        file = Path(f"{name}.py")
        file.write_text(text + below)
        spec = importlib.util.spec_from_file_location(name, file)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    return run


def held(model) -> list[str]:
    """Modules that stay in eval mode when the model trains."""
    model.train()
    return [path for path, module in model.named_modules() if not module.training]


def again(model):
    """The whole model, saved and loaded."""
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


def test_frozen_batch_norms_stay_held_in_a_saved_and_in_a_copied_model(pasted, tmp_path):
    one = small("resnet18", tmp_path)
    model = pasted(export(one.source, "freeze all; train blocks:last1 head", "pytorch", tree=one.tree)).model
    norms = [path for path, module in model.named_modules() if type(module).__name__ == "BatchNorm2d"]
    assert held(model) == [path for path in norms if not path.startswith("layer4.1")]
    assert held(again(model)) == held(copy.deepcopy(model)) == held(model)
    loaded = again(model)
    before = {name: buffer.clone() for name, buffer in loaded.named_buffers()}
    loaded.train()(torch.randn(4, 3, 64, 64))
    moved = {
        name.rpartition(".")[0] for name, buffer in loaded.named_buffers() if not torch.equal(buffer, before[name])
    }
    assert moved == set(norms) - set(held(model))


def test_a_model_in_a_wrapper_is_refused_and_no_prefix_is_stripped_from_its_names(pasted, tmp_path):
    one = small("resnet18", tmp_path)
    text = export(one.source, "freeze all; train blocks:last1 head", "pytorch", tree=one.tree)
    wrapped = text.replace("freeze_by_name(model)  #", "model = nn.DataParallel(model)\nfreeze_by_name(model)  #")
    assert wrapped != text
    with pytest.raises(AssertionError, match="Not the model this was made for"):
        pasted(wrapped)


@pytest.mark.parametrize("again_or_copied", [lambda model: model, again, torch.optim.swa_utils.AveragedModel])
def test_update_bn_leaves_held_norms_of_an_exported_script_alone(pasted, tmp_path, again_or_copied):
    one = small("resnet18", tmp_path)
    script = pasted(export(one.source, "freeze all; train blocks:last1 head", "pytorch", tree=one.tree))
    model = again_or_copied(script.model)
    before = {name: buffer.clone() for name, buffer in model.named_buffers()}
    stay = {path for path in held(model) if path}
    torch.optim.swa_utils.update_bn([torch.randn(4, 3, 64, 64)], model)
    renewed = {
        name.rpartition(".")[0]
        for name, buffer in model.named_buffers()
        if name.endswith("running_var") and not torch.equal(buffer, before[name])
    }
    norms = {path for path, module in model.named_modules() if type(module).__name__ == "BatchNorm2d"}
    assert stay and renewed == norms - stay


def test_update_bn_leaves_norms_alone_that_a_schedule_goes_on_holding(pasted, tmp_path):
    one = small("resnet18", tmp_path)
    script = pasted(export(one.source, GRADUAL, "pytorch", tree=one.tree))
    for epoch in (0, 1, 2):
        script.freeze_by_name(script.model, epoch)
    before = {name: buffer.clone() for name, buffer in script.model.named_buffers()}
    assert len(held(script.model)) == 20
    torch.optim.swa_utils.update_bn([torch.randn(4, 3, 64, 64)], script.model)
    assert all(torch.equal(buffer, before[name]) for name, buffer in script.model.named_buffers())


def test_gradient_checkpointing_stays_on_in_frozen_layers_of_an_exported_script(pasted, tmp_path):
    one = small("llama", tmp_path)
    made = pasted(export(one.source, "freeze all; train blocks:last1", "pytorch", tree=one.tree))
    made.model.gradient_checkpointing_enable()
    made.model.train()
    assert all(layer.training and layer.gradient_checkpointing for layer in made.model.model.layers)


@pytest.mark.parametrize("target", ["pytorch", "transformers-trainer", "lightning", "fastai", "accelerate"])
def test_functions_of_a_persons_own_below_the_script_change_nothing_of_it(target, pasted, tmp_path):
    one = small("resnet18", tmp_path)
    made = pasted(export(one.source, GRADUAL, target, tree=one.tree, layer_decay=0.5), OWN)
    made.freeze_by_name(made.model, 1)
    assert held(made.model)
    groups = made.groups_by_rate(made.model)
    mask = resolve(GRADUAL, one.tree, 1)
    assert sum(len(group["params"]) for group in groups) == sum(mask.trains)


@pytest.mark.parametrize("name", ["resnet18", "test_vit", "bert", "gpt2", "t5"])
@pytest.mark.parametrize(
    "rates", [{}, {"layer_decay": 0.7}, {"learning_rate": 3e-4, "head_learning_rate": 1e-2, "layer_decay": 0.5}]
)
@pytest.mark.parametrize("rules", ["train all", "freeze all; train head; from epoch 1: train all"])
def test_each_parameter_trains_at_the_rate_that_a_probe_gives_it(name, rates, rules, pasted, tmp_path):
    one = small(name, tmp_path)
    made = pasted(export(one.source, rules, "pytorch", tree=one.tree, **rates))
    last = FreezeSpec.parse(rules).epochs[-1]
    if last:
        made.begin_epoch(made.model, made.optimizer, last)
    found = {id(p): group["lr"] for group in made.optimizer.param_groups for p in group["params"]}
    asked = {"body": rates.get("learning_rate"), "head": rates.get("head_learning_rate")}
    wanted = learning_rates(resolve(rules, one.tree, last), model_kind(one.source, one.tree), **asked)
    parameters = dict(made.model.named_parameters())
    for parameter, rate in zip(
        one.tree.parameters, group_rates(one.tree, wanted, rates.get("layer_decay")), strict=True
    ):
        assert found[id(parameters[parameter.name])] == pytest.approx(rate, rel=1e-3), parameter.name


def test_the_trainer_s_optimizer_is_checked_before_the_first_step(pasted, tmp_path):
    one = small("bert", tmp_path)
    made = pasted(export(one.source, "freeze all; train head", "transformers-trainer", tree=one.tree, layer_decay=0.5))
    before = {name: p.detach().clone() for name, p in made.model.named_parameters()}
    monkey = made.groups_by_rate
    made.groups_by_rate = lambda model: monkey(model)[:0] + [{"params": [next(model.parameters())], "lr": 1.0}]
    data = [{"input_ids": torch.arange(8), "attention_mask": torch.ones(8).long(), "labels": 1} for _ in range(4)]
    with pytest.raises(AssertionError):
        made.fine_tune(data)
    assert all(torch.equal(p, before[name]) for name, p in made.model.named_parameters())


@pytest.mark.parametrize(
    ("target", "written"),
    [
        (
            "transformers-trainer",
            [
                "per_device_train_batch_size=8",
                "gradient_accumulation_steps=4",
                "bf16=True",
                "gradient_checkpointing=True",
            ],
        ),
        ("accelerate", ['mixed_precision="bf16"', "gradient_accumulation_steps=4", "gradient_checkpointing_enable()"]),
        ("lightning", ['precision="bf16-mixed"', "accumulate_grad_batches=4", "batches of 8"]),
        ("fastai", ["learn.to_bf16()", "GradientAccumulation(32)", "gradient_checkpointing_enable()"]),
        ("pytorch", ["torch.autocast(device.type, torch.bfloat16)", "batches of 8", "if i % 4"]),
    ],
)
def test_batch_precision_accumulation_and_checkpointing_reach_the_code(target, written, tmp_path):
    one = small("bert", tmp_path)
    work = Workload(8, sequence_length=16, precision="bf16-autocast", accumulate=4, checkpointing=True)
    text = export(one.source, "freeze embeddings", target, tree=one.tree, workload=work)
    assert [part for part in written if part not in text] == []
    assert "Batch 8, 4 to a step, 16 tokens, bf16-autocast, adamw, gradient checkpointing." in text


def test_the_number_of_classes_is_the_persons_own_and_in_sight(pasted, tmp_path):
    one = small("resnet18", tmp_path)
    made = pasted(export(one.source, "freeze all; train head", "pytorch", tree=one.tree, num_classes=7))
    assert made.NUM_CLASSES == made.model.num_classes == 7
    assert made.counts == (2, 513 * 7)
    assert "NUM_CLASSES = 1000" in export(one.source, "freeze all; train head", "pytorch", tree=one.tree)


def test_the_classes_and_columns_of_ones_own_table_come_before_the_sources(pasted, tmp_path):
    one = small("bert", tmp_path)
    own = {"num_classes": 6, "columns": {"text": "full_text", "target": "score", "text_pair": None, "fold": None}}
    asked = {"tree": one.tree, "workload": Workload(8, sequence_length=16), **own}
    source = one.source.with_(num_labels=2)
    made = pasted(text := export(source, "freeze all; train head", "transformers-trainer", **asked))
    assert made.model.config.num_labels == 6 and made.counts[1] == sum(p.numel() for p in made.trainable)
    assert made.encode({"full_text": "a"}, lambda *texts, **_: texts) == ("a",)
    assert '.rename_column("score", "labels")' in text
    text = export(source, "freeze all; train head", "notebook", **asked)
    assert 'TEXTS, LABEL = (\\"full_text\\",), \\"score\\"' in text and "NUM_CLASSES = 6" in text
    own["columns"]["text_pair"] = "prompt"
    text = export(source, "freeze all; train head", "notebook", **asked)
    assert '(\\"full_text\\", \\"prompt\\")' in text


def test_a_trainer_evaluates_each_epoch_where_there_is_an_evaluation_dataset(pasted, tmp_path):
    one = small("bert", tmp_path)
    made = pasted(export(one.source, "freeze all; train head", "transformers-trainer", tree=one.tree))
    data = [{"input_ids": torch.arange(8), "attention_mask": torch.ones(8).long(), "labels": 1} for _ in range(4)]
    assert [row for row in made.fine_tune(data, data).state.log_history if "eval_loss" in row]


def test_every_model_of_the_matrix_is_held_by_class(tmp_path):
    for name in MODELS:
        one = small(name, tmp_path)
        assert "path in held" not in export(one.source, "freeze all; train head", "pytorch", tree=one.tree)


@pytest.mark.parametrize("scaled", [False, True], ids=["as on a CPU", "with the scaler of a GPU"])
@pytest.mark.parametrize("target", ["pytorch", "timm"])
def test_the_loop_in_half_precision_trains(target, scaled, pasted, tmp_path):
    one = small("test_vit", tmp_path)
    workload = Workload(batch_size=2, precision="fp16-autocast", accumulate=2)
    text = export(one.source, "freeze all; train head", target, tree=one.tree, workload=workload)
    assert 'enabled=device.type == "cuda"' in text
    made = pasted(text.replace('enabled=device.type == "cuda"', f"enabled={scaled}"))
    before = {name: tensor.detach().clone() for name, tensor in made.model.named_parameters()}
    loader = [(torch.randn(2, 3, one.size, one.size), torch.tensor([0, 1])) for _ in range(3)]
    made.fine_tune(loader, 2)
    moved = {n for n, tensor in made.model.named_parameters() if not torch.equal(before[n], tensor.detach())}
    assert moved == set(resolve(FreezeSpec.parse("freeze all; train head"), one.tree).names())
