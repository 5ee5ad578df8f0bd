import pytest

from tests.app.test_explore import RESNET, messages


@pytest.fixture
def coded(opened):
    """`coded(rules=…)` is the page with its code pane in sight."""

    def open_pane(**query: str):
        page = opened(**{"model": RESNET, **query})
        return page.segmented_control(key="w_pane").set_value("code").run()

    return open_pane


def buttons(page) -> dict:
    return {button.key: button for button in page.get("download_button")}


def test_two_targets_stand_side_by_side(coded):
    page = coded()
    assert len(page.code) == 1
    page.selectbox(key="w_beside").set_value("lightning").run()
    assert not page.exception and not page.error
    first, second = (block.value for block in page.code)
    assert "requires_grad" in first and "lightning" in second
    assert {"download_pytorch", "download_lightning", "as_notebook"} <= set(buttons(page))


def test_a_target_that_cannot_say_it_is_a_sentence_beside_the_other(coded):
    page = coded(rules="freeze all; train layer1.0.conv1.weight; norms update")
    page.selectbox(key="w_beside").set_value("llama-factory").run()
    assert messages(page)
    assert len(page.code) == 1, "the other one stands"


def test_the_same_target_is_not_shown_twice(coded):
    page = coded()
    assert "pytorch" not in page.selectbox(key="w_beside").options


def test_it_speaks_japanese(coded):
    page = coded(lang="ja")
    assert not page.exception
    assert "ノートブック" in buttons(page)["as_notebook"].proto.label


def test_a_notebook_is_shown_as_its_cells_and_not_as_its_files_json(coded):
    page = coded()
    page.selectbox(key="w_target").set_value("notebook").run()
    shown = page.code[0].value
    assert shown.startswith("# %%") and "import torch" in shown and '"cell_type"' not in shown


@pytest.mark.parametrize(
    ("target", "trainer"),
    [("transformers-trainer", "transformers-trainer"), ("axolotl", "transformers-trainer"), ("fastai", "fastai"),
     ("spec", "pytorch"), ("timm", "pytorch")],
)  # fmt: skip
def test_the_target_sets_whose_loop_the_numbers_are_of(coded, target, trainer):
    page = coded()
    page.selectbox(key="w_target").set_value(target).run()
    assert page.session_state.link["trainer"] == trainer and page.selectbox(key="w_trainer").value == trainer
    assert page.selectbox(key="w_target").value == target
    if trainer != "pytorch":
        assert f"the loop of {trainer}" in " ".join(block.value for block in page.caption)
        page.button(key="undo_trainer").click().run()
        assert page.session_state.link["trainer"] == "pytorch" and page.selectbox(key="w_target").value == "pytorch"


def test_the_trainer_of_the_top_row_and_of_a_link_is_the_target(coded):
    page = coded(trainer="lightning")
    assert page.selectbox(key="w_target").value == "lightning" and "lightning" in page.code[0].value
    page.selectbox(key="w_trainer").set_value("accelerate").run()
    assert page.selectbox(key="w_target").value == "accelerate"
