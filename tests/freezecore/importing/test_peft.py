"""Pasted adapters are read as PEFT itself builds them: the same layers, ranks, alphas and weights beside them."""

from __future__ import annotations

import json
import warnings
from functools import cache

import pytest
import torch

from freezecore import peft_rules
from freezecore._resolve import resolve
from freezecore.adapter import parse_adapters
from freezecore.adapter_targets import adapter_targets
from freezecore.errors import ExportError, FreezeError
from freezecore.importing import import_rules
from freezecore.runtime.tree.read import read_source
from freezecore.source import ModelSource

peft = pytest.importorskip("peft")

MODELS = {
    "bert": ("config:bert", "sequence-classification"),
    "roberta": ("config:roberta", "token-classification"),
    "vit": ("config:vit", "image-classification"),
    "gpt2": ("config:gpt2", "causal-lm"),
    "llama": ("config:llama", "causal-lm"),
    "masked": ("config:bert", "masked-lm"),
    "t5": ("config:t5", "seq2seq-lm"),
    "qwen3_moe": ("config:qwen3_moe", "causal-lm"),
    "mixtral": ("config:mixtral", "causal-lm"),
    "resnet18": ("timm:resnet18", None),
    "vit_timm": ("timm:test_vit", None),
}
CASES = {
    "the usual targets of a type": ("bert", {"task_type": "SEQ_CLS"}),
    "the usual targets of gpt2": ("gpt2", {"r": 4}),
    "the usual targets of llama": ("llama", {}),
    "the usual targets of t5": ("t5", {"task_type": "SEQ_2_SEQ_LM"}),
    "names of ends": ("bert", {"target_modules": ["query", "value"], "r": 16, "lora_alpha": 32, "lora_dropout": 0.1}),
    "an expression": ("llama", {"target_modules": r".*\.(q|v)_proj", "use_rslora": True}),
    "an expression that a bracket ends": ("llama", {"target_modules": r"model\.layers\.[0-3]\.self_attn\.q_proj"}),
    "all linear layers": ("llama", {"target_modules": "all-linear", "task_type": "CAUSAL_LM"}),
    "all linear layers of a classifier": ("bert", {"target_modules": "all-linear", "task_type": "SEQ_CLS"}),
    "all linear layers without a task": ("bert", {"target_modules": "all-linear"}),
    "a classifier of words": ("roberta", {"target_modules": ["dense"], "task_type": "TOKEN_CLS"}),
    "all linear layers of a model that fills gaps": ("masked", {"target_modules": "all-linear"}),
    "all linear layers of gpt2": ("gpt2", {"target_modules": "all-linear"}),
    "all linear layers of t5": ("t5", {"target_modules": "all-linear"}),
    "all linear layers of pictures' classifier": (
        "vit",
        {"target_modules": "all-linear", "modules_to_save": ["classifier"]},
    ),
    "all linear layers of timm": ("vit_timm", {"target_modules": "all-linear"}),
    "timm with its head": ("vit_timm", {"target_modules": ["qkv", "proj"], "modules_to_save": ["head"]}),
    "convolutions": ("resnet18", {"target_modules": ["conv1", "conv2"], "modules_to_save": ["fc"]}),
    "some blocks": ("bert", {"target_modules": ["query"], "layers_to_transform": [9, 10, 11]}),
    "one block": (
        "llama",
        {"target_modules": ["q_proj", "down_proj"], "layers_to_transform": 3, "layers_pattern": "layers"},
    ),
    "blocks of no pattern": ("gpt2", {"target_modules": ["c_attn"], "layers_to_transform": [0, 5]}),
    "all biases": ("bert", {"target_modules": ["query"], "bias": "all"}),
    "biases of adapted layers": ("bert", {"target_modules": ["query", "dense"], "bias": "lora_only"}),
    "modules to save": ("bert", {"target_modules": ["query"], "modules_to_save": ["pooler"], "task_type": "SEQ_CLS"}),
    "embeddings": ("llama", {"target_modules": ["embed_tokens", "q_proj"]}),
    "an embedding that trains whole": (
        "llama",
        {"target_modules": ["q_proj"], "modules_to_save": ["embed_tokens", "lm_head"]},
    ),
    "without some": ("bert", {"target_modules": ["query", "key"], "exclude_modules": ["layer.0.attention.self.query"]}),
    "without an expression": ("llama", {"target_modules": "all-linear", "exclude_modules": r".*mlp.*"}),
    "ranks by pattern": (
        "llama",
        {
            "target_modules": ["q_proj", "v_proj"],
            "rank_pattern": {"q_proj": 32},
            "alpha_pattern": {"layers.0.self_attn.v_proj": 64},
        },
    ),
    "whole paths": ("bert", {"target_modules": ["bert.encoder.layer.0.attention.self.query", "bert.pooler.dense"]}),
    "dora": ("bert", {"target_modules": ["query"], "use_dora": True}),
    "experts by the names that they had": (
        "qwen3_moe",
        {"target_modules": ["q_proj", "gate_proj", "up_proj", "down_proj"], "r": 4, "lora_alpha": 16},
    ),
    "experts of Mixtral": ("mixtral", {"target_modules": ["q_proj", "w1", "w2", "w3"]}),
    "a tensor of experts": ("mixtral", {"target_modules": ["q_proj"], "target_parameters": ["experts.down_proj"]}),
    "an expression where experts are one tensor": (
        "mixtral",
        {"target_modules": r"model\.layers\.[01]\.self_attn\.q_proj"},  # PEFT makes the end of it: of every block
    ),
}


