"""Configs that are none, that lie, that ask for too much or for code; constructors that fail: each is one sentence."""

import json
import sys
import types

import pytest
from torch import nn

from freezecore.errors import SourceError
from freezecore.runtime.build.config import REMOTE_CODE_VARIABLE
from freezecore.runtime.build.source import build
from freezecore.source import ModelSource

BERT = {"model_type": "bert", "num_hidden_layers": 2, "hidden_size": 32, "num_attention_heads": 2, "vocab_size": 99}


def told(text, **options):
    with pytest.raises(SourceError) as error:
        build(ModelSource.parse(text, **options))
    sentence = str(error.value)
    assert len(sentence) < 700
    assert "\n" not in sentence
    return sentence


CONFIGS = {
    "empty": ("", "is no JSON"),
    "no JSON": ("{", "is no JSON"),
    "a list": ("[1, 2]", "holds a list"),
    "a number": ("1e999", "holds a float"),
    "nested for ever": ("[" * 100_000, "is no JSON"),
    "no model type": ({"hidden_size": 4}, "names no model type"),
    "an unknown type": ({"model_type": "brt"}, "Did you mean 'bert'"),
    "a type that is a number": ({"model_type": 7}, "7"),
    "a type that is a list": ({"model_type": ["bert"]}, "names no model type"),
    "code of its own": ({"model_type": "mine", "auto_map": {"AutoModel": "mine.Model"}}, REMOTE_CODE_VARIABLE),
    "a billion layers": ({**BERT, "num_hidden_layers": 10**9}, "num_hidden_layers = 1,000,000,000"),
    "layers without end": ({**BERT, "num_hidden_layers": 1e300}, "num_hidden_layers"),
    "a billion labels": ({**BERT, "num_labels": 10**9}, "num_labels = 1,000,000,000"),
    "10^15 parameters": ({**BERT, "hidden_size": 2 * 10**7, "vocab_size": 5 * 10**7}, "trillion parameters"),
    "sizes beyond a tensor": ({**BERT, "hidden_size": 10**12, "vocab_size": 10**12}, "could not be built"),
    "a negative size": ({**BERT, "hidden_size": -32}, "could not be built"),
    "a size that is a text": ({**BERT, "hidden_size": "wide"}, "could not be built"),
    "heads that do not divide": ({**BERT, "num_attention_heads": 5}, "could not be built"),
    "no heads": ({**BERT, "num_attention_heads": 0}, "could not be built"),
    "an unknown activation": ({**BERT, "hidden_act": "magic"}, "could not be built"),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_that_cannot_be_built_is_told_in_a_sentence(name, tmp_path):
    content, words = CONFIGS[name]
    file = tmp_path / "config.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    assert words in told(f"config:{file}")


def test_a_config_of_many_megabytes_is_not_read(tmp_path):
    file = tmp_path / "config.json"
    file.write_text(json.dumps({**BERT, "padding": "x" * 9_000_000}))
    assert "too large" in told(f"config:{file}")


def test_a_config_that_does_not_exist_is_named():
    assert "nowhere.json" in told("config:./nowhere.json")


def test_a_good_config_file_builds(tmp_path):
    file = tmp_path / "config.json"
    file.write_text(json.dumps(BERT))
    assert len(build(ModelSource.parse(f"config:{file}")).model.encoder.layer) == 2


def test_a_folder_without_weights_says_so(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(BERT))
    assert "is not available" in told(f"hf:{tmp_path}", weights="pretrained")


def test_a_pickle_that_runs_code_is_not_loaded(tmp_path):
    import pickle

    class Runs:
        def __reduce__(self):
            return open, (str(tmp_path / "was run"), "w")

    (tmp_path / "config.json").write_text(json.dumps(BERT))
    (tmp_path / "pytorch_model.bin").write_bytes(pickle.dumps({"weight": Runs()}))
    told(f"hf:{tmp_path}", weights="pretrained")
    assert not (tmp_path / "was run").exists()


class Raises(nn.Module):
    def __init__(self):
        super().__init__()
        raise ZeroDivisionError("not today")


class Forever(nn.Module):
    def __init__(self):
        super().__init__()
        for i in range(10**9):
            self.register_parameter(f"p{i}", nn.Parameter())


def contains_itself():
    return contains_itself()


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (Raises, "ZeroDivisionError: not today"),
        (Forever, "more than 200,000 tensors"),
        (contains_itself, "contains itself"),
        (dict, "returned dict"),
        ("missing", "cannot be imported"),
    ],
)
def test_a_function_that_makes_no_model_is_told_in_a_sentence(function, words, monkeypatch):
    module = types.ModuleType("made_for_this_test")
    if callable(function):
        module.make = function
    monkeypatch.setitem(sys.modules, "made_for_this_test", module)
    assert words in told("py:made_for_this_test:make")


def test_a_server_that_does_not_allow_python_imports_nothing():
    with pytest.raises(SourceError, match="switched off"):
        build(ModelSource.parse("py:antigravity:fly"), allow_python=False)
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize(
    "text",
    [
        "timm:",
        "timm:resnet18;drop",
        "timm:../../etc/passwd",
        "timm:resnet18.",
        "timm:.a1_in1k",
        "timm:" + "a" * 290,
        "hf:a/b/c/d",
        "hf:../../../etc",
        "hf:/etc",
        "config:größe",
        "config:/etc/passwd",
        "config:./",
        "py:os",
        "py:os:system:ls",
        "py::",
        "file:nowhere.json",
        "file:/dev/null",
    ],
)
def test_a_hostile_name_is_told_in_a_sentence(text):
    with pytest.raises(SourceError):
        build(ModelSource.parse(text))


def test_weights_that_were_tampered_with_are_not_loaded(monkeypatch):
    from dataclasses import replace

    from freezecore import packaged

    forged = tuple(replace(each, sha256="0" * 64) for each in packaged.PACKAGED)
    monkeypatch.setattr(packaged, "PACKAGED", forged)
    assert "not the published ones" in told("timm:tf_efficientnet_lite0", weights="pretrained")


@pytest.mark.parametrize("text", ["timm:resnet18", "config:bert"])
def test_a_model_larger_than_the_memory_is_refused_before_it_is_made(text, monkeypatch):
    monkeypatch.setattr("freezecore.machine.free_bytes", lambda: 10_000_000)
    assert "0.0 GB are free" in told(text, weights="random")
