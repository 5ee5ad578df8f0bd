"""Look-ups on the Hub: beside everything else, bounded in time, remembered, and never for what no person asked."""

import json
import socket
import time

import pytest

from freezecore.errors import NotFetched, SourceError
from freezecore.serving import child_process, hub
from freezecore.serving.analyst.client import Analyst
from freezecore.serving.hub import HubLookups
from freezecore.source import ModelSource

UNKNOWN = ModelSource.parse("hf:nobody/has-this-model")
BERT = ModelSource.parse("config:bert")


@pytest.fixture
def lookups(tmp_path, monkeypatch):
    """`lookups(code)` are look-ups whose process runs this code."""
    monkeypatch.setattr(child_process, "ROOT", tmp_path)

    def make(code: str, limit_s: float = 20.0) -> HubLookups:
        (tmp_path / "fake_hub.py").write_text(code)
        return HubLookups(limit_s, "fake_hub")

    return make


def waited(lookups: HubLookups, source: ModelSource = UNKNOWN) -> float:
    began = time.monotonic()
    lookups.wait(source)
    return time.monotonic() - began


def test_a_network_that_never_answers_ends_in_a_sentence_in_time(lookups):
    slow = lookups("import time; time.sleep(60)", limit_s=0.5)
    assert waited(slow) < 10
    assert "did not answer about 'nobody/has-this-model' within" in str(slow.fault(UNKNOWN))


def test_a_failure_is_remembered_and_asked_again_after_a_while(lookups, tmp_path, monkeypatch):
    failing = lookups(f"open({str(tmp_path / 'asked')!r}, 'a').write('.'); raise SystemExit(1)")
    for _ in range(3):
        failing.wait(UNKNOWN)
    assert (tmp_path / "asked").read_text() == "."
    assert "cannot be reached" in str(failing.fault(UNKNOWN))
    monkeypatch.setattr(hub, "FAILURE_S", 0.0)
    failing.wait(UNKNOWN)
    assert (tmp_path / "asked").read_text() == ".."


def test_an_answer_changes_what_is_remembered_of_the_model(lookups):
    answering = lookups("print('{}')")
    before = answering.version(UNKNOWN)
    answering.wait(UNKNOWN)
    assert before is None and answering.version(UNKNOWN) and answering.fault(UNKNOWN) is None


@pytest.mark.parametrize(
    "source", ["config:bert", "hf:./folder", "hf:/etc/x", "hf:a/b/c", "hf:sentence-transformers/all-MiniLM-L6-v2"]
)
def test_what_is_no_name_of_the_hub_or_is_here_is_not_asked_for(lookups, source):
    asked = lookups("import time; time.sleep(60)")
    asked.begin(ModelSource.parse(source))
    assert not asked.goes_on(ModelSource.parse(source))


def test_a_host_that_refuses_is_tried_once(monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{closed.getsockname()[1]}"
    began = time.monotonic()
    with pytest.raises(SourceError, match="cannot be reached"):
        hub._reach(endpoint, "a/b")
    assert time.monotonic() - began < hub.REACH_S


def test_the_analyst_asks_no_network_and_serves_others_meanwhile():
    """Forty links to models that nobody has cost the next visitor nothing."""
    analyst = Analyst()
    try:
        analyst.tree(BERT)
        began = time.monotonic()
        for number in range(40):
            with pytest.raises(NotFetched):
                analyst.tree(ModelSource.parse(f"hf:nobody/has-{number}"))
        assert time.monotonic() - began < 20, "each took the library's six tries"
    finally:
        analyst.close()


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "dpt", "backbone": "facebook/dinov2-small", "is_hybrid": False},
        {"model_type": "depth_anything", "backbone": "facebook/dinov2-base"},
        {"model_type": "upernet", "backbone": "microsoft/swin-tiny-patch4-window7-224"},
        {"model_type": "vitpose", "backbone": "usyd-community/vitpose-base"},
        {"model_type": "timm_backbone", "backbone": "resnet18", "use_pretrained_backbone": True},
    ],
)
def test_a_config_that_names_a_model_of_the_hub_asks_no_network(config, tmp_path, monkeypatch):
    from freezecore.api import read_tree

    asked = []

    def refuse(host, *arguments, **options):
        asked.append(host)
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config))
    try:
        assert read_tree(f"config:{file}").total
    except SourceError as error:
        assert "names another model of the Hugging Face Hub" in str(error)
    assert asked == []


def test_a_config_of_ten_thousand_layers_is_refused_at_once(tmp_path):
    from freezecore.api import read_tree

    file = tmp_path / "config.json"
    file.write_text(json.dumps({"model_type": "bert", "num_hidden_layers": 10_000, "hidden_size": 8,
                                "num_attention_heads": 2, "intermediate_size": 8}))  # fmt: skip
    with pytest.raises(SourceError, match="At most 2,000 are built"):
        read_tree(f"config:{file}")


def test_the_process_says_in_one_line_what_came_of_it(monkeypatch, capsys):
    monkeypatch.setattr(hub, "fetch", lambda name: None)
    hub.main("a/b")
    assert capsys.readouterr().out == "{}\n"
