import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.text import LANGUAGES, Words
from freezecore._presets import first_blocks
from freezecore._resolve import resolve
from freezecore.calibration import Calibration, CalibrationRow
from freezecore.errors import TraceError
from freezecore.spec import FreezeSpec
from tests.app.conftest import drawn
from tests.freezecore.samples import load

RESNET = "timm:resnet18"


def messages(page) -> str:
    """Every sentence that tells of a fault or a hint."""
    return " ".join(block.value for kind in (page.error, page.warning, page.info) for block in kind)


def figures(page) -> dict[str, str]:
    """The numbers above the charts by name."""
    names = next(data["numbers"] for data in mounted(page) if "numbers" in data)
    numbers = next(part["numbers"] for part in sent(page) if "numbers" in part)
    return {name: text for (name, _), (text, *_) in zip(names, numbers, strict=True)}


def mounted(page) -> list[dict]:
    """What the page's own components were given."""
    return [json.loads(element.proto.json) for element in page.get("bidi_component")]


def sent(page) -> list[dict]:
    """The parts of all messages to them."""
    return [part for data in mounted(page) for part in data.get("parts", ()) if isinstance(part, dict)]


def rules_of(page) -> str:
    """What the box of rules shows."""
    (text,) = [part["text"] for part in sent(page) if part["part"] == "text"]
    return text


def typed(page, text: str):
    """The page after a person has typed these rules and left the box; its component is none of `AppTest`'s widgets."""
    states = page._tree.get_widget_states()
    (box,) = [element.proto for element in page.get("bidi_component") if json.loads(element.proto.json).get("follows")]
    states.widgets.add(id=box.id, json_value=json.dumps({"typed": {"text": text, "at": time.monotonic()}}))
    return page._run(states)


def test_a_link_opens_the_model_with_its_rules_and_its_numbers(opened):
    page = opened(model=RESNET, rules="freeze all; train fc", batch="8")
    assert not page.exception and not page.error
    assert page.number_input(key="w_size").placeholder == "224 pixels"
    assert rules_of(page) == "freeze all\ntrain fc"
    assert page.number_input(key="w_batch").value == 8
    assert figures(page)["Peak memory"].endswith("MB")
    assert re.fullmatch(r"up to batch [\d,]+", next(part["text"] for part in sent(page) if part["part"] == "largest"))


def test_a_model_opens_with_its_head_alone(opened):
    assert rules_of(opened(model=RESNET)) == "freeze all\ntrain head"


def test_more_training_costs_more(opened):
    page = opened(model=RESNET)
    head = figures(page)["Backward work"]
    typed(page, "train all")
    assert (head.split()[1], figures(page)["Backward work"].split()[1]) == ("MFLOP", "GFLOP")


def test_the_batch_changes_the_peak_without_a_new_trace(opened, helpers):
    page = opened(model=RESNET)
    before = figures(page)["Peak memory"]
    page.number_input(key="w_batch").set_value(256).run()
    assert figures(page)["Peak memory"] != before


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("frieze head", "Line 1, column 1:"),
        ("freeze all; train hed", "hed"),
        ("freeze all\ntrain regex:(", "Line 2"),
    ],
)
def test_rules_that_cannot_be_used_show_where_and_keep_the_text(opened, text, sentence):
    page = opened(model=RESNET)
    numbers = figures(page)
    typed(page, text)
    assert sentence in messages(page)
    assert rules_of(page) == text
    assert figures(page) == numbers


def test_a_preset_writes_its_rules(opened):
    page = opened(model=RESNET)
    page.pills(key="w_preset").set_value("biases-only").run()
    assert "train biases" in rules_of(page)


def test_the_stepper_freezes_the_input_side(opened):
    page = opened(model=RESNET)
    page.number_input(key="w_first_n").set_value(2).run()
    rules = rules_of(page)
    assert "blocks:0-1" in rules
    tree = load("resnet18")
    assert resolve(FreezeSpec.parse(rules), tree).trains == first_blocks(tree, 2).trains


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"model": "timm:resnet-18"}, "resnet18"),
        ({"model": "timm:resnet18", "rules": "freeze nothing_like_it"}, "nothing\\_like\\_it"),
        ({"model": "resnet18"}, "model"),
        ({"model": "timm:resnet18", "rules": "x" * 10_000}, "rules"),
        ({"model": "timm:resnet18", "batch": "-5", "steal": "1"}, "batch, steal"),
        ({"model": "timm:resnet18", "rules": "freeze\x00all"}, "rules"),
    ],
)
def test_hostile_and_broken_links_are_a_sentence(opened, query, sentence):
    page = opened(**query)
    assert not page.exception
    assert len(page.selectbox) > 2, "the page stays usable"


