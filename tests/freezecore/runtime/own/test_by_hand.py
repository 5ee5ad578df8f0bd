"""What people freeze by hand, loop by loop, and the one line that does the same here."""

import pytest
import timm
import torch
from torch import nn
from transformers import BertConfig, BertForMaskedLM, BertForSequenceClassification, BertModel

import freezecore as fc
from freezecore._presets import first_blocks_rules, presets
from freezecore._resolve import resolve
from freezecore.rules.grammar import parse_spec


@pytest.fixture
def resnet() -> nn.Module:
    with torch.device("meta"):
        return timm.create_model("resnet18")


def bert(kind: type[nn.Module]) -> nn.Module:
    sizes = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64, "vocab_size": 99}
    with torch.device("meta"):
        return kind(BertConfig(num_hidden_layers=5, **sizes))


def frozen(model: nn.Module) -> set[str]:
    return {name for name, parameter in model.named_parameters() if not parameter.requires_grad}


def top_n_layer_freeze(model: nn.Module, n: int) -> None:
    """As it is written by hand: by parts of names."""
    parts = ["embeddings.", *(f"encoder.layer.{i}." for i in range(n))]
    for name, parameter in model.named_parameters():
        if any(part in name for part in parts):
            parameter.requires_grad = False


def test_the_list_of_names_with_what_trains(resnet):
    tree = fc.read_tree(resnet)
    mask = resolve(parse_spec(""), tree)
    listed = [(p.name, trains) for p, trains in zip(tree.parameters, mask.trains, strict=True)]
    assert listed == [(name, parameter.requires_grad) for name, parameter in resnet.named_parameters()]
    assert len(listed) == 62


def test_one_parameter_by_its_name(resnet):
    fc.apply(resnet, "freeze conv1.weight")
    assert frozen(resnet) == {"conv1.weight"}


def test_all_whose_names_contain_a_text(resnet):
    fc.apply(resnet, "freeze contains:layer1.0.")
    assert frozen(resnet) == {name for name, _ in resnet.named_parameters() if "layer1.0." in name}


@pytest.mark.parametrize("kind", [BertForSequenceClassification, BertModel, BertForMaskedLM])
@pytest.mark.parametrize("n", [1, 3])
def test_embeddings_and_first_encoder_layers(kind, n):
    by_hand, here = bert(kind), bert(kind)
    top_n_layer_freeze(by_hand, n)
    fc.apply(here, first_blocks_rules(fc.read_tree(here), n))
    assert frozen(here) == frozen(by_hand)
    assert len(frozen(here)) == 5 + 16 * n


def test_three_of_them_are_the_first_preset():
    model = bert(BertForSequenceClassification)
    fc.apply(model, presets(fc.read_tree(model))[0].rules)
    by_hand = bert(BertForSequenceClassification)
    top_n_layer_freeze(by_hand, 3)
    assert frozen(model) == frozen(by_hand)


def test_a_dotted_text_that_finds_nothing_on_a_bare_model_is_an_error_here():
    model = bert(BertModel)
    with pytest.raises(fc.FreezeError, match="bert.embeddings"):
        fc.apply(model, "freeze contains:bert.embeddings")
    assert frozen(model) == set()
