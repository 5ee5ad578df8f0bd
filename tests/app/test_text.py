import ast
import re
import string
from pathlib import Path

import pytest

from app.text import LANGUAGES, Words, sentences
from tests.app.templates import put_together, templates, unsaid

APP = Path(__file__).parents[2] / "app"
ENGLISH = sentences("en")
OTHERS = [lang for lang in LANGUAGES if lang != "en"]
OWN_TESTS = ("said.", "tree.", "language")  # held complete elsewhere, or read without a call
OPTIONAL = ("preset.", "target.", "phase.")  # where a language has none, the name itself is shown
CALLS = {"words", "w", "either"}


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
