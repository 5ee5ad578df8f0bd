"""A look at data before a run: balance, samples, lengths in words or a model's tokens; and how long a text may be."""

import base64
import io
import json
import types
from dataclasses import replace

import pandas as pd
import pytest
from huggingface_hub import constants
from PIL import Image

from freezecore.datasets import BUILT_IN, DataPreview
from freezecore.errors import DataError
from freezecore.probe import ProbeRequest
from freezecore.runtime.data.preview import preview
from freezecore.runtime.data.tokens import fitting, tokenize
from freezecore.runtime.train.session import Session
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec


def asked(data, **more):
    return ProbeRequest(ModelSource.parse("timm:resnet18"), FreezeSpec(), data=str(data), **more)


def written(path, rows):
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def test_a_preview_shows_balance_and_samples_and_travels_as_json():
    seen = preview(asked("shapes", train_size=40, test_size=20))
    assert [row.name for row in seen.classes] == list(BUILT_IN["shapes"].classes)
    assert all((row.train, row.test) == (4, 2) for row in seen.classes)
    assert len({sample.target for sample in seen.samples}) == 10
    head, _, data = seen.samples[0].picture.partition(",")
    assert head == "data:image/jpeg;base64"
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (64, 64)
    assert DataPreview.from_json(json.loads(json.dumps(seen.to_json()))) == seen


def test_a_preview_of_values_shows_their_range_and_lengths(tmp_path):
    rows = [{"text": "word " * (i + 1), "score": i / 2} for i in range(20)]
    seen = preview(asked(written(tmp_path / "v.csv", rows)))
    low, middle, high = seen.values
    assert low < middle < high <= 9.5
    assert sum(count for _, count in seen.lengths) == seen.train_size + seen.test_size
    assert (seen.counted, seen.sequence_length) == ("words", None)


def test_a_preview_for_a_model_counts_its_tokens_and_tells_the_length_a_probe_takes(tmp_path):
    rows = [{"text": "unbelievably " * 5 if i else "word " * 300, "label": i % 2} for i in range(40)]
    path = written(tmp_path / "t.csv", rows)
    reader = ModelSource.parse("hf:sentence-transformers/all-MiniLM-L6-v2", weights="pretrained")
    seen = preview(replace(asked(path), source=reader))
    assert seen.counted == "tokens"
    assert dict(seen.lengths)[512] == 1
    assert max(seen.lengths, key=lambda row: row[1])[0] > 8  # five words are more tokens
    assert seen.sequence_length == Session(replace(asked(path), source=reader)).data.size
    assert preview(replace(asked(path), source=reader, sequence_length=24)).sequence_length == 24
    assert DataPreview.from_json(json.loads(json.dumps(seen.to_json()))) == seen


def test_texts_are_looked_at_although_the_models_tokenizer_is_nowhere(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    path = written(tmp_path / "reviews.csv", {"id": range(60), "text": ["so, so"] * 60, "label": ["good", "bad"] * 30})
    seen = preview(replace(asked(path), source=ModelSource.parse("hf:microsoft/deberta-v3-base")))
    assert seen.counted == "words" and seen.lengths == ((8, 60),)
    assert {c.name: c.train + c.test for c in seen.classes} == {"good": 30, "bad": 30}
    both = written(
        tmp_path / "pairs.csv", {"text": ["so, so"] * 60, "more": ["a b c d e f g h"] * 60, "label": ["x", "y"] * 30}
    )
    reader = ModelSource.parse("hf:microsoft/deberta-v3-base")
    assert preview(replace(asked(both), source=reader, text="text", text_pair="more")).lengths == ((8, 0), (16, 60))
    problem, hint = seen.notes[-2:]
    assert problem == ("The tokenizer of deberta-v3-base is not kept here, and the Hugging Face Hub cannot be reached.")
    assert "hf:sentence-transformers/all-MiniLM-L6-v2" in hint


def test_the_length_holds_nearly_all_texts_and_is_rounded_up():
    assert fitting([10] * 99 + [400], longest=512) == 16
    assert fitting([300] * 10, longest=128) == 128


def test_words_become_numbers_where_a_config_brings_no_tokenizer():
    config = types.SimpleNamespace(model_type="bert", max_position_embeddings=64, vocab_size=100)
    tokens = tokenize(("one two", "one"), (), ModelSource.parse("config:bert"), config, None)
    ids = tokens.inputs["input_ids"]
    assert ids[0, :2].tolist() == ids[1, :2].tolist()
    assert ids.max() < 100
    assert tokens.inputs["attention_mask"].sum(1).tolist() == [4, 3]
    assert "hashing" in tokens.notes[0]
    with pytest.raises(DataError, match="64 tokens at most, not 65"):
        tokenize(("a",), (), ModelSource.parse("config:bert"), config, 65)