@cache
def opened(name):
    source, task = MODELS[name]
    return read_source(ModelSource.parse(source, task=task))


@cache
def built(name):
    import timm
    import transformers

    source, task = MODELS[name]
    kind = source.partition(":")[2]
    with torch.device("meta"):
        if source.startswith("timm:"):
            return lambda: timm.create_model(kind)
        auto = (
            "AutoModelFor"
            + {
                "sequence-classification": "SequenceClassification",
                "token-classification": "TokenClassification",
                "image-classification": "ImageClassification",
                "causal-lm": "CausalLM",
                "masked-lm": "MaskedLM",
                "seq2seq-lm": "Seq2SeqLM",
            }[task]
        )
        return lambda: getattr(transformers, auto).from_config(transformers.AutoConfig.for_model(kind))


def by_peft(name, options):
    """By PEFT: what trains of the base, and each adapted layer with its rank, alpha, dropout, rsLoRA and DoRA."""
    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = peft.get_peft_model(built(name)(), peft.LoraConfig(**options))
    trains, layers = set(), {}
    for full, parameter in model.named_parameters():
        short = full.removeprefix("base_model.model.").replace(".base_layer", "")
        if parameter.requires_grad and "lora_" not in short:
            trains.add(short.replace(".modules_to_save.default", ""))
    for path, layer in model.base_model.model.named_modules():
        if isinstance(layer, peft.tuners.lora.LoraLayer):
            dropout = layer.lora_dropout["default"]
            chance = dropout.p if isinstance(dropout, torch.nn.Dropout) else 0.0
            rank, alpha = layer.r["default"], layer.lora_alpha["default"]
            scale = layer.scaling["default"] == pytest.approx(alpha / rank**0.5) and rank > 1
            tensor = getattr(layer, "parameter_name", "weight")
            path = path.replace(".base_layer", "") + (f".{tensor}" if tensor != "weight" else "")
            layers[path] = (rank, alpha, chance, scale, bool(layer.use_dora.get("default")))
    return trains, layers


def by_text(found, tree):
    """The same, of what was read."""
    joined = adapter_targets(parse_adapters(found.adapter), tree)
    rows = {path: (a.r, a.alpha, a.dropout, a.rslora, a.dora) for path, a in joined.items()}
    return set(resolve(found.spec, tree).names()), rows


def aliases(tree):
    return {alias: parameter.name for parameter in tree.parameters for alias in parameter.names}


