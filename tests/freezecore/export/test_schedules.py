"""Rates of every step of an exported script: those that a probe gives its groups, in the trainers themselves."""

import pytest
import torch
from fastai.optimizer import Optimizer

from freezecore._export import export
from freezecore._resolve import resolve
from freezecore.rates import learning_rates, model_kind
from freezecore.runtime.build.source import build
from freezecore.runtime.train.optimizer import build_optimizer, set_rates
from freezecore.spec import FreezeSpec
from freezecore.workload import Workload
from tests.freezecore.export import executor, test_pasted_whole
from tests.freezecore.export.models import small

pasted = test_pasted_whole.pasted
EPOCHS, STEPS = 4, 3
HEAD, LAST = "freeze all; train head", "freeze all; train blocks:last1 head"
TARGETS = ("pytorch", "timm", "accelerate", "lightning", "fastai", "transformers-trainer")


@pytest.fixture
def seen(monkeypatch):
    """Rates of each step, a set for the groups that hold something."""
    rates = []
    torchs, theirs = torch.optim.AdamW.step, Optimizer.step

    def step(self, *given, **named):
        rates.append({group["lr"] for group in self.param_groups if group["params"]})
        return torchs(self, *given, **named)

    monkeypatch.setattr(torch.optim.AdamW, "step", step)

    def also(self, *given, **named):
        rates.append({hyper["lr"] for group, hyper in zip(self.param_lists, self.hypers, strict=True) if group})
        return theirs(self, *given, **named)

    monkeypatch.setattr(Optimizer, "step", also)
    return rates


def of_the_probe(found, spec, steps):
    """The rates of each step of a probe over so many steps."""
    mask = resolve(spec, found.tree)
    rates = learning_rates(mask, model_kind(found.source, found.tree))
    optimizer = build_optimizer(build(found.source).model, mask, "adamw", rates)
    told = []
    for done in range(steps):
        set_rates(optimizer, done, steps)
        told.append({group["lr"] for group in optimizer.param_groups})
    return told


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("rules", [HEAD, LAST], ids=["head", "last"])
@pytest.mark.parametrize("target", TARGETS)
def test_every_step_has_the_rates_of_the_probe(target, rules, accumulate, tmp_path, pasted, seen):
    found, spec = small("resnet18", tmp_path), FreezeSpec.parse(rules)
    workload = Workload(batch_size=2, accumulate=accumulate)
    text = export(found.source, spec, target, tree=found.tree, workload=workload)
    made = vars(pasted(text.replace("num_train_epochs=3", f"num_train_epochs={EPOCHS}")))
    torch.manual_seed(0)
    data = [(torch.randn(3, 64, 64), i % 2) for i in range(2 * STEPS)]
    way = executor.by_loader if target == "pytorch" else executor.WAYS[target]
    way(made, data, EPOCHS)
    wanted = of_the_probe(found, spec, EPOCHS * -(-STEPS // accumulate))
    if target == "fastai" and accumulate > 1:  # counts batches, of whatever epoch
        assert len(seen) <= len(wanted)
        assert max(max(each) for each in seen) <= max(max(each) for each in wanted)
        return
    assert [sorted(each) for each in seen] == [pytest.approx(sorted(each)) for each in wanted]


@pytest.mark.parametrize("rates", [{"head_learning_rate": 1e-2}, {"layer_decay": 0.5}, {}], ids=str)
def test_fastai_trains_a_model_of_transformers_at_the_rates_of_its_groups(rates, tmp_path, pasted, seen):
    found = small("bert", tmp_path)
    made = vars(pasted(export(found.source, "train all", "fastai", tree=found.tree, **rates)))
    executor.by_fastai(made, executor.samples(found.kind, found.size), 1)
    peaks = {group["lr"] for group in made["groups_by_rate"](made["model"])}
    assert len(peaks) > 1
    assert max(seen[0]) == max(peaks)
    assert all(len(each) == len(peaks) for each in seen[:1])


def test_a_schedule_in_lightning_can_be_saved_before_it_has_begun(tmp_path, pasted):
    found = small("resnet18", tmp_path)
    rules = "freeze all; train head; from epoch 1: train blocks:last1"
    made = pasted(export(found.source, rules, "lightning", tree=found.tree))
    made.trainer.strategy.connect(made.FineTune(made.model))
    made.trainer.save_checkpoint("begun.ckpt")
    assert torch.load("begun.ckpt", weights_only=False)["frozen_as_in_epoch"] == 0
