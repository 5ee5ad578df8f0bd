"""The editor of rules: what its browser half says, and what its Python half takes back."""

import re

import pytest

from app.components.rules_editor import HERE, LONGEST_TYPED, MODULES, editor_strings
from app.components.scripts import script
from app.text import LANGUAGES
from tests.app.test_explore import RESNET, rules_of, typed

SCRIPT = script(HERE / "js", MODULES)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_browser_says_every_sentence_of_the_editor_and_no_other(lang):
    said = set(re.findall(r"\bwords\.(\w+)", SCRIPT))
    assert said == set(editor_strings(lang))


def test_typed_text_beyond_what_the_box_takes_is_cut(opened):
    page = typed(opened(model=RESNET), "freeze all" + " " * LONGEST_TYPED + "; train all")
    assert not page.exception and rules_of(page) == "freeze all"
