import ast
import re
import string
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from app.parts.import_selection import FILE_MIB
from app.service import uploads
from app.text import LANGUAGES, Words, sentences
from freezecore.datasets import SHAPES
from freezecore.sentences import joined, say
from tests.app.templates import put_together, templates, unsaid

APP = Path(__file__).parents[2] / "app"
ENGLISH = sentences("en")
OTHERS = [lang for lang in LANGUAGES if lang != "en"]
OWN_TESTS = ("said.", "tree.", "editor.", "language")  # held complete elsewhere, or read without a call
OPTIONAL = ("preset.", "target.", "phase.")  # where a language has none, the name itself is shown
CALLS = {"words", "w", "either", "self"}


def used_keys() -> tuple[set[str], set[str]]:
    """Literal keys, and prefixes of keys that are put together, in every call of a `Words`."""
    keys, starts = set(), set()
    for file in APP.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name not in CALLS:
                continue
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                keys.add(first.value)
            elif isinstance(first, ast.JoinedStr) and isinstance(first.values[0], ast.Constant):
                starts.add(first.values[0].value)
            elif isinstance(first, ast.BinOp) and isinstance(first.left, ast.Constant):
                starts.add(first.left.value)
    return keys, starts


def fields(text: str) -> set[tuple[str, str]]:
    """What a sentence fills in, and how it is written; Plotly's own fields aside."""
    parts = string.Formatter().parse(re.sub(r"%\{[^}]*\}", "", text))
    return {(name, layout) for _, name, layout, _ in parts if name}


@pytest.mark.parametrize("lang", OTHERS)
def test_every_language_has_the_sentences_of_the_page(lang):
    found = {key for key in sentences(lang) if not key.startswith("said.")}
    assert found == {key for key in ENGLISH if not key.startswith("said.")}


@pytest.mark.parametrize("lang", OTHERS)
def test_every_language_has_what_freezecore_says(lang):
    found = {key.removeprefix("said.") for key in sentences(lang) if key.startswith("said.")}
    assert {template: place for template, place in templates().items() if template not in found} == {}
    assert found - set(templates()) == set(), "said by nobody"


@pytest.mark.parametrize("lang", OTHERS)
def test_a_sentence_fills_in_the_same_fields_in_every_language(lang):
    for key, text in sentences(lang).items():
        assert fields(text) == fields(key.removeprefix("said.") if key.startswith("said.") else ENGLISH[key]), key


def test_whatever_freezecore_says_can_be_told_in_another_language():
    assert len(templates()) > 600
    assert put_together() == [], "a template is a literal; its values are named"
    assert unsaid() == {}, "a sentence goes through `say`"


def test_no_sentence_is_missing():
    keys, starts = used_keys()
    assert {key for key in keys if key not in ENGLISH and not key.startswith(OPTIONAL)} == set()
    assert {start for start in starts if not any(key.startswith(start) for key in ENGLISH)} <= set(OPTIONAL)


def test_no_sentence_is_unused():
    keys, starts = used_keys()
    unused = {key for key in ENGLISH if key not in keys and not key.startswith((*starts, *OWN_TESTS, *OPTIONAL))}
    assert unused == set()


def test_what_is_not_translated_stands_in_the_words_it_came_with():
    assert Words("ja").either("target.no-such-target", "The English sentence.") == "The English sentence."
    assert Words("en")("cost.largest", batch=8) == "up to batch 8"


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("value", ["head", "Python (Lightning)", "「head」", "12"])
def test_what_is_meant_to_be_bold_is_bold(lang, value):
    bold = {key: text for key, text in sentences(lang).items() if "**" in text and not key.startswith("said.")}
    assert len(bold) > 5
    for key, text in bold.items():
        alone = re.sub(r"\{\w+\}", value, text)
        for said in (alone, Words(lang).together(alone, "10.")):  # whatever sentence comes next
            drawn = MarkdownIt().render(said)
            assert "**" not in drawn and "<strong>" in drawn, key


@pytest.mark.parametrize("lang", LANGUAGES)
def test_memory_has_one_unit(lang):
    told = {"fit.units", "said.Write something like 16GB or 14.6GiB."}
    assert {key for key, text in sentences(lang).items() if re.search(r"\d ?[GM]iB|[GM]iB", text)} <= told


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_notes_on_one_seed_speak_of_one(lang):
    one = sentences(lang)["search.found_once"]
    assert "{seeds}" not in one and "seeds" not in one


