"""Probes of models with adapters: what they train, what they leave alone, and what is computed once."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

import freezecore as fc
from freezecore.probe import ProbeRequest
from freezecore.runtime.train.session import Session
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec

TINY = f"config:{Path(__file__).parents[1] / 'tiny_vit.json'}"


def request(adapter, rules="freeze all; train adapters head", **options):
    source = ModelSource.parse(TINY, weights="random", adapter=adapter)
    return ProbeRequest(source, FreezeSpec.parse(rules), **{"data": "shapes", "steps": 3, "batch_size": 4} | options)


@pytest.mark.parametrize("adapter", ["lora r=2", "lora r=2 dora dropout=0.1 on *.q_proj", "lora on type:Conv2d"])
def test_a_probe_moves_the_adapter_and_nothing_of_the_base(adapter):
    result = fc.run_probe(request(adapter))
    assert (result.state, result.proof.ok, result.message) == ("done", True, "")
    tree = fc.read_tree(ModelSource.parse(TINY, adapter=adapter, num_labels=10))
    assert result.proof.parameters == sum(not p.adapter and p.kind != "head" for p in tree.parameters)


def test_what_runs_before_the_first_adapter_is_computed_once():
    asked = request("lora on blocks:last1", steps=60, train_size=40, test_size=20)
    cached = fc.run_probe(asked)
    assert cached.cache.cut == "vit.layers.2" and cached.proof.ok
    plain = fc.run_probe(replace(asked, cache=False))
    assert cached.loss_last == pytest.approx(plain.loss_last, abs=1e-6)
    assert fc.run_probe(replace(asked, source=request("lora").source)).cache.cut == "vit.layers.0"


def test_another_seed_begins_with_another_adapter():
    session = Session(request("lora r=2", train_size=20, test_size=10))
    name = next(p.name for p in session.tree.parameters if p.adapter)
    starts = []
    for seed in (0, 1, 0):
        session.begin(request("lora r=2", seed=seed, train_size=20, test_size=10))
        starts.append(dict(session.model.named_parameters())[name].detach().clone())
    assert torch.equal(starts[0], starts[2]) and not torch.equal(starts[0], starts[1])
