import pytest

from tests.app.test_explore import RESNET, messages, rules_of

PYTHON = "for name, p in model.named_parameters():\n    p.requires_grad = name.startswith('layer4')\n"


@pytest.fixture
def importing(opened):
    """`importing(text)` is the page of a ResNet-18 with the text read in its import pane."""

    def open_pane(text: str, **query: str):
        page = opened(model=RESNET, **query)
        page.segmented_control(key="w_pane").set_value("import").run()
        page.text_area(key="w_import").set_value(text).run()
        return page

    return open_pane


def shown(page) -> str:
    return " ".join(block.value for kind in (page.markdown, page.caption, page.code) for block in kind)


def ticked(page) -> str:
    return rules_of(page)


@pytest.mark.parametrize(
    ("text", "kind", "rules"),
    [
        ("freeze all; train layer4", "rules", "freeze all\ntrain layer4"),
        ("layer4.0.conv1.weight True\nfc.weight True\nbn1.weight False", "a list of names", "freeze bn1.weight"),
        (PYTHON, "Python", "train layer4"),
        ("modules_to_save: [fc]", "a PEFT configuration", "head"),
        ("unfrozen_parameters:\n  - fc.*", "an axolotl configuration", "head"),
    ],
)
def test_what_a_person_has_becomes_ticks_with_one_button(importing, text, kind, rules):
    page = importing(text, rules="train all")
    before = ticked(page)
    assert f"**{kind}**" in shown(page)
    assert ticked(page) == before, "reading alone changes nothing"
    page.button(key="import_use").click().run()
    assert not page.exception and not page.error
    assert rules in ticked(page)


def test_what_was_left_out_is_named_before_it_is_used(importing):
    page = importing("layer4.0.conv1.weight True\nlayer9.conv7.weight True\nlayer4.1.conv1.weight perhaps\n")
    button = page.button(key="import_use")
    assert "without the" in button.label
    assert "layer9.conv7.weight" in shown(page)
    assert [box.label.split(":")[0] for box in page.expander if "Could not" in box.label or "Not in" in box.label]


def test_each_line_of_a_script_shows_what_it_did_before_it_is_taken_over(importing):
    page = importing("model.requires_grad_(False)\nmodel.fc.requires_grad_(True)\nmodel.fc.requires_grad = True\n")
    lines = shown(page)
    assert "line 1: model.requires_grad_(False)   (froze 62, trained 0)" in lines
    assert "line 2: model.fc.requires_grad_(True)   (froze 0, trained 2)" in lines
    assert "line 3: model.fc.requires_grad = True   (it sets an attribute of a module and freezes nothing" in lines


def test_the_selection_that_is_ticked_already_needs_no_button(importing):
    page = importing("freeze all; train fc", rules="freeze all; train fc")
    assert page.button(key="import_use").disabled
    assert "what is ticked now" in shown(page)


@pytest.mark.parametrize("text", ["hello world, this is prose", "freeze all; train layer99", '{"nbformat": 4}'])
def test_what_cannot_be_read_is_a_sentence(importing, text):
    page = importing(text)
    assert messages(page)
    assert not page.exception
    assert not any(button.key == "import_use" for button in page.button)


def test_the_pane_speaks_japanese(importing):
    page = importing("freeze all; train layer4", lang="ja")
    assert "ルール" in shown(page)
    page.button(key="import_use").click().run()
    assert ticked(page) == "freeze all\ntrain layer4"


def test_a_pasted_adapter_is_shown_and_taken_into_the_model_with_its_rules(importing):
    config = "LoraConfig(r=4, target_modules=['conv1'], modules_to_save=['fc'])"
    page = importing(f"from peft import LoraConfig, get_peft_model\nmodel = get_peft_model(model, {config})\n")
    assert "lora r=4 on *.conv1" in shown(page) and "freeze all\ntrain adapters head" in shown(page)
    page.button(key="import_use").click().run()
    assert not page.exception and not page.error
    assert page.session_state.link["adapter"] == "lora r=4 on *.conv1"
    assert "train adapters head" in ticked(page)
