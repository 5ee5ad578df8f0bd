"""Thousands of seeded scripts, run by the product against the tree and by Python on the real modules."""

from __future__ import annotations

import pytest
import timm
import torch
import transformers

from freezecore.importing.execution.answer import answer
from freezecore.importing.isolated import plain
from freezecore.runtime.tree.read import read_module
from tests.freezecore.importing.scripts import script


def paths(named):
    return [name for name, _ in named if name]


FEW, MANY = 60, 2_000


def models():
    with torch.device("meta"):
        yield timm.create_model("resnet18")
        yield timm.create_model("vit_tiny_patch16_224")
        yield transformers.BertForSequenceClassification(transformers.BertConfig(num_hidden_layers=4))


@pytest.fixture(scope="module")
def opened():
    """(model, its tree as it is handed over, names of its parameters, paths of its modules)"""
    return [
        (
            each,
            plain(read_module(each)),
            [n for n, _ in each.named_parameters()],
            [n for n, _ in each.named_modules() if n],
        )
        for each in models()
    ]


def wrong(seed, opened):
    """What differs between the two for one seed; nothing where they agree or both fail."""
    model, tree, names, modules = opened[seed % len(opened)]
    text = script(seed, names, modules)
    model.requires_grad_(True)
    try:
        exec(compile(text, "script", "exec"), {"model": model, "__name__": "__main__"})
    except Exception as error:
        return ("the judge failed", error, text) if not isinstance(error, StopIteration) else None
    wanted = [p.requires_grad for p in model.parameters()]
    came = answer(text, tree)
    if came["unread"]:
        return ("told", came["unread"], text)
    return ("wrong", text) if came["phases"][-1][1] != wanted else None


def test_generated_scripts_are_never_wrong(opened):
    assert not [found for seed in range(FEW) if (found := wrong(seed, opened))]


@pytest.mark.slow
def test_two_thousand_generated_scripts_are_never_wrong(opened):
    assert not [found for seed in range(MANY) if (found := wrong(seed, opened))]
