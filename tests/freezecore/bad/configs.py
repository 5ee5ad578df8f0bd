"""Configs that are none, that lie, that ask for too much, or for code of their own."""

from __future__ import annotations

import json
from pathlib import Path

from freezecore.errors import SourceError
from tests.freezecore.bad.case import Bad, opened, opened_config

BERT = {"model_type": "bert", "num_hidden_layers": 2, "hidden_size": 32, "num_attention_heads": 2, "vocab_size": 99}
VIT = {"model_type": "vit", "num_hidden_layers": 2, "hidden_size": 32, "num_attention_heads": 2}
LLAMA = {"model_type": "llama", "num_hidden_layers": 2, "hidden_size": 32, "num_attention_heads": 2, "vocab_size": 99}
GPT2 = {"model_type": "gpt2", "n_layer": 2, "n_embd": 32, "n_head": 2, "vocab_size": 99}

NO_JSON, NO_CONFIG = "is no JSON", "is no config: it holds a "
DOWNLOAD, OBJECT, TYPE = "begins with a brace", "field 'model_type'", "A config.json has a field 'model_type'"
UNBUILT, CHECK, SIZES = "could not be built", "check the value", "Check the sizes"
FIELD, NEGATIVE, CODE = "check the field", "cannot be negative", "FREEZE_EXPLORER_TRUST_REMOTE_CODE"

