"""What public scripts do beside freezing, and what is made of it: held against what the libraries themselves do."""

from __future__ import annotations

import pytest
import torch
import transformers

from freezecore._resolve import resolve
from freezecore.importing import import_rules
from freezecore.runtime.tree.read import read_module, read_source
from freezecore.source import ModelSource
from tests.freezecore.importing.test_configurations import skeleton


@pytest.fixture(scope="module")
def resnet():
    return read_source(ModelSource.parse("timm:resnet18"))


@pytest.fixture(scope="module")
def bert():
    return read_source(ModelSource.parse("config:bert", task="sequence-classification"))


def trained(found, tree, epoch=0):
    return set(resolve(found.spec, tree, epoch).names())


def test_a_call_may_have_an_argument_named_function(resnet):
    text = """
from functools import partial
longest = partial(raw["train"].filter, function=lambda row: len(row) < 9, input_columns=["text"])
for p in model.layer1.parameters():
    p.requires_grad = False
"""
    found = import_rules(text, resnet)
    assert not found.unread and not any(name.startswith("layer1.") for name in trained(found, resnet))


def test_adapters_that_a_condition_changes_are_told_and_not_claimed(bert):
    text = """
from peft import LoraConfig, get_peft_model
names, ranks = ["query", "value"], {}
if cfg.kind == "wide":
    names, ranks = ["query", "key"], {"key": 32}
model = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules=names, rank_pattern=ranks))
"""
    found = import_rules(text, bert)
    assert found.adapter == "lora r=4 on *.query"  # what both ways have
    assert [one.line for one in found.unread] == [4]


def test_a_splitter_may_map_and_filter_fastcore_s_list(resnet):
    text = """
from fastai.vision.all import *
def splitter(m):
    groups = L(nn.Sequential(m.conv1, m.bn1, m.layer1, m.layer2), nn.Sequential(m.layer3, m.layer4), m.fc, m.act1)
    return groups.map(params).filter(lambda group: len(group) > 0)
learn = Learner(dls, model, splitter=splitter, cbs=[shown])
learn.freeze()
learn.fit_one_cycle(1)
"""
    found = import_rules(text, resnet)
    norms = {p.name for p in resnet.parameters if "bn" in p.name or "downsample.1" in p.name}
    assert not found.unread and trained(found, resnet) == norms | {"fc.weight", "fc.bias"}


@pytest.mark.parametrize("kind", ["import ml_collections\nconfig = ml_collections.ConfigDict(given)",
                                  "from easydict import EasyDict\nconfig = EasyDict(given)"])  # fmt: skip
def test_a_configuration_whose_keys_are_attributes_is_followed(kind, resnet):
    text = f"""
given = {{"train": {{"epochs": 6, "thaw": 2}}, "freeze": True}}
{kind}
for p in model.parameters():
    p.requires_grad = not config.freeze
for epoch in range(config.train.epochs):
    if epoch == config.train.thaw:
        model.requires_grad_(True)
    train(model)
"""
    found = import_rules(text, resnet)
    assert not found.unread
    assert not trained(found, resnet) and len(trained(found, resnet, 2)) == len(resnet.parameters)


LAYERS = {
    "an attribute": "n = model.config.num_hidden_layers",
    "a part's, where there is one": """
config = model.config.text_config if hasattr(model.config, "text_config") else model.config
n = getattr(config, "num_hidden_layers", None) or getattr(config, "num_layers", None)""",
}


@pytest.mark.parametrize("said", LAYERS.values(), ids=LAYERS)
def test_how_many_layers_a_model_says_that_it_has_is_known_where_it_has_one_row(said, bert):
    text = f"""{said}
keep = [f".{{i}}." for i in range(n - 2, n)]
for name, p in model.named_parameters():
    p.requires_grad_(any(part in name for part in keep))
"""
    found = import_rules(text, bert)
    last = range(transformers.BertConfig().num_hidden_layers)[-2:]
    wanted = {p.name for p in bert.parameters if any(f".layer.{i}." in p.name for i in last)}
    assert not found.unread and trained(found, bert) == wanted


def test_layers_that_share_their_weights_are_not_counted():
    """ALBERT runs one layer twelve times: its configuration says 12, and the tree 1."""
    albert = read_source(ModelSource.parse("config:albert"))
    text = "n = model.config.num_hidden_layers\nfor i, p in enumerate(model.parameters()): p.requires_grad_(i < n)\n"
    assert ["num_hidden_layers" in one.why for one in import_rules(text, albert).unread] == [True]


def test_a_key_that_freezes_and_is_none_of_the_library_s_is_told(bert):
    """LLaMA-Factory's names of 2023: in their place its usual two layers would be taken in silence."""
    text = "python src/train_bash.py --stage pt --finetuning_type freeze\\\n --num_layer_trainable 3\\\n --bf16\n"
    found = import_rules(text, bert)
    assert [(one.line, "num_layer_trainable" in one.why) for one in found.unread] == [(2, True)]
    assert not import_rules("finetuning_type: full\nfreeze_trainable_layers: 2\n", bert).unread  # read for another type


YOLO = ("0.conv", "1.conv", "1.bn", "10.cv1", "22.cv3", "22.dfl.conv")
YOLO_TRAINS = {  # by the rule of Ultralytics' `BaseTrainer._setup_train`, which comes before `on_train_start`
    "callback": ("yolo.add_callback('on_train_start', freeze)\nyolo.train(data='a.yaml')", {"10.cv1", "22.cv3"}),
    "argument": ("yolo.train(data='a.yaml', freeze=1)", {"1.conv", "1.bn", "10.cv1", "22.cv3"}),
    "listed": ("yolo.train(data='a.yaml', freeze=[0, 10])", {"1.conv", "1.bn", "22.cv3"}),
    "thawed again": ("yolo.model.requires_grad_(False)\nyolo.train(data='a.yaml')", {*YOLO[:-1]}),
}


@pytest.mark.parametrize(("said", "trains"), YOLO_TRAINS.values(), ids=YOLO_TRAINS)
def test_ultralytics_freezes_by_its_own_rule_and_calls_back(said, trains):
    with torch.device("meta"):
        tree = read_module(skeleton([f"model.{name}.weight" for name in YOLO]))
    text = f"""
from ultralytics import YOLO
def freeze(trainer):
    parts = [f"model.{{i}}." for i in range(2)]
    for k, v in trainer.model.named_parameters():
        if any(x in k for x in parts):
            v.requires_grad = False
yolo = YOLO("yolov8n.pt")
{said}
"""
    found = import_rules(text, tree)
    assert not found.unread and trained(found, tree) == {f"model.{name}.weight" for name in trains}
