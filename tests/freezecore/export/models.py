"""Eight small models of different families, from the real libraries, and how to feed them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from freezecore.source import ModelSource
from freezecore.tree import LayerTree

SMALL = {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 64}
CONFIGS = {
    "bert": {**SMALL, "vocab_size": 64, "max_position_embeddings": 32, "num_labels": 2},
    "gpt2": {"n_embd": 32, "n_layer": 4, "n_head": 2, "vocab_size": 64, "n_positions": 32},
    "llama": {**SMALL, "num_key_value_heads": 2, "vocab_size": 64, "max_position_embeddings": 32},
    "t5": {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 4, "num_heads": 2, "vocab_size": 64},
}
TASKS = {"bert": "sequence-classification", "gpt2": "causal-lm", "llama": "causal-lm", "t5": "seq2seq-lm"}
SIZES = {"resnet18": 64, "test_vit": 160, "test_convnext": 96, "test_efficientnet": 96}
MODELS = (*SIZES, *CONFIGS)


@dataclass(frozen=True)
class Small:
    """A model's source, its tree, and what its batches hold (`image`, `classes` or `tokens`)."""

    source: ModelSource
    tree: LayerTree
    kind: str
    size: int


def source_of(name: str, folder: Path) -> ModelSource:
    """The source with random weights; a small config file is written where the model has none of its own."""
    if name in SIZES:
        return ModelSource.parse(f"timm:{name}", weights="random")
    file = folder / f"{name}.json"
    ids = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 0}
    file.write_text(json.dumps({"model_type": name, **ids, **CONFIGS[name]}))
    return ModelSource.parse(f"config:{file}", weights="random", task=TASKS[name])


@cache
def small(name: str, folder: Path) -> Small:
    """A model of `MODELS`, read without weights."""
    from freezecore.runtime.tree.read import read_source

    source = source_of(name, folder)
    kind = "image" if name in SIZES else "classes" if name == "bert" else "tokens"
    return Small(source, read_source(source.with_(weights="none")), kind, SIZES.get(name, 8))
