"""Findings about adapters, each found and each silent."""

from pathlib import Path

import pytest

import freezecore as fc
from freezecore._presets import presets
from freezecore._review import review
from freezecore.source import ModelSource

TINY = f"config:{Path(__file__).parents[1] / 'runtime' / 'tiny_vit.json'}"


def codes(adapter, rules):
    source = ModelSource.parse(TINY, adapter=adapter)
    tree = fc.read_tree(source)
    return {finding.code for finding in review(tree, fc.resolve(rules, tree), spec=rules, source=source)}


@pytest.mark.parametrize(
    ("code", "found", "silent"),
    [
        ("adapter-idle", ("lora", "freeze all; train head"), ("lora", "freeze all; train adapters head")),
        ("adapter-rank", ("lora r=16", "freeze all; train adapters"), ("lora r=8", "freeze all; train adapters")),
        ("head-frozen", ("lora", "freeze all; train adapters"), ("lora", "freeze all; train adapters head")),
    ],
)
def test_a_finding_is_found_and_is_silent(code, found, silent):
    assert code in codes(*found)
    assert code not in codes(*silent)


def test_dropout_of_a_frozen_base_that_runs_beside_adapters_is_told():
    tree = fc.read_tree(ModelSource.parse("config:distilbert", adapter="lora"))
    told = review(tree, fc.resolve("freeze all; train adapters", tree))
    assert "adapter-dropout" in {finding.code for finding in told}
    plain = fc.read_tree("config:distilbert")
    told = review(plain, fc.resolve("freeze all; train blocks:last1", plain))
    assert "adapter-dropout" not in {finding.code for finding in told}


def test_lora_s_presets_are_offered_where_there_are_adapters():
    tree = fc.read_tree(ModelSource.parse(TINY, adapter="lora r=4"))
    rules = {preset.key: preset.rules for preset in presets(tree)}
    assert rules["lora"] == "freeze all; train adapters"
    assert rules["lora-head"] == "freeze all; train adapters head"
    last = fc.resolve(rules["lora-last"], tree)
    trained = {name.split(".")[2] for name in last.names() if ".layers." in name}
    assert trained == {"1", "2"} and not any("lora_" not in name and ".layers." in name for name in last.names())
    assert not {"lora", "lora-head", "lora-last"} & {preset.key for preset in presets(fc.read_tree(TINY))}


@pytest.mark.parametrize(
    ("model", "options", "quantize", "found"),
    [
        ("config:bert", {"num_labels": 2}, "nf4", {"quantized-head"}),
        ("config:bert", {"num_labels": 2}, None, set()),
        ("config:gpt2", {"task": "causal-lm"}, "int8", set()),
        ("config:mixtral", {"task": "causal-lm"}, "nf4", {"quantized-experts"}),
    ],
)
def test_what_stays_in_full_precision_in_a_quantized_base_is_told(model, options, quantize, found):
    source = ModelSource.parse(model, adapter="lora", quantize=quantize, **options)
    tree = fc.read_tree(source)
    told = review(tree, fc.resolve("freeze all; train adapters", tree), source=source, fixes=False)
    assert {finding.code for finding in told if finding.code.startswith("quantized")} == found
