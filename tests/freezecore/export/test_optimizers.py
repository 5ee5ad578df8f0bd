"""Every optimizer of a workload by each target's own name for it; those that are installed here are run."""

from dataclasses import replace

import pytest
import yaml

from freezecore._export import TARGETS, export
from freezecore.errors import ExportError
from freezecore.importing import import_rules
from freezecore.source import ModelSource
from freezecore.workload import CHOICES, Workload
from tests.freezecore.export.models import small
from tests.freezecore.export.running import Case, difference, run

RULES = "freeze all; train blocks:last1 head"
NAMED = [
    ("resnet18", "pytorch", "adafactor", "torch.optim.Adafactor(groups_by_rate(model), lr=0.01)"),
    ("resnet18", "pytorch", "lion", "import lion_pytorch"),
    ("resnet18", "accelerate", "paged-adamw-8bit", "bitsandbytes.optim.PagedAdamW8bit("),
    ("resnet18", "lightning", "lion", "lion_pytorch.Lion("),
    ("resnet18", "timm", "adafactor", 'opt="adafactor"'),
    ("resnet18", "timm", "lion", 'opt="lion"'),
    ("resnet18", "fastai", "lion", "opt_func=partial(OptimWrapper, opt=lion_pytorch.Lion)"),
    ("bert", "transformers-trainer", "lion", "bitsandbytes.optim.Lion("),
    ("bert", "transformers-trainer", "adafactor", "transformers.Adafactor("),
]


@pytest.mark.parametrize(("name", "target", "optimizer", "line"), NAMED)
def test_each_target_calls_an_optimizer_by_its_own_name_and_is_read_back(name, target, optimizer, line, tmp_path):
    model = small(name, tmp_path)
    text = export(model.source, RULES, target, tree=model.tree, workload=Workload(4, optimizer=optimizer))
    assert line in text
    back = import_rules(text, model.tree)
    assert back.rules == export_rules(model, tmp_path)


def hosted(folder):
    """A language model as the Hub has it."""
    source = ModelSource.parse("hf:some/model", task="causal-lm")
    return source, replace(small("llama", folder).tree, source=str(source))


def export_rules(model, folder):
    return import_rules(export(model.source, RULES, "pytorch", tree=model.tree), model.tree).rules


@pytest.mark.parametrize(
    ("optimizer", "called"),
    [("adafactor", "adafactor"), ("lion", "lion_32bit"), ("paged-adamw-8bit", "paged_adamw_8bit"), ("sgd", "sgd")],
)
def test_trainers_configurations_take_transformers_names_and_an_unscaled_rate(optimizer, called, tmp_path):
    source, tree = hosted(tmp_path)
    for target, key in (("axolotl", "optimizer"), ("llama-factory", "optim")):
        read = yaml.safe_load(export(source, RULES, target, tree=tree, workload=Workload(4, optimizer=optimizer)))
        assert read[key] == called
        if optimizer == "adafactor":  # transformers does not scale it by the weights' size
            usual = yaml.safe_load(export(source, RULES, target, tree=tree))
            assert read["learning_rate"] == usual["learning_rate"]


def test_timm_has_no_paged_optimizer(tmp_path):
    model = small("resnet18", tmp_path)
    with pytest.raises(ExportError, match="timm has no paged AdamW."):
        export(model.source, RULES, "timm", tree=model.tree, workload=Workload(4, optimizer="paged-adamw-8bit"))


def test_every_optimizer_can_be_written_for_every_target_of_a_language_model(tmp_path):
    source, tree = hosted(tmp_path)
    for target in set(TARGETS) - {"timm", "unsloth"}:  # which trains adapters alone
        for optimizer in CHOICES["optimizer"]:
            assert export(source, RULES, target, tree=tree, workload=Workload(4, optimizer=optimizer))


@pytest.mark.slow
def test_scripts_train_with_the_optimizers_that_are_installed(tmp_path):
    asked = [
        ("resnet18", "pytorch", "adafactor"),
        ("resnet18", "timm", "adafactor"),
        ("resnet18", "timm", "lion"),
        ("resnet18", "lightning", "adafactor"),
        ("resnet18", "fastai", "adafactor"),
        ("bert", "transformers-trainer", "adafactor"),
    ]
    cases = [
        Case(f"{target}_{optimizer}", target, small(name, tmp_path), RULES, workload=Workload(4, optimizer=optimizer))
        for name, target, optimizer in asked
    ]
    found = run(cases, tmp_path)
    assert {case.id: difference(case, found[case.id]) for case in cases} == {case.id: [] for case in cases}