def test_what_a_link_cannot_say_is_named_until_the_visitor_goes_on(opened):
    page = opened(model=RESNET, steal="1")
    assert "steal" in messages(page)
    page.number_input(key="w_batch").set_value(8).run()
    assert "steal" not in messages(page)


def test_a_size_that_no_step_has_gives_way_to_the_models_own(opened):
    page = opened(model=RESNET)
    numbers = figures(page)
    page.number_input(key="w_size").set_value(7).run()
    assert "from 8 to 4,096" in messages(page)
    assert (figures(page), page.number_input(key="w_size").value) == (numbers, None)


def test_the_size_of_a_model_that_reads_text_counts_tokens(opened):
    page = opened(model="config:modernbert", size="5000", card="cpu")
    assert not page.error
    assert figures(page)["Peak memory"].endswith("GB")


def test_the_last_good_numbers_stay_marked_as_old(opened, helpers):
    page = opened(model=RESNET)
    numbers = figures(page)
    helpers[0].broken = TraceError("An image of 64 x 64 is too small for resnet18.", "Choose a larger one.")
    page.number_input(key="w_size").set_value(64).run()
    page.run()
    assert "too small" in messages(page)
    assert figures(page) == numbers
    assert [part["old"] for part in sent(page) if part["part"] == "selection"] == [True]
    page.number_input(key="w_size").set_value(None).run()
    assert [part["old"] for part in sent(page) if part["part"] == "selection"] == [False]


def test_a_step_that_cannot_be_followed_leaves_the_rest_standing(opened, helpers):
    helpers[0].broken = TraceError("The step of resnet18 branches on its data.", "Weights are still counted.")
    page = opened(model="timm:resnet18", size="64")
    assert "branches on its data" in messages(page)
    assert figures(page)["Peak memory"] == "unknown"
    assert rules_of(page)


def test_a_probe_starts_with_what_is_ticked_and_is_found_again_by_its_link(opened, helpers):
    page = opened(model=RESNET, rules="freeze all; train fc")
    page.button(key="start").click().run()
    request = helpers[1].requests[0]
    assert (str(request.spec), request.data, request.source.weights) == ("freeze all; train fc", "shapes", "pretrained")
    again = opened(model=RESNET, run="token")
    assert again.button(key="stop").disabled, "only who started it may stop it"
    page.button(key="stop").click().run()
    assert helpers[1].requests[-1] == "control"


def test_a_run_that_is_told_to_stop_says_at_once_that_it_is_stopping(opened):
    page = opened(model=RESNET, rules="freeze all; train fc")
    page.button(key="start").click().run()
    assert "Training on" in page.get("progress")[0].proto.text
    page.button(key="stop").click().run()
    assert page.get("progress")[0].proto.text == "Stopping…"
    assert page.button(key="stop").disabled


def test_nothing_to_train_cannot_be_tried(opened):
    page = opened(model=RESNET, rules="freeze all")
    assert page.button(key="start").disabled
    assert "Nothing trains" in messages(page)


def test_a_run_that_is_gone_is_a_sentence(opened):
    page = opened(model=RESNET, run="gone")
    assert not page.exception
    assert "no run" in messages(page)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_speaks_the_language_of_its_link(opened, lang):
    page, words = opened(model=RESNET, lang=lang), Words(lang)
    assert not page.exception and not page.error
    assert words("cost.peak") in figures(page)
    chosen = page.selectbox(key="w_lang")
    assert (chosen.value, chosen.options) == (lang, ["English", "日本語", "简体中文"])


def test_the_web_process_never_imports_torch():
    root = Path(__file__).parents[2]
    code = "import sys, app.views.explore, app.views.compare, app.views.learn, app.views.classroom; "
    code += "found = {'torch', 'timm', 'transformers'} & set(sys.modules); sys.exit(str(found) if found else 0)"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_chosen_card_brings_its_kernels_its_memory_and_its_warning_to_every_number(opened):
    page = opened(model=RESNET, rules="train all", batch="600", precision="bf16-autocast")
    assert "Fits on a T4?" in figures(page)
    peak, work = figures(page)["Peak memory"], next(p["text"] for p in sent(page) if p["part"] == "largest")
    assert "no native bf16" in work
    drawn(page.selectbox(key="w_card").set_value("l4-24").run())
    assert "Fits on an L4?" in figures(page) and figures(page)["Peak memory"] == peak
    assert "bf16" not in next(p["text"] for p in sent(page) if p["part"] == "largest")
    drawn(page.selectbox(key="w_card").set_value("cpu").run())
    assert figures(page)["Fits on a GPU?"] == "–"