ODD_JAPANESE = (
    "最適化手法", "最適化の状態", "乱数の種", "1回の更新", "1回のメモリ", "1回の時間", "気づき",
    "誤り", "使える量", "空けておく余裕", "費用", "持ち帰", "柱", "全部学習",
    "定番の選び方", "出力側2", "出力層", "割り当て器", "見たことのない", "本当に学習", "損失が数で",
    "最前線", "上回るものなし", "信号対雑音", "塔", "融合", "表引き", "計算機",
    "手に入り", "出どころ", "書いたファイル", "一巡", "プローブは", "あなた", "六つ",
)  # fmt: skip


def test_japanese_uses_the_words_of_the_field():
    japanese = {key: text for key, text in sentences("ja").items() if not key.startswith("import.example")}
    found = {(word, key) for key, text in japanese.items() for word in ODD_JAPANESE if word in text}
    assert found == set()
    assert japanese["page.classroom"] == "授業" and japanese["top.precision"] == "数値精度"


def test_english_uses_the_words_of_the_field():
    odd = {"Price", "Over", "By", "Bring runs", "Mend", "Beside it", "Kernels", "Front", "unbeaten", "Scored by"}
    assert odd.isdisjoint(ENGLISH.values())
    assert not [text for text in ENGLISH.values() if "cannot be had" in text or "run below" in text]
    assert not [template for template in templates() if "cannot be had" in template]


@pytest.mark.parametrize(
    ("lang", "two", "list_of"),
    [("en", "Take a sample of it. Begin a new one.", "classes, values"),
     ("ja", "一部を取り出してください。新しく始めてください。", "クラス、数値"),
     ("zh", "请取其中一部分。请新建一个。", "类别、数值")],
)  # fmt: skip
def test_sentences_and_lists_are_set_as_the_language_sets_them(lang, two, list_of):
    words, both = Words(lang), (say("Take a sample of it."), say("Begin a new one."))
    assert words.said(joined(both, " ")) == two == words.together(None, *map(words.said, both))
    assert words.said(joined((say("classes"), say("values")))) == list_of


@pytest.mark.parametrize("lang", OTHERS)
def test_each_shape_that_is_drawn_here_has_a_name_of_its_own(lang):
    named = [Words(lang).either(f"shape.{name}", name) for name in SHAPES]
    assert len(set(named)) == len(SHAPES) and not set(named) & set(SHAPES)


def test_the_sizes_below_drop_zones_are_those_that_are_taken():
    css = (APP / "theme" / "page.css").read_text(encoding="utf-8")
    for key, most in (
        ("w_upload", uploads.LARGEST_MODEL_MIB),
        ("w_own_data", uploads.LARGEST_MIB),
        ("w_import_file", FILE_MIB),
    ):
        assert f'.st-key-{key} {{ --largest: "≤ {most} MB"; }}' in css


def test_japanese_puts_no_blank_between_a_number_and_its_counter_nor_before_the_verb():
    apart = re.compile(r"[}0-9] (件|個|回|枚|人|行目|文字|通り)|\} でした")
    assert {key: text for key, text in sentences("ja").items() if apart.search(text)} == {}


ODD = {
    "ja": "：|[ぁ-ん一-龥][,;?!]|[}0-9] (件|個|回|枚|人|行目|文字|通り)|クラス用:",
    "zh": "[一-龥][,:;?!]|跟踪|当前选择|您|(?<!输出)头部",
}


@pytest.mark.parametrize(("lang", "odd"), ODD.items())
def test_punctuation_and_terms_are_the_same_throughout(lang, odd):
    assert {key: text for key, text in sentences(lang).items() if re.search(odd, text)} == {}


def test_no_japanese_word_is_spelt_in_two_ways():
    words = set(re.findall("[ァ-ヶー]{3,}", " ".join(sentences("ja").values())))
    assert {word for word in words if word.endswith("ー") and word[:-1] in words} == set()


@pytest.mark.parametrize("file", sorted((APP.parent / "docs").glob("*.ja.md")), ids=lambda file: file.stem)
def test_the_japanese_documents_use_the_same_words(file):
    text = file.read_text(encoding="utf-8")
    assert [word for word in ODD_JAPANESE if word in text] == []