@pytest.mark.parametrize(
    ("said", "tokens"),
    [
        ("[9, *range(20, 23)]", "tokens=9,20-22"),
        ('{"word_embeddings": [9]}', "tokens=9"),
        ('{"position_embeddings": [9]}', ""),
        ("[9, 30522]", "tokens=9,30522"),  # a new one, behind the last
        ("[9, 30523]", ""),
        ('tokenizer.convert_tokens_to_ids(["<a>"])', ""),
    ],
)
def test_single_tokens_are_read_where_their_numbers_stand_there_and_are_of_the_table_of_words(said, tokens):
    text = f"LoraConfig(r=4, target_modules=['query'], trainable_token_indices={said})"
    found = import_rules(f"model = get_peft_model(model, {text})", opened("bert"))
    assert parse_adapters(found.adapter) == parse_adapters(f"lora r=4 {tokens} on *.query")
    assert bool(found.unread) is not bool(tokens)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ('"r": 0', "'0' is no rank. Choose a whole number from 1"),
        ('"r": 1000000', "'1000000' is no rank."),
        ('"r": "eight"', "'eight' is no rank."),
        ('"lora_alpha": "x"', "'x' is no alpha."),
        ('"lora_dropout": 2', "'2' is no chance of dropout."),
        ('"target_modules": ["q_proj"], "base_model_name_or_path": "a/b"', "It was made for 'a/b'."),
    ],
)
def test_an_adapter_s_file_that_no_model_or_not_this_one_can_have_is_told(said, sentence):
    with pytest.raises(FreezeError) as raised:
        import_rules(f'{{"peft_type": "LORA", "target_modules": ["query"], {said}}}', opened("bert"))
    assert sentence in str(raised.value)


def compared(found, name, options):
    tree = opened(name)
    trains, layers = by_peft(name, options)
    names = aliases(tree)
    ours, joined = by_text(found, tree)
    assert ours == {names[each] for each in trains}
    assert joined == layers


def some(cases):
    """Every third at once, all of them where time is taken."""
    return [one if at % 3 == 0 else pytest.param(one, marks=pytest.mark.slow) for at, one in enumerate(cases)]


def script(options):
    said = ", ".join(f"{name}={value!r}" for name, value in options.items())
    return f"from peft import LoraConfig, get_peft_model\nmodel = get_peft_model(model, LoraConfig({said}))\n"


@pytest.mark.parametrize("case", some(CASES))
def test_a_pasted_script_s_adapters_are_those_that_peft_builds(case):
    name, options = CASES[case]
    found = import_rules(script(options), opened(name))
    assert (found.kind, found.unread) == ("peft", ())
    compared(found, name, options)


@pytest.mark.parametrize("case", some(CASES))
def test_a_saved_adapter_s_configuration_is_read_as_peft_reads_it(case):
    name, options = CASES[case]
    text = json.dumps({"peft_type": "LORA", **options})
    found = import_rules(text, opened(name))
    assert (found.kind, found.unread) == ("peft", ())
    compared(found, name, options)


