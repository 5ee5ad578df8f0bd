import json
from dataclasses import replace

import pytest

from app.components.tree.bits import decode
from app.parts.tree import marks_by_row
from app.text import Words
from freezecore._resolve import resolve
from freezecore.probe import CacheUse, ProbeRequest, ProbeResult, Proof, SampleChange
from freezecore.sentences import say
from freezecore.serving.run_log import RunLog, RunLogReader
from freezecore.serving.runs import Run, Runs
from freezecore.serving.runs import ended as run_ended
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from tests.app.conftest import _tree
from tests.app.test_explore import RESNET, rules_of, sent, typed

ASKED = ProbeRequest(ModelSource("timm", "resnet18", "pretrained"), FreezeSpec.parse("freeze all; train fc"))
PICTURE = "data:image/jpeg;base64,AAAA"
DONE = ProbeResult(
    "done", "cpu", 60, 300, 600, 0.1, 0.8, (0.77, 0.83), 0.99, learning_rate=3e-4, head_learning_rate=1e-3,
    proof=Proof(60, 40), cache=CacheUse(True, "", "layer4", 1.0, 3.25), request=ASKED.to_json(),
    changed_samples=(
        SampleChange(1, "star", "ring", "star", picture=PICTURE), SampleChange(2, "dots", "dots", "<b>", text="<i>"),
    ),
)  # fmt: skip


@pytest.fixture
def ended(opened, helpers):
    """`ended(result)` is the page of a link to a run that ended so."""

    def open_page(result: ProbeResult, **query: str):
        helpers[1].ended = result.to_json()
        return opened(model=RESNET, run="token", **query)

    return open_page


def shown(page) -> str:
    blocks = [block.value for kind in (page.markdown, page.caption) for block in kind]
    return " ".join([*blocks, *(html.proto.body for html in page.get("html"))])


def test_overfitting_rates_device_and_cache_are_shown(ended):
    page = ended(DONE)
    assert not page.exception and not page.error
    text = shown(page)
    assert "0.990 on the training data, 0.190 above the unseen" in text
    assert "learning rates 0.0003, head 0.001" in text and "on CPU" in text and "3.2× faster" in text


@pytest.mark.parametrize("weights", ["pretrained", "random"])
def test_where_a_tokenizer_is_not_here_a_model_that_is_whole_is_a_press_away(
    opened, helpers, tmp_path, monkeypatch, weights
):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    source = ModelSource.parse("hf:microsoft/deberta-v3-base", task="sequence-classification")
    asked = replace(ASKED, source=source.with_(weights=weights))
    helpers[1].ended = replace(DONE, state="failed", message=say("It is not here."), request=asked.to_json()).to_json()
    page = opened(model="hf:microsoft/deberta-v3-base", run="token")
    assert "It is not here" in page.error[0].value
    assert "start_random" not in {button.key for button in page.button}  # it would end at the tokenizer
    page.button(key="start_packaged").click().run()
    assert page.session_state.link["model"] == "hf:sentence-transformers/all-MiniLM-L6-v2"


def test_where_weights_are_not_here_random_ones_are_a_press_away(ended):
    asked = replace(ASKED, source=ASKED.source.with_(weights="pretrained"))
    failed = replace(DONE, state="failed", message=say("It is not here."), request=asked.to_json())
    assert "start_random" in {button.key for button in ended(failed).button}


@pytest.mark.parametrize("kept", [True, False])
def test_a_tokenizer_that_a_run_would_have_to_fetch_is_told_before_it_begins(opened, tmp_path, monkeypatch, kept):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    if kept:
        folder = tmp_path / "models--microsoft--deberta-v3-base" / "snapshots" / "0"
        folder.mkdir(parents=True)
        (folder / "spm.model").touch()
    page = opened(model="hf:microsoft/deberta-v3-base", task="sequence-classification")
    told = [box.value for box in page.warning if "tokenizer of deberta" in box.value]
    assert not page.exception and bool(told) is not kept


def test_a_run_stopped_before_anything_was_measured_says_that_and_shows_no_empty_figures(ended):
    bare = {"accuracy_before": None, "accuracy_after": None, "interval": None, "peak_bytes": None, "seconds": None}
    page = ended(replace(DONE, state="stopped", steps=4, step_s=None, **bare))
    assert [box.value for box in page.info] == [
        "Stopped after 4 steps, before accuracy, memory and time were measured."
    ]
    assert not page.metric and "unknown" not in shown(page)
    assert ended(replace(DONE, state="stopped", steps=4)).metric and "to_compare" in {b.key for b in page.button}
    nothing = ended(replace(DONE, state="stopped", device="auto", steps=0, step_s=None, proof=None, **bare))
    assert "AUTO" not in shown(nothing) and "to_compare" not in {button.key for button in nothing.button}


def test_the_samples_that_changed_are_shown_and_their_text_is_no_markup(ended):
    text = shown(ended(DONE))
    assert "1 to right, 1 to wrong" in " ".join(box.label for box in ended(DONE).expander)
    assert PICTURE in text and "&lt;b&gt;" in text and "<i>" not in text


@pytest.mark.parametrize(
    ("lang", "totals", "device"),
    [("en", "Right before 60, right after 480, of 600. Wrong: 540 → 120.", "CPU, 2 threads"),
     ("ja", "600件中の正解: 学習前 60件、学習後 480件。不正解: 540 → 120件。", "CPU、2 スレッド"),
     ("zh", "600 个样本中答对：训练前 60，训练后 480。答错：540 → 120。", "CPU、2 个线程")],
)  # fmt: skip
def test_beside_the_samples_that_changed_stand_all_that_are_right(ended, lang, totals, device):
    page = ended(replace(DONE, device="cpu, 2 threads"), lang=lang)
    assert totals in " ".join(box.label for box in page.expander)
    assert device in shown(page)


