"""Scripts for models in a folder, with the number of classes asked for, trained by the real Trainer."""

from __future__ import annotations

import re

import pytest
import torch
from datasets import Dataset
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import (
    CONFIG_MAPPING,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    PreTrainedTokenizerFast,
)

from freezecore._export import export
from freezecore.source import ModelSource
from freezecore.workload import Workload

SMALL = {"hidden_size": 64, "num_attention_heads": 4, "intermediate_size": 128, "vocab_size": 500}
DEBERTA = {
    **SMALL,
    "num_hidden_layers": 12,
    "relative_attention": True,
    "position_buckets": 32,
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "pos_att_type": ["p2c", "c2p"],
    "position_biased_input": False,
    "type_vocab_size": 0,
}
GPT_OSS = {
    **SMALL,
    "num_hidden_layers": 3,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "num_local_experts": 4,
    "num_experts_per_tok": 2,
}
CLASSES = {"task": "sequence-classification", "num_labels": 3}
CASES = [
    ("deberta-v2", DEBERTA, CLASSES, "freeze embeddings; freeze blocks:first6", 100),
    ("gpt_oss", GPT_OSS, {"task": "causal-lm"}, "freeze all; train contains:router", 6),
]


@pytest.mark.parametrize(("kind", "sizes", "options", "rules", "count"), CASES, ids=["deberta", "gpt-oss"])
def test_what_is_frozen_stands_still_and_all_else_learns(kind, sizes, options, rules, count, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    classes = options.get("num_labels")
    auto = AutoModelForSequenceClassification if classes else AutoModelForCausalLM
    auto.from_config(CONFIG_MAPPING[kind](**sizes)).save_pretrained("model")  # with 2 classes, where it has any
    text = export(ModelSource.parse("hf:./model", **options), rules, "transformers-trainer")
    quick = '"checkpoints", report_to=[], use_cpu=True, max_steps=3, weight_decay=0.1, disable_tqdm=True,'
    script: dict = {"__name__": "exported"}
    exec(compile(text.replace('"checkpoints",', quick), "exported.py", "exec"), script)
    model = script["model"]
    before = {name: tensor.detach().clone() for name, tensor in [*model.named_parameters(), *model.named_buffers()]}
    torch.manual_seed(0)
    ids = torch.randint(5, 500, (12, 64))
    labels = [row[0] % classes for row in ids] if classes else list(ids)
    mask = torch.ones(64, dtype=torch.long)
    rows = [{"input_ids": x, "attention_mask": mask, "labels": y} for x, y in zip(ids, labels, strict=True)]
    script["fine_tune"](rows)
    now = dict([*model.named_parameters(), *model.named_buffers()])
    moved = {name for name in now if not torch.equal(now[name].cpu(), before[name])}
    assert moved == {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert len(moved) == count
    if classes:
        assert model.config.num_labels == model.classifier.out_features == classes


def test_texts_of_unlike_lengths_are_encoded_and_trained_as_the_script_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sizes = {**SMALL, "num_hidden_layers": 1, "vocab_size": 50}
    AutoModelForSequenceClassification.from_config(CONFIG_MAPPING["bert"](**sizes)).save_pretrained("model")
    words = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "a", "b"])}
    core = Tokenizer(WordLevel(words, unk_token="[UNK]"))
    core.pre_tokenizer = Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, pad_token="[PAD]", unk_token="[UNK]")
    source = ModelSource.parse("hf:./model", **CLASSES)
    text = export(source, "freeze embeddings", "transformers-trainer", workload=Workload(4, sequence_length=8))
    quick = '"checkpoints", report_to=[], use_cpu=True, max_steps=1, disable_tqdm=True,'
    script: dict = {"__name__": "exported"}
    exec(compile(text.replace('"checkpoints",', quick), "exported.py", "exec"), script)
    dataset = Dataset.from_dict({"text": ["a b " * n for n in range(1, 9)], "labels": [0, 1] * 4})
    said = re.search(r"`(dataset\.map\(.*\))`", script["encode"].__doc__)[1]
    encoded = eval(said, {"dataset": dataset, "tokenizer": tokenizer, **script})
    assert [len(ids) for ids in encoded["input_ids"]] == [2, 4, 6, 8, 8, 8, 8, 8]
    assert script["fine_tune"](encoded, tokenizer=tokenizer).state.global_step == 1
    pair = script["encode"]({"one": ["a b"], "two": ["b a b"]}, tokenizer, columns=("one", "two"))
    assert pair["input_ids"] == tokenizer(["a b"], ["b a b"])["input_ids"]
