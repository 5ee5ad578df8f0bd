"""Default learning rates: by what trains, by what the model reads, and by optimizer; none of them needs torch."""

import pytest

from freezecore._resolve import resolve
from freezecore.rates import learning_rates, model_kind
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from tests.freezecore.samples import load

ROWS = [
    ("resnet18", "image", "freeze all; train head", "adamw", 5e-4, 1e-2),
    ("resnet18", "image", "train all", "adamw", 5e-4, 5e-3),
    ("resnet18", "image", "freeze all; train norms head", "adamw", 2e-3, 5e-3),
    ("resnet18", "image", "train all", "sgd-momentum", 2e-3, 2e-2),
    ("bert", "text", "freeze all; train head", "adamw", 1e-4, 3e-2),
    ("bert", "text", "train all", "adamw", 1e-4, 1e-2),
    ("gpt2", "language-model", "train all", "adamw", 2e-5, 2e-5),
]


@pytest.mark.parametrize("name, kind, rules, optimizer, body, head", ROWS)
def test_rates_follow_from_what_trains(name, kind, rules, optimizer, body, head):
    mask = resolve(FreezeSpec.parse(rules), load(name))
    rates = learning_rates(mask, kind, optimizer)
    assert (rates.body, rates.head) == pytest.approx((body, head))


def test_a_rate_that_was_asked_for_stays_and_the_other_keeps_its_default():
    mask = resolve(FreezeSpec.parse("train all"), load("resnet18"))
    assert learning_rates(mask, "image", body=1e-5).body == 1e-5
    assert learning_rates(mask, "image", body=1e-5).head == pytest.approx(5e-3)
    assert learning_rates(mask, "image", head=1e-5).head == 1e-5


@pytest.mark.parametrize(
    "source, task, name, kind",
    [
        ("timm:resnet18", None, "resnet18", "image"),
        ("timm:vit_tiny_patch16_224", None, "vit_tiny", "image"),
        ("hf:google/vit", "image-classification", "vit_hf", "image"),
        ("hf:bert", "sequence-classification", "bert", "text"),
        ("hf:gpt2", "causal-lm", "gpt2", "language-model"),
        ("hf:t5", None, "t5", "language-model"),
    ],
)
def test_a_model_takes_the_rates_of_the_data_it_would_be_tried_on(source, task, name, kind):
    tree = load(name)
    assert model_kind(ModelSource.parse(source, task=task), tree) == kind
