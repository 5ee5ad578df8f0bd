"""Rules on a model of one's own: what a person froze by hand is theirs, and each call says what it changed."""

import copy

import pytest
import timm
import torch
import transformers
from torch import nn

import freezecore as fc


def net() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 4), nn.Linear(4, 2))


def trains(model):
    return {name for name, parameter in model.named_parameters() if parameter.requires_grad}


def applied(model, rules):
    fc.apply(model, rules)
    return model


def tiny_whisper():
    config = transformers.WhisperConfig(
        vocab_size=60, num_mel_bins=8, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, d_model=16, encoder_ffn_dim=16, decoder_ffn_dim=16, max_source_positions=20,
        max_target_positions=20, pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1,
    )  # fmt: skip
    return transformers.WhisperModel(config)


def test_what_a_person_froze_by_hand_may_train_again():
    model = net()
    for parameter in model[:3].parameters():
        parameter.requires_grad = False
    mask = fc.apply(model, "freeze all; train 2")
    assert trains(model) == {"2.weight", "2.bias"}
    assert mask.newly_trainable == ("2.weight", "2.bias")
    assert mask.newly_frozen == ("3.weight", "3.bias")
    assert "2 newly frozen; 2 newly trainable" in repr(mask)
    assert fc.apply(model, "train all").names(trainable=False) == ()


def test_what_no_rule_hits_stays_as_it_was():
    model = net()
    model[0].weight.requires_grad = False
    fc.apply(model, "freeze 3")
    assert trains(model) == {"0.bias", "1.weight", "1.bias", "2.weight", "2.bias"}
    fc.apply(model, "train 3.bias")
    assert "3.weight" not in trains(model)


def test_reset_starts_from_the_author():
    model = net()
    model[0].weight.requires_grad = False
    fc.apply(model, "freeze 3")
    fc.apply(model, "freeze 1", reset=True)
    assert trains(model) == {"0.weight", "0.bias", "2.weight", "2.bias", "3.weight", "3.bias"}


@pytest.mark.parametrize("wrapped", [False, True])
def test_what_a_library_s_author_froze_trains_by_its_exact_name_alone(wrapped):
    positions = "encoder.embed_positions.weight"
    model = tiny_whisper()
    if wrapped:
        model, positions = nn.ModuleDict({"speech": model, "head": nn.Linear(16, 2)}), f"speech.{positions}"
    fc.apply(model, "freeze all")
    assert positions not in trains(applied(model, "train all"))
    assert positions in trains(applied(model, f"train {positions}"))


def test_a_copy_of_an_applied_model_is_like_the_original():
    model = timm.create_model("resnet18", num_classes=3)
    fc.apply(model, "freeze all; train head")
    twin = copy.deepcopy(model)
    assert not any(p.frozen_by_author for p in fc.read_tree(twin).parameters)
    assert fc.apply(twin, "train layer4").newly_trainable == fc.apply(model, "train layer4").newly_trainable != ()
    assert trains(twin) == trains(model)


def test_frozen_for_a_block_leaves_everything_as_it_was():
    model = net()
    model[0].weight.requires_grad = False
    before = trains(model)
    with fc.frozen(model, "freeze all; train 3") as mask:
        model.train()
        assert trains(model) == set(mask.names()) == {"3.weight", "3.bias"}
        assert not model[1].training
    model.train()
    assert trains(model) == before
    assert model[1].training


def test_frozen_is_undone_after_an_error_too():
    model = net()
    with pytest.raises(RuntimeError, match="stop"), fc.frozen(model, "freeze all; train 3"):
        raise RuntimeError("stop")
    assert len(trains(model)) == 8


def test_release_lets_train_reach_every_module():
    model = net()
    fc.apply(model, "freeze all; train 3")
    fc.release(model)
    assert model.train()[1].training
    assert trains(model) == {"3.weight", "3.bias"}


def rates(model, *given, **named):
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {names[id(p)]: group["lr"] for group in fc.parameter_groups(model, *given, **named) for p in group["params"]}


def test_groups_hold_exactly_what_trains_each_once():
    model = timm.create_model("vit_tiny_patch16_224", num_classes=3)
    fc.apply(model, "freeze embeddings; freeze blocks:0-8")
    found = rates(model, 1e-4, head_lr=1e-3)
    assert set(found) == trains(model)
    assert found["head.weight"] == 1e-3
    assert found["blocks.11.norm1.weight"] == 1e-4
    torch.optim.AdamW(fc.parameter_groups(model, 1e-4))


def test_layer_decay_falls_with_the_distance_from_the_head():
    model = timm.create_model("vit_tiny_patch16_224", num_classes=3)
    found = rates(model, 1.0, layer_decay=0.5)
    assert [found[f"blocks.{i}.norm1.weight"] for i in (11, 10, 0)] == [0.5, 0.25, 0.5**12]
    assert found["pos_embed"] == 0.5**13
    assert found["head.weight"] == found["norm.weight"] == 1.0


def test_groups_without_rates_take_those_of_a_probe():
    model = timm.create_model("resnet18", num_classes=3)
    fc.apply(model, "freeze all; train head")
    assert set(rates(model).values()) == {0.01}


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: fc.apply("timm:resnet18", "freeze all"), "This takes a Module"),
        (lambda: fc.apply(net(), "unfreeze 3"), r"Cannot read the rule 'unfreeze 3'\. Did you mean 'train'"),
        (lambda: fc.parameter_groups(net(), 0), "lr=0 is out of range"),
        (lambda: fc.parameter_groups(net(), layer_decay=2), "layer_decay=2 is out of range"),
        (lambda: fc.parameter_groups(3), "This takes a Module"),
    ],
)
def test_a_wrong_argument_is_a_sentence(call, said):
    with pytest.raises(fc.FreezeError, match=said):
        call()


@pytest.mark.parametrize("rules", ["norms update; dropout on", "freeze all; train 3; norms update"])
def test_the_proof_allows_what_the_rules_allow(rules):
    model = net()
    fc.apply(model, rules)
    with fc.proof(model):
        model.train()
        model(torch.randn(8, 4))
