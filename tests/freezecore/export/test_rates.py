"""Default learning rates in exported code: those that a probe of the same selection tries."""

from dataclasses import replace

import pytest

from freezecore._export import export
from freezecore._resolve import resolve
from freezecore.rates import learning_rates, model_kind
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from freezecore.tree import LayerTree
from tests.freezecore.samples import load

HEAD = "freeze all; train head"
MODELS = {
    "resnet18": ModelSource.parse("timm:resnet18"),
    "vit_tiny": ModelSource.parse("timm:vit_tiny_patch16_224"),
    "vit_hf": ModelSource.parse("hf:google/vit", task="image-classification"),
    "bert": ModelSource.parse("hf:bert", task="sequence-classification"),
    "gpt2": ModelSource.parse("hf:gpt2", task="causal-lm"),
    "t5": ModelSource.parse("config:t5", task="seq2seq-lm"),
}


def tree_of(name: str) -> LayerTree:
    """The tree as it is read from that source."""
    return replace(load(name), source=str(MODELS[name]))


@pytest.mark.parametrize(
    ("name", "rules", "written"),
    [
        ("resnet18", HEAD, "lr=0.01"),
        ("resnet18", "train all", "lr=5e-4"),
        ("resnet18", "train all", "return 5e-3"),
        ("resnet18", "freeze all; train norms head", "lr=2e-3"),
        ("bert", HEAD, "lr=0.03"),
        ("bert", "freeze embeddings", "lr=1e-4"),
        ("gpt2", "train all", "lr=2e-5"),
        ("resnet18", f"{HEAD}; from epoch 1: train all", "lr=5e-4"),
    ],
)
def test_the_exported_rate_is_the_usual_one_for_what_trains(name, rules, written):
    assert written in export(MODELS[name], rules, tree=tree_of(name))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("rules", [HEAD, "train all", "freeze blocks:0", "freeze all; train norms"])
def test_an_export_without_a_rate_is_the_export_with_the_probe_s(name, rules):
    source, tree = MODELS[name], tree_of(name)
    rates = learning_rates(resolve(FreezeSpec.parse(rules), tree), model_kind(source, tree))
    rate = rates.head if rules == HEAD else rates.body
    both = rules in ("train all", "freeze blocks:0") and rates.head != rates.body
    asked = {"learning_rate": rate, "head_learning_rate": rates.head if both else None}
    assert export(source, rules, tree=tree) == export(source, rules, tree=tree, **asked)
