"""What tests of data and of training share."""

import json

import pytest

from freezecore.source import ModelSource


@pytest.fixture
def bert(tmp_path):
    """A small text model with random weights, which has no tokenizer."""
    small = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    (tmp_path / "bert.json").write_text(json.dumps({"model_type": "bert", "vocab_size": 200, **small}))
    return ModelSource.parse(f"config:{tmp_path}/bert.json", weights="random")
