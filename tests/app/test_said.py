import re

import pytest

from app.text import Words, sentences
from tests.app import said
from tests.app.said import VALUE

SAID = {key.partition(".")[2]: text for key, text in sentences("ja").items() if key.startswith("said.")}


def pattern(english: str) -> re.Pattern:
    return re.compile("(.*?)".join(map(re.escape, re.split(r"\{\d\}", english))), re.DOTALL)


def test_everything_that_can_be_raised_is_said_in_japanese():
    raised = said.sentences()
    assert len(raised) > 300
    words = Words("ja")
    assert {text: where for text, where in raised.items() if words.said(text) == text} == {}


def test_no_japanese_sentence_is_for_something_that_nobody_says():
    said_now = list(said.sentences())
    others = {english: pattern(english) for english in SAID}

    def is_said(english: str) -> bool:
        if any(others[english].fullmatch(text) for text in said_now):
            return True
        filled = re.sub(r"\{\d\}", VALUE, english)  # a special case of a sentence that is said
        return any(shape.fullmatch(filled) for text, shape in others.items() if text != english)

    assert [english for english in SAID if not is_said(english)] == []


def test_the_japanese_names_every_value_but_a_plural_s():
    for english, japanese in SAID.items():
        values = re.findall(r"\{(\d)\}", re.sub(r"(?<=[a-z])\{\d\} ?(?=of pictures|\.$)", "", english))
        assert set(values) <= set(re.findall(r"\{(\d)\}", japanese)), english
        assert set(re.findall(r"\{(\d)\}", japanese)) <= set(re.findall(r"\{(\d)\}", english)), english


@pytest.mark.parametrize(
    ("english", "japanese"),
    [
        ("There is no run 'ab{c}'.", "実行 'ab{c}' はありません。"),
        ("The batch size 9 is out of range.", "バッチサイズ 9 は範囲外です。"),
        (
            "Opening 'timm:x' took longer than 60 s and was stopped.",
            "'timm:x' を開く処理に 60 秒以上かかったため、止めました。",
        ),
        ("Nobody ever said this.", "Nobody ever said this."),
    ],
)
def test_values_stand_in_the_japanese_sentence(english, japanese):
    assert Words("ja").said(english) == japanese
    assert Words("en").said(english) == english


@pytest.mark.parametrize(
    ("seconds", "english", "japanese"),
    [
        (0.12, "0.12 s", "0.12 秒"),
        (60, "1 min", "1 分"),
        (948, "15 min 48 s", "15 分 48 秒"),
        (None, "unknown", "不明"),
    ],
)
def test_a_time_is_told_in_the_units_of_the_language(seconds, english, japanese):
    assert Words("en").seconds(seconds) == english
    assert Words("ja").seconds(seconds) == japanese
