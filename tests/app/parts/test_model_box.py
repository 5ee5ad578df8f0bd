"""The model box takes what people type."""

import pytest

from freezecore.errors import NotFetched, SourceError
from freezecore.serving import hub
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


def test_the_address_of_a_model_opened_again_holds_nothing_of_the_one_before(opened):
    page = opened(model="hf:microsoft/deberta-v3-base", task="sequence-classification", labels="3", batch="16")
    typed_into(page, "https://huggingface.co/microsoft/deberta-v3-base")
    assert page.session_state.link["labels"] == 2
    assert {name: page.query_params[name] for name in ("labels", "batch")} == {"labels": "2", "batch": "16"}


def test_other_models_that_were_perhaps_meant_are_one_click_away(opened):
    page = opened(model="timm:resnet18")
    typed_into(page, "deberta")
    assert "deberta" in " ".join(text.value for text in page.markdown)
    assert buttons(page)["first_hf:microsoft/deberta-v3-small"] == "DeBERTa-v3-small · 141 M"
    page.button(key="first_hf:microsoft/deberta-v3-small").click().run()
    assert page.session_state.link["model"] == "hf:microsoft/deberta-v3-small"
    assert "first_timm:resnet18" in buttons(page)


def test_words_that_mean_no_model_change_nothing_and_say_so(opened):
    page = opened(model="timm:resnet18")
    typed_into(page, "zzqqxxyy")
    assert "No model is called 'zzqqxxyy'" in messages(page).replace("\\", "")
    assert page.session_state.link["model"] == "timm:resnet18"


def test_a_path_opens_nothing_that_looks_like_it_and_is_told_where_files_go(opened):
    page = opened(model="timm:resnet18")
    typed_into(page, "/nowhere/2.json")
    assert "is a file's path" in messages(page) and "Your own model" in messages(page)
    assert page.session_state.link["model"] == "timm:resnet18"


def test_a_model_that_does_not_open_is_told_with_models_like_it_that_do(opened):
    page = opened(model="timm:resnet18x")
    assert "resnet18x" in messages(page)
    assert "first_timm:resnet18" in buttons(page)
    page.button(key="first_timm:resnet18").click().run()
    assert page.session_state.link["model"] == "timm:resnet18" and not page.error


class StillHub:
    """Look-ups that go on until the test ends them."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.live = True

    def begin(self, source) -> None:
        self.asked.append(source.name)

    def goes_on(self, source) -> bool:
        return self.live and source.name in self.asked

    def fault(self, source):
        return SourceError("The Hub has nothing.", "Check it.") if self.asked and not self.live else None


def test_the_hub_is_asked_when_a_person_presses_and_not_by_a_link(opened, helpers, monkeypatch):
    still = StillHub()
    monkeypatch.setattr(hub, "shared", lambda: still)

    def not_here(source):
        raise NotFetched("It is not kept here.", "Use another.")

    monkeypatch.setattr(helpers[0], "tree", not_here)
    page = opened(model="hf:nobody/has-this")
    assert still.asked == [] and "not kept here" in messages(page)
    page.button(key="ask_hub").click().run()
    assert still.asked == ["nobody/has-this"]
    assert "Asking the Hugging Face Hub" in page.info[0].value and not page.error
    page.button(key="cancel_hub").click().run()
    assert "not kept here" in messages(page), "whoever does not want to wait need not"
    page.button(key="ask_hub").click().run()
    still.live = False
    page.run()
    assert "The Hub has nothing" in messages(page) and not page.exception


def test_a_model_that_does_not_open_leaves_both_rows_of_models_standing(opened):
    page = opened(model="timm:resnett18")
    told = " ".join(block.value for block in page.error)
    assert "resnett18" in told and "Something went wrong" not in told
    assert page.button(key="like_timm:resnet18") and page.button(key="first_timm:resnet18")
