"""The model box takes what people type."""

import pytest

from tests.app.test_explore import messages

TYPED = {
    "bert": ("config:bert", None),
    "resnet50": ("timm:resnet50", None),
    "DeBERTa v3 small": ("hf:microsoft/deberta-v3-small", None),
    "https://huggingface.co/Qwen/Qwen3-0.6B": ("hf:Qwen/Qwen3-0.6B", None),
    'AutoModelForSequenceClassification.from_pretrained("microsoft/deberta-v3-base", num_labels=7)': (
        "hf:microsoft/deberta-v3-base",
        7,
    ),
}


def typed_into(page, text: str):
    """The page after a text of no option was entered; the test page knows only options, so it becomes one."""
    box = page.selectbox(key="w_model")
    box.options = [*box.options, text]
    return box.set_value(text).run()


def buttons(page) -> dict[str, str]:
    return {button.key: button.label for button in page.button if (button.key or "").startswith("first_")}


@pytest.mark.parametrize("typed", TYPED)
def test_what_is_typed_opens_what_it_means(opened, typed):
    page = opened(model="timm:resnet18")
    typed_into(page, typed)
    source, labels = TYPED[typed]
    assert not page.error and not page.exception
    assert page.session_state.link["model"] == source
    assert labels is None or page.session_state.link["labels"] == labels


def test_other_models_that_were_perhaps_meant_are_one_click_away(opened):
    page = opened(model="timm:resnet18")
    typed_into(page, "deberta")
    assert "deberta" in " ".join(text.value for text in page.markdown)
    assert buttons(page)["first_microsoft/deberta-v3-small"] == "DeBERTa-v3-small · 141 M"
    page.button(key="first_microsoft/deberta-v3-small").click().run()
    assert page.session_state.link["model"] == "hf:microsoft/deberta-v3-small"
    assert "first_resnet18" in buttons(page)


def test_words_that_mean_no_model_change_nothing_and_say_so(opened):
    page = opened(model="timm:resnet18")
    typed_into(page, "zzqqxxyy")
    assert "No model is called 'zzqqxxyy'" in messages(page).replace("\\", "")
    assert page.session_state.link["model"] == "timm:resnet18"


def test_a_model_that_does_not_open_is_told_with_models_like_it_that_do(opened):
    page = opened(model="timm:resnet18x")
    assert "resnet18x" in messages(page)
    assert "first_resnet18" in buttons(page)
    page.button(key="first_resnet18").click().run()
    assert page.session_state.link["model"] == "timm:resnet18" and not page.error