# What is wrong, the file's content, what is said, what the hint holds.
CONTENTS: list[tuple[str, object, str | tuple[str, ...], str]] = [
    ("an empty file", "", NO_JSON, DOWNLOAD),
    ("a file that is cut off", json.dumps(BERT)[:-9], NO_JSON, DOWNLOAD),
    ("a trailing comma", '{"model_type": "bert",}', (NO_JSON, "column "), DOWNLOAD),
    ("two documents", "{}{}", NO_JSON, DOWNLOAD),
    ("a web page", "<!DOCTYPE html><html>Not found</html>", NO_JSON, DOWNLOAD),
    ("a pointer to a large file", "version https://git-lfs.github.com/spec/v1\nsize 12", NO_JSON, DOWNLOAD),
    ("bytes that are no text", b"\x00\xff\xfe\x80", (NO_JSON, "0xff"), DOWNLOAD),
    ("UTF-16", json.dumps(BERT).encode("utf-16"), NO_JSON, DOWNLOAD),
    ("a byte order mark", "\ufeff" + json.dumps(BERT), (NO_JSON, "BOM"), DOWNLOAD),
    ("brackets without end", "[" * 100_000, NO_JSON, DOWNLOAD),
    ("a number of 5,000 digits", '{"hidden_size": ' + "9" * 5_000 + "}", NO_JSON, DOWNLOAD),
    ("a list", "[1, 2]", NO_CONFIG + "list", OBJECT),
    ("a number", "1e999", NO_CONFIG + "float", OBJECT),
    ("null", "null", NO_CONFIG + "NoneType", OBJECT),
    ("a text", '"bert"', NO_CONFIG + "str", OBJECT),
    ("no model type", {"hidden_size": 4}, "names no model type", TYPE),
    ("an empty model type", {"model_type": ""}, "names no model type", TYPE),
    ("a model type that is a list", {"model_type": ["bert"]}, ("names no model type", "bert"), "'bert'"),
    ("a model type that is a number", {"model_type": 7}, "'7'", "Search the types"),
    ("an unknown model type", {"model_type": "brt"}, "'brt'", "Did you mean 'bert'"),
    ("code of its own", {"model_type": "mine", "auto_map": {"AutoModel": "mine.Model"}}, "its own Python code", CODE),
    ("code from a hub", {"model_type": "zz", "auto_map": {"AutoConfig": "a/b--c.D"}}, "its own Python code", CODE),
    ("a class of another type", {**BERT, "architectures": ["LlamaModel"]}, (UNBUILT, "'BertConfig'"), CHECK),
    ("a billion layers", {**BERT, "num_hidden_layers": 10**9}, "num_hidden_layers = 1,000,000,000", FIELD),
    ("layers without end", {**BERT, "num_hidden_layers": 1e300}, "num_hidden_layers = 1e+300", FIELD),
    ("fewer than no layers", {**BERT, "num_hidden_layers": -3}, "num_hidden_layers = -3", NEGATIVE),
    ("fewer than no labels", {**BERT, "num_labels": -2}, "num_labels = -2", NEGATIVE),
    ("a billion labels", {**BERT, "num_labels": 10**9}, "num_labels = 1,000,000,000", FIELD),
    ("a billion experts", {"model_type": "mixtral", "num_local_experts": 10**9}, "experts = 1,000,000,000", FIELD),
    ("a million heads", {**BERT, "num_attention_heads": 10**6}, "num_attention_heads = 1,000,000", FIELD),
    ("10^7 layers by another name", {**GPT2, "n_layer": 10**7}, "n_layer = 10,000,000", FIELD),
    ("10^9 layers further in", {"model_type": "clip", "text_config": {"num_hidden_layers": 10**9}}, "1,000,0", FIELD),
    ("10^15 parameters", {**BERT, "hidden_size": 2 * 10**7, "vocab_size": 5 * 10**7}, "trillion", SIZES),
    ("10^15 in one layer", {**BERT, "intermediate_size": 10**15}, "trillion", SIZES),
    ("10^12 positions", {**BERT, "max_position_embeddings": 10**12}, "trillion", SIZES),
    ("more than a tensor can have", {**BERT, "hidden_size": 10**12, "vocab_size": 10**12}, UNBUILT, CHECK),
    ("a negative size", {**BERT, "hidden_size": -32}, (UNBUILT, "-32"), CHECK),
    ("no size at all", {**BERT, "hidden_size": 0}, UNBUILT, CHECK),
    ("half a unit", {**BERT, "hidden_size": 32.5}, (UNBUILT, "'hidden_size'", "32.5"), CHECK),
    ("a size that is a text", {**BERT, "hidden_size": "wide"}, (UNBUILT, "wide"), CHECK),
    ("a size that is no number", '{"model_type": "bert", "hidden_size": NaN}', (UNBUILT, "nan"), CHECK),
    ("heads that do not divide", {**BERT, "num_attention_heads": 5}, (UNBUILT, "5"), CHECK),
    ("no heads", {**BERT, "num_attention_heads": 0}, UNBUILT, CHECK),
    ("no heads for keys", {**LLAMA, "num_key_value_heads": 0}, UNBUILT, CHECK),
    ("an unknown activation", {**BERT, "hidden_act": "magic"}, (UNBUILT, "magic"), CHECK),
    ("an unknown rotation", {**LLAMA, "rope_scaling": {"type": "zz", "factor": 1}}, (UNBUILT, "zz"), CHECK),
    ("an unknown kind of layer", {**LLAMA, "layer_types": ["x"]}, (UNBUILT, "layer_type"), CHECK),
    ("padding outside the vocabulary", {**BERT, "pad_token_id": 1000}, UNBUILT, CHECK),
    ("an empty vocabulary", {**BERT, "vocab_size": 0}, UNBUILT, CHECK),
    ("dropout of two", {**BERT, "hidden_dropout_prob": 2.0}, (UNBUILT, "2.0"), CHECK),
    ("a precision that does not exist", {**BERT, "dtype": "float7"}, (UNBUILT, "float7"), CHECK),
    ("weights that are whole numbers", {**BERT, "dtype": "int8"}, (UNBUILT, "int8"), CHECK),
    ("patches of no pixels", {**VIT, "patch_size": 0}, UNBUILT, CHECK),
    ("a vision part that is a text", {"model_type": "clip", "vision_config": "x"}, (UNBUILT, "vision_config"), CHECK),
    ("labels that are a list", {**BERT, "id2label": ["a"]}, UNBUILT, CHECK),
    ("a field over a method", {**BERT, "to_dict": 5}, UNBUILT, CHECK),
    ("nested a thousand deep", '{"model_type":"bert","a":' + '{"a":' * 900 + "1" + "}" * 901, UNBUILT, "made of"),
]


def _far_too_large(folder: Path) -> object:
    return opened_config(folder, {**BERT, "padding": "x" * 9_000_000})


def _without_weights(folder: Path) -> object:
    (folder / "model").mkdir()
    (folder / "model" / "config.json").write_text(json.dumps(BERT))
    return opened("hf:./model", weights="pretrained")


def _case(name: str, content: object, says: str | tuple[str, ...], hint: str) -> Bad:
    says = (says,) if isinstance(says, str) else says
    return Bad(f"config: {name}", lambda folder: opened_config(folder, content), SourceError, says, hint)


CASES = [_case(*row) for row in CONTENTS] + [
    Bad("config: megabytes", _far_too_large, SourceError, ("'config.json' is too large", "9,0"), "not its weights"),
    Bad("config: no such file", lambda _: opened("config:./nowhere.json"), SourceError, ("nowhere.json",), "the path"),
    Bad("config: weights of a bare config", lambda _: opened("config:bert", weights="pretrained"), SourceError,
        ("'config:bert'", "without weights"), "--weights random"),
    Bad("folder: without weights", _without_weights, SourceError, ("'hf:./model' is not available",), ""),
]  # fmt: skip
