"""Adapters in a model of a source: what PEFT itself builds, under the names of the base."""

import builtins

import peft
import pytest
import torch

import freezecore as fc
from freezecore.adapter import Adapter, parse_adapters
from freezecore.adapter_targets import adapter_targets, base_of
from freezecore.errors import FreezeError, MissingLibrary
from freezecore.runtime.build.source import build, meta
from freezecore.source import ModelSource

CASES = {
    "fused qkv": ("timm:vit_tiny_patch16_224", "lora r=4 on *.qkv", {}),
    "a classifier": ("config:bert", "lora r=8 on *.query *.value", {"num_labels": 2}),
    "transposed linear layers": ("config:gpt2", "lora r=8 on c_attn", {"task": "causal-lm"}),
    "convolutions and their magnitudes": ("timm:resnet18", "lora r=4 dora on type:Conv2d", {}),
    "embeddings": ("config:distilbert", "lora r=16 rslora on embeddings *.q_lin", {}),
    "experts in one tensor": ("config:gpt_oss", "lora r=2 on *.experts.gate_up_proj *.q_proj", {}),
    "all but the head": ("timm:mixer_s32_224", "lora", {}),
    "a state space model": ("config:mamba", "lora r=2", {"task": "causal-lm"}),
    "no linear layer": ("timm:mobilenetv3_small_100", "lora", {}),
}


BLOCKS = ("config:mixtral", "lora r=2 on blocks:last1", {"task": "causal-lm"})  # PEFT reads expressions otherwise here


@pytest.mark.parametrize("case", [*CASES.values(), BLOCKS], ids=[*CASES, "some blocks where experts are one tensor"])
def test_what_trains_is_what_peft_trains(case):
    text, adapter, options = case
    source = ModelSource.parse(text, adapter=adapter, **options)
    base = fc.read_tree(source.base)
    mask = fc.resolve("freeze all; train adapters", fc.read_tree(source))
    targets = adapter_targets(parse_adapters(adapter), base)
    one = Adapter.parse(adapter)
    with torch.device("meta"):
        theirs = peft.get_peft_model(
            meta(source.base).model,
            peft.LoraConfig(
                r=one.r,
                use_rslora=one.rslora,
                use_dora=one.dora,
                target_modules=[path for path in targets if path not in base.index],
                target_parameters=[path for path in targets if path in base.index] or None,
            ),
        )
    assert (mask.trainable, mask.tree.total) == theirs.get_nb_trainable_parameters()
    named = {name.removeprefix("base_model.model."): p for name, p in theirs.named_parameters() if p.requires_grad}
    assert {name: tuple(p.shape) for name, p in named.items()} == {
        p.name: p.shape for p, trains in zip(mask.tree.parameters, mask.trains, strict=True) if trains
    }


def test_tokens_are_the_rows_that_peft_trains_in_the_table_of_words_and_its_tied_head():
    source = ModelSource.parse("config:gpt2", task="causal-lm", adapter="lora r=2 tokens=7,100-103 on *.c_attn")
    tree = fc.read_tree(source)
    with torch.device("meta"):
        rows = [7, *range(100, 104)]
        options = {"r": 2, "target_modules": ["c_attn"], "trainable_token_indices": rows}
        theirs = peft.get_peft_model(meta(source.base).model, peft.LoraConfig(**options))
    mask = fc.resolve("freeze all; train adapters", tree)
    assert (mask.trainable, tree.total) == theirs.get_nb_trainable_parameters()
    assert {f"base_model.model.{name}" for name in mask.names()} == {
        name for name, parameter in theirs.named_parameters() if parameter.requires_grad
    }
    assert tuple(p for p in tree.parameters if not p.adapter) == fc.read_tree(source.base).parameters
    assert [x.path for x in base_of(tree).layers] == [x.path for x in fc.read_tree(source.base).layers]


def test_tokens_behind_the_table_s_last_row_are_new_ones_for_which_it_is_made_larger_as_transformers_does():
    source = ModelSource.parse("config:gpt2", task="causal-lm", adapter="lora r=2 tokens=7,50257-50259 on *.c_attn")
    tree = fc.read_tree(source)
    with torch.device("meta"):
        model = meta(source.base).model
        model.resize_token_embeddings(50_260, mean_resizing=False)
        options = {"r": 2, "target_modules": ["c_attn"], "trainable_token_indices": [7, 50_257, 50_258, 50_259]}
        theirs = peft.get_peft_model(model, peft.LoraConfig(**options))
    mask = fc.resolve("freeze all; train adapters", tree)
    assert (mask.trainable, tree.total) == theirs.get_nb_trainable_parameters()
    named = dict(theirs.named_parameters())
    wte = named["base_model.model.transformer.wte.token_adapter.base_layer.weight"]
    assert next(p.shape for p in tree.parameters if p.name == "transformer.wte.weight") == tuple(wte.shape)
    assert "from 50,257 rows to 50,260" in tree.notes[-1]
    trained = build(source.with_(weights="random")).model
    assert trained.get_input_embeddings().weight.shape == (50_260, 768)