def test_a_value_is_shown_by_its_metric(ended):
    result = replace(DONE, accuracy_before=None, accuracy_after=None, interval=None, train_accuracy_after=None,
                     metric="rmse", metric_before=3.0, metric_after=1.5)  # fmt: skip
    page = ended(result)
    assert not page.exception
    assert next(m.value for m in page.metric if "error" in m.label) == "3.000 → 1.500"


@pytest.mark.parametrize(("lang", "text"), [("ja", "学習データでは 0.990"), ("zh", "训练数据上为 0.990")])
def test_it_speaks_the_visitors_language(ended, lang, text):
    assert text in shown(ended(DONE, lang=lang))


@pytest.mark.parametrize(
    ("lang", "problem", "hint"),
    [
        ("en", "The probe ran out of memory at step 7 (batch 32, 96 pixels).", "Try a batch of 16,"),
        ("ja", "ステップ 7 で、メモリが足りなくなりました（バッチ 32、96 画素）。", "バッチを 16 にするか、"),
        ("zh", "试训在第 7 步内存不足（批大小 32，96 像素）。", "请把批大小改为 16，"),
    ],
)
def test_a_run_that_failed_is_stored_so_that_it_is_told_in_the_readers_language(
    opened, helpers, tmp_path, lang, problem, hint
):
    values = {"when": say("at step {step}", step=7), "batch": 32, "size": 96, "unit": say("pixels")}
    message = say("The probe ran out of memory {when} (batch {batch}, {size} {unit}).", **values)
    why = say("Try a batch of {smaller}, or freeze more from the input side.", smaller=16)
    record = RunLog(tmp_path)
    record.finish({**replace(DONE, state="out-of-memory", message=message, hint=why).to_json(), "event": "result"})
    runs = Runs(tmp_path / "runs")
    run = Run("a", "probe", "k", "ann", "running", str(tmp_path), runs.server, 1.0, request=ASKED.to_json())
    runs.add(run)
    runs.store_end(run_ended(run, "interrupted", ""))
    helpers[1].ended = runs.find("a").result
    (error,) = opened(model=RESNET, run="token", lang=lang).error
    assert problem in error.value.replace("\\", "") and hint in error.value.replace("\\", "")


def test_a_run_that_an_older_version_stored_in_plain_text_is_told_as_it_is(opened, helpers, tmp_path):
    failed = replace(DONE, state="failed", message="There is no file 'a.csv'.", hint="Check its path.").to_json()
    (tmp_path / "events.jsonl").write_text(json.dumps({**failed, "event": "result"}) + "\n")
    helpers[1].ended = RunLogReader(tmp_path).read()[-1]
    (error,) = opened(model=RESNET, run="token", lang="zh").error
    assert error.value.replace("\\", "") == "There is no file 'a.csv'.\n\n请检查它的路径。"


def test_what_was_frozen_is_marked_as_unchanged_and_what_moved_as_moved():
    tree = _tree(ModelSource("timm", "resnet18", "none"))
    trains = tuple(parameter.name.startswith("fc") for parameter in tree.parameters)
    marks = marks_by_row(tree, trains, {"layer1.0.conv1.weight"}, Words("en"))
    assert marks["layer1.0.conv1.weight"].kind == marks["layer1.0"].kind == marks["layer1"].kind == "bad"
    assert marks["layer2"].kind == marks["layer1.1.conv1.weight"].kind == "good"
    assert "fc" not in marks and "fc.weight" not in marks


def _sent_link(page) -> str:
    return next(part["query"] for part in sent(page) if part.get("part") == "link")


def _told(page) -> list[str]:
    return [block.value for block in page.markdown if "Measured under" in block.value]


def test_a_result_is_told_as_anothers_once_something_else_is_chosen_and_taken_back_in_one_click(ended, helpers):
    helpers[1].requests.append(ASKED)
    page = ended(DONE)
    proved = next(part for part in sent(page) if part["part"] == "annotations")
    assert "run=token" in _sent_link(page) and not _told(page) and proved["marks"]
    assert decode(proved["proved"], 62) == resolve(ASKED.spec, _tree(ModelSource("timm", "resnet18"))).trains

    typed(page, "train all")
    page.number_input(key="w_batch").set_value(8).run()
    (told,) = _told(page)
    assert "**`freeze all; train fc`**" in told and "**batch 32**" in told
    assert "run=" not in _sent_link(page) and "rules=train+all" in _sent_link(page)
    assert not next(part for part in sent(page) if part["part"] == "annotations")["marks"]

    page.button(key="take_back_token").click().run()
    assert not page.exception and not _told(page) and page.number_input(key="w_batch").value == 32
    assert rules_of(page) == "freeze all\ntrain fc" and "run=token" in _sent_link(page)


@pytest.mark.parametrize(("least", "label"), [(60.0, "Train for a minute"), (3_600.0, "Train, for 1 h or more")])
def test_the_button_promises_a_minute_only_where_it_may_be_one(opened, monkeypatch, least, label):
    monkeypatch.setattr("app.parts.job.foretold", lambda *_: least)
    assert opened(model=RESNET).button(key="start").label == label
