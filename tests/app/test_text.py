import ast
import re
import string
from pathlib import Path

import pytest

from app.text import LANGUAGES, Words, sentences

APP = Path(__file__).parents[2] / "app"
OTHERS_WORDS = (
    "finding.",
    "preset.",
    "target.",
    "phase.",
    "said.",
    "value.",
    "suggestion.",
    "tree.",
    "language",
)  # said by freezecore in English, translated here
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


def test_both_languages_have_the_same_sentences():
    own = [{key for key in sentences(lang) if not key.startswith(OTHERS_WORDS)} for lang in LANGUAGES]
    assert own[0] == own[1]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_sentence_is_missing(lang):
    keys, starts = used_keys()
    known = sentences(lang)
    assert {key for key in keys if key not in known and not key.startswith(OTHERS_WORDS)} == set()
    assert {start for start in starts if not any(key.startswith(start) for key in known)} <= set(OTHERS_WORDS)


def test_no_sentence_is_unused():
    keys, starts = used_keys()
    unused = {key for key in sentences("en") if key not in keys and not key.startswith((*starts, *OTHERS_WORDS))}
    assert unused == set()


def test_both_languages_fill_in_the_same_fields():
    def fields(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    plotly = re.compile(r"%\{[^}]*\}")
    english, japanese = (sentences(lang) for lang in LANGUAGES)
    for key in english.keys() & japanese.keys():
        pair = [plotly.sub("", text[key]) for text in (english, japanese)]
        assert fields(pair[0]) == fields(pair[1]), key


def test_what_is_not_translated_stands_in_the_words_it_came_with():
    assert Words("ja").either("finding.no-such-code", "The English sentence.") == "The English sentence."
    assert Words("en")("cost.largest", batch=8) == "up to batch 8"


def test_every_finding_has_a_japanese_sentence():
    review = APP.parent / "freezecore" / "_review"
    codes = set()
    for file in review.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding" and node.args:
                codes |= {n.value for n in ast.walk(node.args[0]) if isinstance(n, ast.Constant) and n.value}
    assert len(codes) > 10
    assert {code for code in codes if f"finding.{code}" not in sentences("ja")} == set()
