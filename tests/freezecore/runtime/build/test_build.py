"""Sources become modules, or one sentence."""

import json
from pathlib import Path

import pytest
import torch

from freezecore.errors import SourceError
from freezecore.runtime.build.source import build
from freezecore.runtime.tree.read import read_source
from freezecore.source import ModelSource


def built(text, **options):
    return build(ModelSource.parse(text, **options))


@pytest.mark.parametrize(
    ("text", "options", "parameters"),
    [
        ("timm:resnet18", {}, 11_689_512),
        ("timm:resnet18", {"num_labels": 10}, 11_181_642),
        ("config:bert", {}, 109_482_240),
        ("config:bert", {"task": "sequence-classification", "num_labels": 2}, 109_483_778),
    ],
)
def test_a_source_without_weights_stands_on_the_meta_device(text, options, parameters):
    model = built(text, **options).model
    assert {p.device.type for p in model.parameters()} == {"meta"}
    assert sum(p.numel() for p in model.parameters()) == parameters


def test_the_default_model_has_real_weights_without_a_network():
    model = built("timm:tf_efficientnet_lite0", weights="pretrained").model
    assert model.conv_stem.weight.std() > 0.1
    assert model.classifier.weight.shape == (1000, 1280)


def test_a_replaced_head_is_new_and_the_rest_is_pretrained():
    one, two = (built("timm:tf_efficientnet_lite0", weights="pretrained", num_labels=n) for n in (3, 5))
    assert one.new == two.new == {"classifier.weight", "classifier.bias"}
    assert torch.equal(one.model.conv_stem.weight, two.model.conv_stem.weight)


@pytest.mark.parametrize("weights", ["none", "pretrained"])
def test_names_that_the_checkpoint_lacks_are_new(weights):
    source = "hf:sentence-transformers/all-MiniLM-L6-v2"
    made = built(source, weights=weights, task="sequence-classification", num_labels=3)
    assert made.new == {"classifier.weight", "classifier.bias"}


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("timm:resnet19", {}, "Did you mean 'resnet18'"),
        ("timm:resnet18.nope", {}, "It has resnet18."),
        ("timm:resnet18", {"weights": "pretrained"}, "timm:tf_efficientnet_lite0"),
        ("config:brt", {}, "Did you mean 'bert'"),
        ("config:bert", {"weights": "pretrained"}, "--weights random"),
        ("config:bert", {"task": "image-classification"}, "sequence-classification"),
        ("hf:nobody/has-this-model", {}, "Without a network, open its kind (config:bert)"),
        ("hf:microsoft/deberta-v3-base", {"weights": "pretrained"}, "not kept here, and the Hugging Face Hub cannot"),
        ("hf:microsoft/deberta-v3-base", {"weights": "pretrained"}, "use hf:sentence-transformers/all-MiniLM-L6-v2,"),
        ("hf:./nowhere", {}, "no config.json"),
        ("py:nowhere.at_all:function", {}, "cannot be imported"),
    ],
)
def test_what_cannot_be_built_is_told_in_a_sentence(text, options, words):
    with pytest.raises(SourceError) as told:
        built(text, **options)
    assert words in str(told.value)


@pytest.mark.parametrize("kind", ["arcee", "llama"])
def test_a_padding_token_lies_within_the_vocabulary(kind):
    config = built(f"config:{kind}", task="sequence-classification").config
    assert 0 <= config.pad_token_id < config.vocab_size


NAMED = {"kimi_k2": "transformers knows no model type 'kimi_k2'", None: "The config names no model type"}


@pytest.mark.parametrize("folder", [False, True], ids=["a file", "a folder"])
@pytest.mark.parametrize("kind", NAMED)
def test_a_config_opens_by_the_class_that_it_names_where_its_type_is_unknown(kind, folder, tmp_path):
    config = json.loads(Path("tests/data/configs/kimi_k2.json").read_text())
    config |= {
        "model_type": kind,
        "num_hidden_layers": 3,
        "architectures": ["KimiForCausalLM", *config["architectures"]],
    }
    (tmp_path / "config.json").write_text(
        json.dumps({key: value for key, value in config.items() if value is not None})
    )
    tree = read_source(ModelSource.parse(f"hf:{tmp_path}" if folder else f"config:{tmp_path / 'config.json'}"))
    assert (len(tree.blocks), tree.head) == (3, ("lm_head",))
    assert NAMED[kind] in tree.notes[0] and "DeepseekV3ForCausalLM" in tree.notes[0] and "deepseek_v3" in tree.notes[0]


@pytest.mark.parametrize(
    ("classes", "told"),
    [(["LayoutlmForTokenClassification"], True), (["BertForMaskedLM"], False), (["TFBertModel"], False), ([], False)],
)
def test_a_class_that_the_library_lacks_is_told_where_the_model_type_is_another_s(classes, told, tmp_path):
    """DocBank's LayoutLM calls itself a `bert`: without its embeddings of places it is another model."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"model_type": "bert", "num_hidden_layers": 2, "architectures": classes}))
    notes = read_source(ModelSource.parse(f"config:{path}")).notes
    assert any("which transformers does not have" in note for note in notes) == told


def test_code_of_its_own_gives_way_to_the_librarys_class_of_that_name(tmp_path):
    config = json.loads(Path("tests/data/configs/kimi_k2.json").read_text())
    config |= {"num_hidden_layers": 2, "auto_map": {"AutoConfig": "configuration_deepseek.DeepseekV3Config"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert type(built(f"config:{tmp_path / 'config.json'}").model).__name__ == "DeepseekV3ForCausalLM"