def test_the_pane_of_one_step_draws_the_peak_that_the_numbers_tell(opened):
    page = opened(model=RESNET, rules="freeze all; train head", batch="8")
    page.segmented_control(key="w_pane").set_value("timeline").run()
    told = next(block.proto.body for block in page.get("html") if "at most" in block.proto.body)
    assert f"at most {figures(page)['Peak memory']}, " in told and len(page.get("plotly_chart")) == 1


def test_two_cards_are_priced_each_and_a_measured_card_is_shown(opened, monkeypatch):
    measured = Calibration(
        "Tesla T4", "cuda", 15 * 10**9, "7.5", (CalibrationRow(RESNET, "", "fp32", 4, 100, 101, 120),)
    )
    monkeypatch.setattr("freezecore.calibration.kept", lambda: [measured])
    page = opened(model=RESNET, rules="train all", batch="8")
    page.segmented_control(key="w_pane").set_value("fit").run()
    page.number_input(key="w_world").set_value(2).run()
    alone = figures(page)["Peak memory"]
    for sharding, more in (("ddp", True), ("fsdp", False)):
        page.selectbox(key="w_sharding").set_value(sharding).run()
        told = next(block.value for block in page.markdown if "Each of 2 cards" in block.value)
        assert (float(re.search(r": ([0-9.]+) MB", told)[1]) > float(alone.split()[0])) is more, told
    assert any("Tesla T4" in block.value and "measured on" in block.value for block in page.markdown)


@pytest.mark.parametrize("batch", ["300", "1500", "9000"])
def test_freezing_as_little_as_fits_fits_on_the_chosen_card(opened, batch):
    page = opened(model=RESNET, rules="train all", batch=batch)
    page.segmented_control(key="w_pane").set_value("fit").run()
    page.button(key="fit_budget").click().run()
    page.run()
    assert figures(page)["Fits on a T4?"] == "yes" or "needs more" in messages(page) or "takes" in messages(page)


def test_a_schedule_is_priced_by_its_dearest_phase(opened):
    gradual = opened(model=RESNET, rules="freeze all; train head; from epoch 3: train all")
    everything = opened(model=RESNET, rules="train all")
    assert figures(gradual)["Peak memory"] == figures(everything)["Peak memory"]
    largest = [next(p["text"] for p in sent(page) if p["part"] == "largest") for page in (gradual, everything)]
    assert largest[0] == largest[1]
    assert "from epoch 3 on" in next(p["note"] for p in sent(gradual) if p["part"] == "selection")


def test_whatever_changed_the_selection_is_undone_a_step_at_a_time(opened):
    page = opened(model=RESNET)
    assert page.button(key="undo_rules").disabled
    page.pills(key="w_preset").set_value("biases-only").run()
    typed(page, "train all")
    typed(page, "trian all")
    assert "still show the last selection" in " ".join(block.value for block in page.caption)
    assert figures(page)["Backward work"].endswith("GFLOP")
    undone = []
    for _ in range(3):
        page.button(key="undo_rules").click().run()
        undone.append(rules_of(page))
    assert undone[0] == "train all" and "bias" in undone[1] and undone[2] == "freeze all\ntrain head"
    assert page.button(key="undo_rules").disabled and not messages(page)


def test_undo_takes_back_what_was_chosen_in_the_top_row(opened):
    page = opened(model=RESNET)
    page.number_input(key="w_batch").set_value(64).run()
    page.selectbox(key="w_precision").set_value("fp16-autocast").run()
    page.pills(key="w_preset").set_value("full").run()
    for batch, precision, rules in ((64, "fp16-autocast", None), (64, "fp32", None), (32, "fp32", None)):
        page.button(key="undo_rules").click().run()
        link = page.session_state.link
        assert (link["batch"], link["precision"], link["rules"]) == (batch, precision, rules)
    assert page.button(key="undo_rules").disabled


def test_the_stepper_shows_no_number_that_is_not_the_selections(opened):
    page = opened(model=RESNET, rules="train all")
    assert page.number_input(key="w_first_n").value is None
    page.number_input(key="w_first_n").set_value(2).run()
    assert page.number_input(key="w_first_n").value == 2
    page.pills(key="w_preset").set_value("biases-only").run()
    assert page.number_input(key="w_first_n").value is None


def test_a_links_rules_that_hit_nothing_leave_a_page_to_mend_them_on_also_of_a_model_that_is_known(opened):
    opened(model=RESNET)
    page = opened(model=RESNET, rules="freeze all; train 1")
    assert "matches" in messages(page) and figures(page)["Peak memory"]
    assert rules_of(page) == "freeze all; train 1"
