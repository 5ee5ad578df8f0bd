import json

import pytest
import torch

import freezecore as fc
from app.service import uploads
from freezecore.errors import ExportError, SourceError
from freezecore.source import ModelSource
from tests.app.test_explore import figures, rules_of

BERT = {
    "model_type": "bert",
    "architectures": ["BertForSequenceClassification"],
    "hidden_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 128,
    "vocab_size": 500,
}


@pytest.fixture
def saved(tmp_path) -> bytes:
    """A model object of somebody's own, as `fc.save` wrote it."""
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.Flatten(), torch.nn.Linear(8 * 14 * 14, 5)
    )
    fc.save(model, torch.randn(4, 3, 16, 16), tmp_path / "model.json")
    return (tmp_path / "model.json").read_bytes()


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("FREEZE_EXPLORER_HOME", str(tmp_path / "home"))


def test_a_saved_model_behaves_like_one_of_the_gallery(opened, saved):
    source = uploads.keep_model(saved, "model.json")
    assert source.startswith("file:")
    page = opened(model=source, rules="freeze all; train 3", batch="4")
    assert not page.exception
    assert rules_of(page) == "freeze all\ntrain 3"
    assert not [button for button in page.button if button.key == "start"], "what cannot train is not offered"
    assert any("neither code nor weights" in info.value for info in page.info)
    peak = figures(page)["Peak memory"]
    assert peak.endswith("B")
    more = opened(model=source, rules="train all", batch="4")
    assert figures(more)["Peak memory"] != peak
    page.segmented_control(key="w_pane").set_value("code").run()
    assert "requires_grad" in page.code[0].value


class SensorNet(torch.nn.Sequential):
    pass


def test_a_dropped_model_is_called_by_its_class_and_what_lies_over_its_numbers_closes(opened, tmp_path, monkeypatch):
    fc.save(SensorNet(torch.nn.Linear(8, 3)), torch.randn(2, 8), tmp_path / "model.json")
    page = opened()
    page.session_state["own_model"] = True
    page.get("file_uploader")[0].set_value(("model.json", (tmp_path / "model.json").read_bytes(), "application/json"))
    page.run()
    assert not page.exception and not page.error
    assert page.session_state.link["model"].startswith("file:uploads/")
    assert page.session_state["own_model"] is False
    assert page.selectbox(key="w_model").options[0] == "SensorNet"
    assert page.button(key="own_0").label == "SensorNet"


@pytest.mark.parametrize("target", ["pytorch", "spec", "accelerate", "lightning", "notebook"])
@pytest.mark.parametrize("kind", ["file", "config"])
def test_an_export_names_a_dropped_file_as_its_owner_has_it(saved, kind, target):
    content, given = (saved, "model.json") if kind == "file" else (json.dumps(BERT).encode(), "config.json")
    source = ModelSource.parse(uploads.keep_model(content, given), task=None if kind == "file" else "base")
    try:
        text = fc.export(source, "train all", to=target)
    except ExportError as error:
        text = str(error)
    assert "uploads/" not in text
    assert given in text or (kind, target) == ("file", "spec"), "a spec of a model object names its class"


def test_a_config_is_distinguished_from_a_model_file(opened):
    source = uploads.keep_model(json.dumps(BERT).encode(), "config.json")
    assert source.startswith("config:")
    page = opened(model=source, task="sequence-classification")
    assert not page.exception
    assert rules_of(page) == "freeze all\ntrain head"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b'{"rules": ', "is no JSON file"),
        (b'{"hello": [1, 2]}', "no model can be read from it"),
        (b"[" * 100_000, "is no JSON file"),
        (b"\x80\x04pickle", "is no JSON file"),
    ],
)
def test_what_is_neither_is_refused_in_a_sentence(content, sentence):
    with pytest.raises(SourceError) as refused:
        uploads.keep_model(content, "thing.json")
    assert sentence in str(refused.value)


def test_a_script_is_told_how_its_model_comes_here():
    with pytest.raises(SourceError, match="'net.py' is no JSON file") as refused:
        uploads.keep_model(b"class Net(Module): ...", "net.py")
    assert "fc.save(model, batch, 'model.json')" in refused.value.hint


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ("hf:/etc", "does not open '/etc' on its own disk"),
        ("file:/etc/passwd", "does not open '/etc/passwd' on its own disk"),
        ("py:os:getcwd", "runs nobody's code"),
    ],
)
def test_what_a_server_does_not_open_is_refused_before_it_is_read(model, sentence):
    from freezecore.serving.access import check_source
    from freezecore.source import ModelSource

    with pytest.raises(SourceError) as refused:
        check_source(ModelSource.parse(model))
    assert sentence in str(refused.value)