REFUSED = {
    "a head that gets an adapter and trains whole": (
        "roberta",
        {"target_modules": "all-linear", "task_type": "TOKEN_CLS"},
        "refuses an adapter on 'classifier'",
    ),
    "a module that holds others": (
        "bert",
        {"target_modules": ["attention"]},
        "'bert.encoder.layer.0.attention' is none",
    ),
    "names of another model": ("bert", {"target_modules": ["q_proj"]}, "joins nothing of this model"),
    "a model of no known type": ("vit", {}, "no usual targets for 'ViTForImageClassification'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_peft_refuses_is_told_with_its_line(case):
    name, options, why = REFUSED[case]
    with pytest.raises((TypeError, ValueError)):
        by_peft(name, options)
    told = import_rules(script(options), opened(name)).unread
    assert [row.line for row in told] == [2]
    assert why in told[0].why


def test_the_usual_targets_are_peft_s_own():
    from peft.utils.constants import TRANSFORMERS_MODELS_TO_LORA_TARGET_MODULES_MAPPING as theirs

    ours = {kind: targets.split() for targets, kinds in peft_rules.USUAL.items() for kind in kinds.split()}
    assert ours == {kind: targets for kind, targets in theirs.items() if isinstance(targets, list)}


LLAMA = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
SCRIPTS = {
    "a function that nothing calls, without imports": (
        "def prepare(model):\n"
        "    config = LoraConfig(r=16, target_modules=['q_proj'], task_type='CAUSAL_LM')\n"
        "    model = prepare_model_for_kbit_training(model)\n"
        "    return get_peft_model(model, config)\n",
        {"r": 16, "target_modules": ["q_proj"]},
    ),
    "a class that nothing builds": (
        "from peft import LoraConfig, get_peft_model\n"
        "class Adapted:\n"
        "    def __init__(self, path):\n"
        "        self.base = AutoModelForCausalLM.from_pretrained(path)\n"
        "        self.model = get_peft_model(self.base, LoraConfig(r=2, target_modules=['v_proj']))\n",
        {"r": 2, "target_modules": ["v_proj"]},
    ),
    "names of linear layers collected by a loop": (
        "import torch\nfrom peft import LoraConfig, get_peft_model\n"
        "def linear_names(model):\n"
        "    names = {name.split('.')[-1] for name, m in model.named_modules() if isinstance(m, torch.nn.Linear)}\n"
        "    names.discard('lm_head')\n"
        "    return list(names)\n"
        "model = get_peft_model(model, LoraConfig(target_modules=linear_names(model)))\n",
        {"target_modules": "all-linear", "task_type": "CAUSAL_LM"},
    ),
    "names read out of the printed model": (
        "import re\nfrom peft import LoraConfig, get_peft_model\n"
        "names = re.findall(r'\\((\\w+)\\): Linear', str(model.modules))\n"
        "names = [name for name in set(names) if name != 'lm_head']\n"
        "model = get_peft_model(model, LoraConfig(r=8, target_modules=names))\n",
        {"r": 8, "target_modules": list(LLAMA)},
    ),
    "Unsloth's calls without an import": (
        "model, tokenizer = FastLanguageModel.from_pretrained('x')\n"
        "model = FastLanguageModel.get_peft_model(model, r=8, target_modules='all-linear')\n",
        {"r": 8, "lora_alpha": 16, "target_modules": "all-linear"},
    ),
    "Unsloth's notebook": (
        json.dumps(
            {
                "nbformat": 4,
                "cells": [
                    {"cell_type": "code", "source": ["%%capture\n", "!pip install unsloth\n"]},
                    {"cell_type": "markdown", "source": ["# A title"]},
                    {
                        "cell_type": "code",
                        "source": [
                            "from unsloth import FastLanguageModel\n",
                            "model, tokenizer = FastLanguageModel.from_pretrained('x', load_in_4bit = True)\n",
                            "model = FastLanguageModel.get_peft_model(model, r = 4, target_modules = ['q_proj',],)",
                        ],
                    },
                ],
            }
        ),
        {"r": 4, "lora_alpha": 16, "target_modules": ["q_proj"]},
    ),
    "TRL's trainer builds the model": (
        "from trl import SFTConfig, SFTTrainer\nfrom peft import LoraConfig\n"
        "lora = LoraConfig(r=32, lora_alpha=16, target_modules='all-linear', task_type='CAUSAL_LM')\n"
        "SFTTrainer(model='meta-llama/Llama-3.2-1B', args=SFTConfig(output_dir='x'), peft_config=lora).train()\n",
        {"r": 32, "lora_alpha": 16, "target_modules": "all-linear", "task_type": "CAUSAL_LM"},
    ),
    "transformers' own way": (
        "from peft import LoraConfig\nmodel.add_adapter(LoraConfig(r=4, target_modules=['q_proj']))\n",
        {"r": 4, "target_modules": ["q_proj"]},
    ),
    "the base frozen before, and what is not an adapter's after": (
        "for p in model.parameters():\n    p.requires_grad = False\n"
        "model = get_peft_model(model, LoraConfig(target_modules=['v_proj']))\n"
        "for name, p in model.named_parameters():\n    p.requires_grad = 'lora_' in name\n",
        {"target_modules": ["v_proj"]},
    ),
    "a configuration that is never used": (
        "peft_config = LoraConfig(r=4, target_modules=['v_proj'])\n",
        {"r": 4, "target_modules": ["v_proj"]},
    ),
    "in 4 bits": (
        "from transformers import AutoModelForCausalLM, BitsAndBytesConfig\n"
        "from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training\n"
        "model = AutoModelForCausalLM.from_pretrained(x, quantization_config=BitsAndBytesConfig(load_in_4bit=True))\n"
        "model = prepare_model_for_kbit_training(model)\n"
        "model = get_peft_model(model, LoraConfig(r=64, target_modules=['q_proj', 'v_proj']))\n",
        {"r": 64, "target_modules": ["q_proj", "v_proj"]},
    ),
    "Unsloth's usual values": (
        "from unsloth import FastLanguageModel\n"
        "model, tokenizer = FastLanguageModel.from_pretrained('unsloth/llama-3-8b-bnb-4bit', load_in_4bit=True)\n"
        "model = FastLanguageModel.get_peft_model(model)\n",
        {"r": 16, "lora_alpha": 16, "target_modules": list(LLAMA)},
    ),
    "what stands around it": (
        "import re\nimport torch\nfrom dataclasses import dataclass, field\nfrom tqdm import tqdm\n"
        "from transformers import HfArgumentParser, TrainingArguments\nfrom peft import PeftConfig\n"
        "from trl import SFTConfig\n"
        "v = re.match(r'[0-9]+', str(torch.__version__)).group(0)\n"
        "@dataclass\nclass Arguments(SFTConfig):\n    base: str = field()\n    lora_r: int = field(default=32)\n"
        "ours, theirs = HfArgumentParser((Arguments, TrainingArguments)).parse_args_into_dataclasses()\n"
        "told = PeftConfig.from_pretrained('some/adapter').base_model_name_or_path\n"
        "lora_text = f'\\n{told}'\n"
        "model = get_peft_model(model, LoraConfig(r=ours.lora_r, target_modules=['q_proj']))\n"
        "bar = tqdm(range(theirs.max_steps))\n"
        "for batch in tqdm(loader):\n"
        "    loss = model(**{name: value.to('cuda') for name, value in batch.items()}).loss\n"
        "    bar.update(1)\n    bar.set_description(f'loss {loss}')\n",
        {"r": 32, "target_modules": ["q_proj"]},
    ),
    "Unsloth's tokenizer, decorated": (
        "from unsloth.chat_templates import get_chat_template\n"
        "model, tokenizer = FastLanguageModel.from_pretrained('x')\n"
        "model = FastLanguageModel.get_peft_model(model, r=4, target_modules=['q_proj'])\n"
        "tokenizer = get_chat_template(tokenizer, chat_template='llama-3.1')\n"
        "print(tokenizer.batch_decode(model.generate(**tokenizer('x'))))\n",
        {"r": 4, "lora_alpha": 16, "target_modules": ["q_proj"]},
    ),
    "the linear layers of a base in 4 bits": (
        "import bitsandbytes as bnb\nnames = set()\n"
        "for name, module in model.named_modules():\n    if isinstance(module, bnb.nn.Linear4bit):\n"
        "        names.add(name.split('.')[-1])\n"
        "if 'lm_head' in names:\n    names.remove('lm_head')\n"
        "model.add_adapter(LoraConfig(r=4, target_modules=list(names)))\nmodel.enable_adapters()\n",
        {"r": 4, "target_modules": list(LLAMA)},
    ),
    "Unsloth trains embeddings whole": (
        "model = FastLanguageModel.get_peft_model(model, r=8, target_modules=['q_proj', 'embed_tokens', 'lm_head'],\n"
        "    use_rslora=True)\n",
        {
            "r": 8,
            "lora_alpha": 16,
            "target_modules": ["q_proj"],
            "modules_to_save": ["embed_tokens", "lm_head"],
            "use_rslora": True,
        },
    ),
}


@pytest.mark.parametrize("case", SCRIPTS)
def test_a_script_s_adapters_are_those_that_peft_builds(case):
    text, options = SCRIPTS[case]
    found = import_rules(text, opened("llama"))
    assert found.unread == ()
    compared(found, "llama", options)


CONFIGURATIONS = {
    "axolotl": (
        "base_model: x\nadapter: qlora\nlora_r: 32\nlora_alpha: 16\nlora_dropout: 0.05\nlora_target_linear: true\n",
        {"r": 32, "lora_alpha": 16, "lora_dropout": 0.05, "target_modules": list(LLAMA)},
    ),
    "axolotl, some blocks": (
        "adapter: lora\nlora_r: 8\nlora_alpha: 16\nlora_target_modules:\n  - q_proj\npeft_layers_to_transform: [0, 1]\n"
        "lora_modules_to_save:\n  - embed_tokens\npeft_use_dora: true\n",
        {
            "r": 8,
            "lora_alpha": 16,
            "target_modules": ["q_proj"],
            "layers_to_transform": [0, 1],
            "modules_to_save": ["embed_tokens"],
            "use_dora": True,
        },
    ),
    "LLaMA-Factory": (
        "finetuning_type: lora\nlora_target: all\n",
        {"r": 8, "lora_alpha": 16, "target_modules": list(LLAMA)},
    ),
    "LLaMA-Factory, two names": (
        "stage: sft\nfinetuning_type: lora\nlora_target: q_proj,v_proj\nlora_rank: 64\nadditional_target: lm_head\n",
        {"r": 64, "lora_alpha": 128, "target_modules": ["q_proj", "v_proj"], "modules_to_save": ["lm_head"]},
    ),
    "ms-swift": (
        "tuner_type: lora\nfreeze_llm: false\n",
        {"r": 8, "lora_alpha": 32, "lora_dropout": 0.05, "target_modules": list(LLAMA)},
    ),
    "TRL": (
        "use_peft: true\nlora_r: 8\nlora_target_modules:\n- q_proj\n- v_proj\n",
        {"r": 8, "lora_alpha": 32, "lora_dropout": 0.05, "target_modules": ["q_proj", "v_proj"]},
    ),
}


@pytest.mark.parametrize("case", CONFIGURATIONS)
def test_a_trainer_s_configuration_asks_for_the_adapters_that_its_library_builds(case):
    text, options = CONFIGURATIONS[case]
    found = import_rules(text, opened("llama"))
    assert found.unread == ()
    compared(found, "llama", options)


def test_the_rules_of_an_adapted_model_train_its_adapters_too():
    found = import_rules(script({"task_type": "SEQ_CLS", "r": 16, "bias": "none"}), opened("bert"))
    assert found.to_json()["adapter"] == "lora r=16 on *.query *.value"
    assert found.rules == "freeze all; train head"
    assert found.adapted_rules == "freeze all; train adapters head"


OF_ANOTHER = {"peft_type": "LORA", "target_modules": ["q_proj"], "base_model_name_or_path": "meta-llama/Llama-2-7b"}


def test_a_saved_adapter_of_another_model_is_refused_with_the_model_that_it_names():
    with pytest.raises(ExportError, match="joins nothing of config:bert") as refused:
        import_rules(json.dumps(OF_ANOTHER), opened("bert"))
    assert "meta-llama/Llama-2-7b" in refused.value.hint


def test_an_adapter_that_is_loaded_trains_nothing_and_says_so():
    found = import_rules("from peft import PeftModel\nmodel = PeftModel.from_pretrained(model, 'x')\n", opened("bert"))
    assert (found.rules, found.adapter) == ("freeze all", "")
    assert "is_trainable" in found.unread[0].why


def test_adapters_behind_a_flag_are_taken_and_the_flag_is_told():
    text = "if args.lora:\n    model = get_peft_model(model, LoraConfig(target_modules=['q_proj'], bias=args.bias))\n"
    found = import_rules(text, opened("llama"))
    assert found.adapter == "lora r=8 on *.q_proj"
    assert [(row.line, row.why.split(";")[-1].strip()) for row in found.unread] == [
        (1, "it was taken as true"),
        (2, "PEFT's own was taken"),
    ]


LOADED = {"axolotl": "adapter: lora\nlora_r: 8\nlora_alpha: 8\nlora_model_dir: ./x\nlora_target_linear: true\n",
          "LLaMA-Factory": "finetuning_type: lora\nadapter_name_or_path: ./x\n"}  # fmt: skip


@pytest.mark.parametrize("library", LOADED)
def test_a_configuration_that_loads_an_adapter_says_that_its_file_is_not_known(library):
    told = import_rules(LOADED[library], opened("llama")).unread
    assert [row.why for row in told] == ["what its adapter's own file says is not known"]


VISION = {  # layers of `config:llava` that `get_peft_regex` of unsloth_zoo 2026.10.9 means
    "": 368,
    "finetune_vision_layers=False": 224,
    "finetune_mlp_modules=False": 224,
    "finetune_language_layers=False, finetune_attention_modules=False": 48,
    "target_modules=['q_proj', 'v_proj'], finetune_vision_layers=False": 64,
}


@pytest.mark.parametrize("said", VISION)
def test_unsloth_s_parts_of_a_model_that_sees_are_those_that_it_joins(said):
    tree = read_source(ModelSource.parse("config:llava", task="image-text-to-text"))
    found = import_rules(f"model = FastVisionModel.get_peft_model(model, r=8, {said})\n", tree)
    joined = adapter_targets(parse_adapters(found.adapter), tree)
    assert (len(joined), found.unread) == (VISION[said], ())
    assert len(found.adapter) < 300  # which a link and the command line can hold
    assert ("vision" in "".join(joined)) == ("vision_layers=False" not in said)


def test_of_what_unsloth_has_further_rules_for_it_is_told():
    found = import_rules("model = FastVisionModel.get_peft_model(model, finetune_audio_layers=True)\n", opened("llama"))
    assert "finetune_audio_layers" in found.unread[0].why


def test_an_adapter_on_what_torch_s_attention_reads_itself_is_told():
    from freezecore import peft_rules

    why = peft_rules.refusal("attn.out_proj", {}, ("nn.NonDynamicallyQuantizableLinear", "nn.Linear"))
    assert why is not None and "would do nothing" in why
    assert peft_rules.refusal("attn.q_proj", {}, ("nn.Linear",)) is None


def test_a_shell_line_of_a_notebook_that_goes_on_is_left_out_whole():
    from freezecore.importing.notebooks import notebook_source

    cell = {"cell_type": "code", "source": ["!python train.py \\\n", "    --data x \\\n", "    --out y\n", "x = 1"]}
    found = notebook_source(json.dumps({"nbformat": 4, "cells": [cell]}))
    assert (found.text.split(), found.dropped) == (["x", "=", "1"], 3)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ("target_modules=['gate_proj']", "'gate_proj' here only together with 'up_proj'"),
        ("target_modules=['gate_proj', 'up_proj', 'down_proj'], lora_dropout=0.1", "no dropout on the tensor"),
        ("target_modules='all-linear'", "mlp.gate.weight', which is not of three dimensions"),
    ],
)
def test_what_peft_makes_of_experts_and_is_not_followed_is_told(options, why):
    found = import_rules(f"model = get_peft_model(model, LoraConfig({options}))", opened("qwen3_moe"))
    assert any(why in each.why for each in found.unread)


def test_the_families_whose_experts_are_one_tensor_are_peft_s_own():
    from peft.utils import transformers_weight_conversion as theirs

    from freezecore import peft_experts

    known = theirs._MODEL_TO_CONVERSION_PATTERN
    plain = {kind.replace("_", ""): of for kind, of in known.items() if of in theirs._MOE_TARGET_MODULE_MAPPING}
    assert {kind: of for kind, of in plain.items() if kind.islower()} == peft_experts.FAMILY
    assert theirs._MOE_TARGET_MODULE_MAPPING == peft_experts.EXPERTS


def test_an_adapter_for_no_layer_is_told():
    found = import_rules("model = get_peft_model(model, LoraConfig(target_modules=[]))", opened("llama"))
    assert "joins nothing" in found.unread[0].why


def test_axolotl_s_tensors_of_experts_alone_are_an_adapter():
    text = "adapter: lora\nlora_r: 8\nlora_alpha: 8\nlora_target_parameters:\n  - mlp.experts.down_proj\n"
    found = import_rules(text, opened("mixtral"))
    assert len(adapter_targets(parse_adapters(found.adapter), opened("mixtral"))) == 32
