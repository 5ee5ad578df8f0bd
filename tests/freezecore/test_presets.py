"""Presets: offered where they hit something, doing what their name says."""

import pytest

from freezecore._presets import first_blocks_rules, last_blocks_rules, missing_presets, presets
from freezecore._resolve import resolve
from freezecore.rules.grammar import parse_spec
from freezecore.tree import LayerTree
from tests.freezecore.samples import NAMES, load


def masks(tree: LayerTree):
    """Each offered preset with its mask in its first epoch."""
    return {preset.key: resolve(parse_spec(preset.rules), tree) for preset in presets(tree)}


@pytest.mark.parametrize("model", NAMES)
def test_every_offered_preset_resolves_in_every_phase_and_says_what_it_hits(model):
    tree = load(model)
    for preset in presets(tree):
        spec = parse_spec(preset.rules)
        for epoch in spec.epochs:
            resolve(spec, tree, epoch)
        assert 0 < preset.hits <= len(tree.parameters)
        assert preset.label and preset.why


def test_the_first_preset_freezes_embeddings_and_the_first_three_blocks():
    first = presets(load("bert"))[0]
    assert (first.key, first.rules, first.hits) == ("first-blocks", "freeze embeddings; freeze blocks:0-2", 53)


@pytest.mark.parametrize(
    ("model", "trains"),
    [("resnet18", {"fc"}), ("bert", {"classifier"}), ("vit_tiny", {"head"}), ("llama", {"lm_head"})],
)
def test_a_linear_probe_trains_exactly_the_classifier(model, trains):
    mask = masks(load(model))["linear-probe"]
    assert {name.rpartition(".")[0] for name in mask.names()} == trains


def test_bitfit_trains_biases_and_the_head():
    mask = masks(load("bert"))["biases-only"]
    assert all(name.endswith(".bias") or name.startswith("classifier") for name in mask.names())
    assert len(mask.names()) == 100


def test_what_would_hit_nothing_is_not_offered_but_named_with_the_reason():
    for model, key, why in [
        ("t5", "biases-only", "no biases"),
        ("llama", "biases-only", "no biases"),
        ("bert_base", "linear-probe", "no head"),
        ("resnet18", "embeddings-frozen", "no embeddings"),
    ]:
        tree = load(model)
        assert key not in {preset.key for preset in presets(tree)}
        assert why in next(preset.why for preset in missing_presets(tree) if preset.key == key)


def test_a_model_without_parameters_is_offered_nothing():
    assert presets(LayerTree("empty", (), ())) == ()


def test_gradual_unfreezing_ends_with_everything_training():
    tree = load("bert")
    spec = parse_spec(next(preset.rules for preset in presets(tree) if preset.key == "gradual"))
    counts = [resolve(spec, tree, epoch).trainable for epoch in spec.epochs]
    assert counts == sorted(set(counts)) and counts[-1] == tree.total


def test_the_number_of_blocks_is_chosen_and_kept_within_the_model():
    tree = load("bert")
    assert first_blocks_rules(tree, 0) == ""
    assert first_blocks_rules(tree, 1) == "freeze embeddings; freeze blocks:0"
    assert first_blocks_rules(tree, 99) == "freeze embeddings; freeze blocks:0-11"
    assert last_blocks_rules(tree, 4) == "freeze all; train blocks:last4; train head"


def test_what_stands_between_frozen_blocks_is_frozen_with_them():
    tree = load("convnext_tiny")
    rules = first_blocks_rules(tree, 4)
    assert rules == "freeze stem; freeze blocks:0-3; freeze stages.1.downsample"
    mask = resolve(parse_spec(rules), tree)
    trained = [i for i, trains in enumerate(mask.trains) if trains]
    assert min(trained) > max(tree.under(tree.blocks[3]))
