"""What people type when they look for a model, and the sizes of what they mean."""

import json

import pytest

from freezecore import hub_configs
from freezecore.catalog import read
from freezecore.model_lookup import NamedModel, is_path, matches, named
from freezecore.runtime.build.source import build
from freezecore.source import ModelSource

NAMED = {
    "timm:resnet18": NamedModel("timm:resnet18"),
    "microsoft/deberta-v3-base": NamedModel("hf:microsoft/deberta-v3-base"),
    " https://huggingface.co/microsoft/deberta-v3-base/tree/main ": NamedModel("hf:microsoft/deberta-v3-base"),
    "huggingface.co/gpt2": NamedModel("hf:openai-community/gpt2"),
    "https://huggingface.co/timm/resnet50.a1_in1k": NamedModel("timm:resnet50.a1_in1k"),
    "timm/resnet50.a1_in1k": NamedModel("timm:resnet50.a1_in1k"),
    'model = AutoModelForSequenceClassification.from_pretrained("microsoft/deberta-v3-base", num_labels=5)': NamedModel(
        "hf:microsoft/deberta-v3-base", "sequence-classification", 5
    ),
    "transformers.AutoModel.from_pretrained('google-bert/bert-base-cased')": NamedModel(
        "hf:google-bert/bert-base-cased"
    ),
    "BertForSequenceClassification.from_pretrained('bert-base-uncased')": NamedModel(
        "hf:google-bert/bert-base-uncased"
    ),
    'timm.create_model("resnet50", pretrained=True, num_classes=3).cuda()': NamedModel("timm:resnet50", None, 3),
    "net = torchvision.models.resnet18(weights='DEFAULT')": NamedModel("torchvision:resnet18"),
    "bert": None,
    "from_pretrained(": None,
    "print('microsoft')": None,
    "": None,
}
FIRST = {
    "bert": "hf:google-bert/bert-base-uncased",
    "resnet50": "timm:resnet50",
    "ResNet 50": "timm:resnet50",
    "deberta": "hf:microsoft/deberta-v3-base",
    "deberta v3 small": "hf:microsoft/deberta-v3-small",
    "bert-base-cased": "hf:google-bert/bert-base-cased",
    "llama": "hf:meta-llama/Llama-3.2-1B",
    "qwen3": "hf:Qwen/Qwen3-0.6B",
    "minilm": "hf:sentence-transformers/all-MiniLM-L6-v2",
    "whisper-small": "hf:openai/whisper-small",
    "tf_efficientnet lite0": "timm:tf_efficientnet_lite0",
    "mobilbert": "config:mobilebert",
}


@pytest.mark.parametrize("text", NAMED)
def test_what_a_text_names_without_a_doubt(text):
    assert named(text) == NAMED[text]


@pytest.mark.parametrize("text", FIRST)
def test_the_likeliest_model_comes_first_with_its_size(text):
    found = matches(text)
    assert found[0].source == FIRST[text]
    assert found[0].parameters > 10**6
    assert len({model.source for model in found}) == len(found) <= 6


def test_preferred_models_come_before_others_that_match_alike():
    assert matches("resnet", ["timm:resnet50", "timm:resnet18"])[:2] == [
        model for name in ("timm:resnet50", "timm:resnet18") for model in read() if model.source == name
    ]


@pytest.mark.parametrize("text", ["zzqqxxyy", ":", "///", "層"])
def test_words_that_mean_no_model_find_none(text):
    assert matches(text) == []


# Totals as the publishers' cards state them, in millions.
PUBLISHED = {
    "microsoft/deberta-v3-base": 184,
    "microsoft/deberta-v3-small": 141,
    "answerdotai/ModernBERT-base": 150,
    "google-bert/bert-large-uncased": 335,
    "FacebookAI/xlm-roberta-base": 278,
    "openai-community/gpt2-medium": 355,
    "openai/whisper-small": 242,
    "meta-llama/Llama-3.2-1B": 1236,
    "Qwen/Qwen2.5-0.5B": 494,
    "Qwen/Qwen3-0.6B": 596,
    "Qwen/Qwen3-8B": 8191,
    "mistralai/Mistral-7B-v0.1": 7242,
    "google/gemma-3-1b-pt": 1000,
    "HuggingFaceTB/SmolLM2-135M": 135,
}


@pytest.mark.parametrize("hub_id", PUBLISHED)
def test_the_size_is_the_published_one(hub_id):
    assert round(hub_configs.find(hub_id).parameters / 1e6) == PUBLISHED[hub_id]


@pytest.mark.parametrize("kept", hub_configs.read(), ids=lambda kept: kept.hub_id)
def test_a_known_model_of_the_hub_is_built_without_asking_it(kept, monkeypatch):
    monkeypatch.setattr("transformers.AutoConfig.from_pretrained", lambda *_, **__: pytest.fail("asked the Hub"))
    model = build(ModelSource.parse(kept.source)).model
    assert sum(parameter.numel() for parameter in model.parameters()) == kept.parameters
    assert type(model).__name__ in (*kept.config.get("architectures", ()), "DebertaV2Model")


def test_the_kept_configs_are_one_line_each():
    lines = hub_configs.FILE.read_text().splitlines()[1:-1]
    assert [json.loads("{" + line.strip().rstrip(",") + "}") for line in lines]
    assert len(lines) == len(hub_configs.read())


@pytest.mark.parametrize(
    "text", ["/nowhere/2.json", "./config.json", r"C:\models\x.pt", "~/model", "my model.safetensors"]
)
def test_where_a_file_lies_is_no_models_name(text):
    assert named(text) is None
    assert is_path(text)


@pytest.mark.parametrize("text", FIRST)
def test_a_name_is_no_path(text):
    assert not is_path(text)
