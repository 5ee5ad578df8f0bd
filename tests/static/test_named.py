"""What people type, paste or drop as a model is the packed model that they mean, or the command that opens it."""

import json

import pytest

from app.service import backend
from freezecore import hub_configs
from static import answers, packs
from static.backend import Packed
from static.words import SiteWords

PACKED = [
    "timm:tf_efficientnet_lite0", "timm:resnet18", "timm:resnet50", "config:bert", "hf:microsoft/deberta-v3-base",
    "hf:google-bert/bert-base-uncased", "hf:Qwen/Qwen3-0.6B",
]  # fmt: skip


@pytest.fixture(autouse=True)
def index(monkeypatch):
    """A page with these packs alone."""
    before = backend.shared()
    backend.use(Packed({source: [f"{source}.json.gz", 1] for source in PACKED}))
    yield
    backend.use(before)


def ask(**question: object) -> dict:
    return json.loads(answers.answer(json.dumps({"query": "?batch=8", "lang": "en", **question})))


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("resnet50", "model=timm:resnet50&batch=8"),
        ("ResNet 18", "model=timm:resnet18&batch=8"),
        ("bert", "model=config:bert&task=sequence-classification&labels=2&batch=8"),
        ("https://huggingface.co/Qwen/Qwen3-0.6B", "model=hf:Qwen/Qwen3-0.6B&task=causal-lm&batch=8"),
        ("google-bert/bert-base-uncased", "model=hf:google-bert/bert-base-uncased&batch=8"),
        (
            'AutoModel.from_pretrained("google-bert/bert-base-uncased")',
            "model=hf:google-bert/bert-base-uncased&batch=8",
        ),
        ('model = timm.create_model("resnet50", pretrained=True)', "model=timm:resnet50&batch=8"),
    ],
)
def test_a_packed_model_opens_however_it_is_named(text, query):
    found = ask(do="find", text=text)
    assert found["query"] == query
    assert "problem" not in found and "command" not in found


def test_words_that_several_models_share_offer_the_others():
    found = ask(do="find", text="bert")
    assert found["like"] == "Like “bert”:"
    assert [source for source, _ in found["instead"]][:2] == ["config:bert", "hf:google-bert/bert-base-uncased"]


def test_a_line_for_another_task_opens_the_packed_form_and_gives_the_command_for_its_own():
    line = 'AutoModelForTokenClassification.from_pretrained("google-bert/bert-base-uncased", num_labels=9)'
    found = ask(do="find", text=line)
    assert found["query"] == "model=hf:google-bert/bert-base-uncased&batch=8"
    assert "as it is packed" in found["note"]
    assert "--task token-classification --num-labels 9" in found["command"]


@pytest.mark.parametrize("text", ["timm:resnet152", "resnet152", "meta-llama/Llama-3.1-70B"])
def test_a_model_that_is_not_packed_is_never_opened_as_another(text):
    found = ask(do="find", text=text)
    assert "query" not in found
    assert "not among the models packed here" in found["problem"]["problem"]
    assert text.rpartition(":")[2] in found["command"]
    assert found["instead"] or "llama" in text.lower()  # of the ResNets, those that are packed


def test_nothing_of_that_name_is_a_sentence():
    assert "No model is called" in ask(do="find", text="!!!")["problem"]["problem"]


def dropped(tmp_path, config: dict) -> dict:
    file = tmp_path / "dropped"
    file.write_text(json.dumps(config))
    return ask(do="drop", path=str(file), name="config.json")


def test_a_configuration_with_the_sizes_of_a_packed_model_opens_it(tmp_path):
    stated = {**hub_configs.find("google-bert/bert-base-uncased").config, "hidden_dropout_prob": 0.1}
    found = dropped(tmp_path, stated)
    assert found["query"] == "model=hf:google-bert/bert-base-uncased&batch=8"
    assert found["note"].startswith("config.json states the sizes of")


@pytest.mark.parametrize("other", [{"num_hidden_layers": 6}, {"vocab_size": None}, {"embedding_size": 64}])
def test_a_configuration_with_other_sizes_is_not_taken_for_a_packed_model(tmp_path, other):
    stated = {**hub_configs.find("google-bert/bert-base-uncased").config, **other}
    found = dropped(tmp_path, {key: value for key, value in stated.items() if value is not None})
    assert "query" not in found
    assert "type bert" in found["problem"]["problem"]
    assert "freezecore estimate config:./config.json" in found["command"]
    assert [source for source, _ in found["instead"]] == ["config:bert", "hf:google-bert/bert-base-uncased"]


def test_a_kept_selection_opens_with_its_model_task_and_rules():
    kept = {"model": "config:bert", "task": "sequence-classification", "labels": 2, "rules": "freeze embeddings"}
    query = ask(do="change", set=kept)["query"]
    assert query == "model=config:bert&rules=freeze+embeddings&task=sequence-classification&labels=2&batch=8"


def test_a_link_without_its_task_offers_the_packed_form():
    served = Packed({"config:bert": ["config.bert.json.gz", 1]})
    file = packs.FOLDER / "config.bert.json.gz"
    served.add(answers.pack.read(file.read_bytes(), "config:bert"))
    backend.use(served)
    shown = json.loads(answers.answer(json.dumps({"do": "open", "query": "?model=config:bert", "lang": "en"})))
    assert "packed as it opens by itself" in shown["problem"]["problem"]
    assert shown["instead"][0][0] == "config:bert"


def test_what_can_be_opened_is_listed_by_library_and_by_number():
    backend.use(Packed({name: [] for name in ("hf:b/c", "timm:resnet101", "timm:resnet34", "config:bert")}))
    listed = [(source, group) for source, _, group in answers.model_options(SiteWords("en"))]
    more = [("timm:resnet34", "timm"), ("timm:resnet101", "timm"), ("hf:b/c", "Hugging Face Hub")]
    assert listed == [("config:bert", "text"), *more]