def test_the_weight_of_a_table_with_trained_rows_is_still_the_merged_one():
    source = ModelSource.parse("config:gpt2", task="causal-lm", weights="random", adapter="lora tokens=3 on *.c_attn")
    model = build(source).model
    parts = dict(model.named_parameters())
    with torch.no_grad():
        parts["transformer.wte.token_adapter.trainable_tokens_delta.default"].fill_(2.0)
    assert (model.get_input_embeddings().weight[3] == 2).all() and (parts["transformer.wte.weight"][3] != 2).all()


def test_a_layer_that_has_its_weight_from_another_is_not_taken_for_the_other():
    with pytest.raises(FreezeError, match="'lm_head' names a layer that has its weight from 'transformer.wte'"):
        fc.read_tree(ModelSource.parse("config:gpt2", task="causal-lm", adapter="lora on lm_head"))


@pytest.mark.parametrize("case", CASES)
def test_the_base_keeps_its_names_and_places(case):
    text, adapter, options = CASES[case]
    source = ModelSource.parse(text, adapter=adapter, **options)
    base, tree = fc.read_tree(source.base), fc.read_tree(source)
    assert tuple(p for p in tree.parameters if not p.adapter) == base.parameters
    assert (tree.towers, tree.head, tree.notes) == (base.towers, base.head, base.notes)
    kept = [layer for layer in tree.layers if "lora_" not in layer.path]
    told = [(layer.path, layer.type, layer.kind, layer.uses, layer.drops, layer.moves) for layer in kept]
    assert told == [(x.path, x.type, x.kind, x.uses, x.drops, x.moves) for x in base.layers]


def test_the_layers_of_a_model_that_has_adapters_are_its_own_layers_still(tmp_path):
    torch.manual_seed(0)
    source = ModelSource.parse("timm:vit_tiny_patch16_224", weights="random", adapter="lora r=4 dropout=0.5")
    model = build(source).model.eval()
    before = build(source.base).model.eval()
    before.load_state_dict({n: v for n, v in model.state_dict().items() if ".lora_" not in n})
    x = torch.randn(2, 3, 224, 224)
    assert torch.equal(model(x), before(x))  # B begins at zero
    assert not fc.resolve("train all", fc.read_tree(source)).names(trainable=False)


def test_rules_reach_adapters_by_their_role_and_by_the_module_they_adapt():
    tree = fc.read_tree(ModelSource.parse("timm:vit_tiny_patch16_224", adapter="lora r=4"))
    mask = fc.resolve("freeze all; train adapters head; freeze blocks:first10", tree)
    trained = {name.split(".lora_")[0] for name in mask.names()}
    assert {path.split(".")[1] for path in trained if path.startswith("blocks")} == {"10", "11"}
    assert {"head.weight", "head.bias"} <= set(mask.names())
    assert fc.resolve("freeze all; train kind:adapter", tree).names() == tuple(
        p.name for p in tree.parameters if p.adapter
    )


def test_of_two_adapters_the_later_one_has_what_both_name():
    source = ModelSource.parse("timm:vit_tiny_patch16_224", adapter="lora r=4; lora r=8 on blocks:last1")
    ranks = {p.owner.split(".")[1]: p.shape[0] for p in fc.read_tree(source).parameters if ".lora_A." in p.name}
    assert ranks == {**{str(i): 4 for i in range(11)}, "11": 8}


@pytest.mark.parametrize(
    ("text", "adapter", "sentence"),
    [
        ("timm:resnet18", "lora on nothing", "No layer of timm:resnet18 matches the adapter's target 'nothing'."),
        ("config:vit", "lora on query value", "Adapters can join *.projection, *.q_proj, *.k_proj"),
        ("timm:resnet18", "lora on bn1", "'bn1' names nothing that an adapter can join, but BatchNorm2d."),
        ("timm:resnext50_32x4d", "lora r=8", "the rank is divisible by groups"),
        ("config:gpt_oss", "lora dora on *.experts", "use_dora=True"),
        ("timm:resnet18", "lora tokens=5 on layer4", "timm:resnet18 has no table of words."),
        (
            "config:bert",
            "lora tokens=5,30523",
            "'embeddings.word_embeddings' has rows 0 to 30,521. New tokens follow its last row, with none left out",
        ),
        ("config:bert", "lora tokens=5 on *.word_embeddings", "no matrices to 'embeddings.word_embeddings'"),
    ],
)
def test_a_target_that_misses_is_told_in_a_sentence(text, adapter, sentence):
    with pytest.raises(FreezeError) as raised:
        fc.read_tree(ModelSource.parse(text, adapter=adapter))
    assert sentence in str(raised.value)


def test_without_peft_a_sentence_says_what_to_install(monkeypatch):
    known = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "peft":
            raise ModuleNotFoundError("No module named 'peft'", name="peft")
        return known(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingLibrary, match=r"This needs peft.*pip install 'freeze-explorer\[peft\]'"):
        meta(ModelSource.parse("timm:resnet18", adapter="lora"))
