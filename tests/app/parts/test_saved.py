"""What a browser kept is found again by the same browser, and by no other."""

import pytest

from app import state
from app.service import belongings, gallery
from tests.app.test_explore import rules_of

UPLOAD = "file:uploads/" + "0" * 32 + "/my_net.json"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("FREEZE_EXPLORER_HOME", str(tmp_path / "home"))


def test_a_selection_saved_by_name_is_taken_again_on_a_later_visit_and_can_be_deleted(opened, monkeypatch):
    monkeypatch.setattr(state, "owner", lambda: "somebody")
    page = opened(model="timm:resnet18", rules="freeze all; train layer4")
    page.text_input(key="w_saved_name").set_value("Last *stage*").run()
    page.button(key="saved_save").click().run()

    later = opened(model="timm:resnet18", rules="train all")
    assert later.button(key="saved_take_0").label == "Last \\*stage\\*"
    later.button(key="saved_take_0").click().run()
    assert rules_of(later) == "freeze all\ntrain layer4"
    assert belongings.of("another", "selection") == {}

    later.button(key="saved_drop_0").click().run()
    assert belongings.of("somebody", "selection") == {}


def test_the_newest_belongings_stay_and_all_of_them_can_be_forgotten():
    for count in range(belongings.MOST + 5):
        belongings.add("somebody", "text", f"uploads/{count}.csv")
    belongings.add("somebody", "text", "uploads/9.csv")
    kept = list(belongings.of("somebody", "text"))
    assert len(kept) == belongings.MOST and kept[-1] == "uploads/9.csv"
    belongings.forget("somebody")
    assert belongings.of("somebody", "text") == {}


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (UPLOAD, "my_net"),
        (UPLOAD.replace("file:", "config:"), "my_net"),
        ("file:models/mine.json", "mine"),
        ("config:bert", "BERT-base"),
        ("timm:resnet26", "timm:resnet26"),
    ],
)
def test_a_model_of_ones_own_is_called_by_the_name_of_its_file(source, name):
    assert gallery.name_of(source) == name
