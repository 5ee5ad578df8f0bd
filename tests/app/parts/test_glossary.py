import re

import pytest

from app.parts.glossary import TERMS, terms_html
from app.text import LANGUAGES, Words


@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_term_opens_its_own_sentence_in_the_words_of_its_list(lang):
    words = Words(lang)
    for term in TERMS:
        name = re.search(r"\*\*(.+?)\*\*", words(f"glossary.{term}"))[1]
        shown = terms_html(name, words, "here")
        assert f'popovertarget="term-here-{term}"' in shown or lang != "en", (term, shown)
        assert 'id="term-here-' in shown, (term, shown)


def test_only_the_first_of_a_term_opens_it():
    shown = terms_html("The head trains; a head is new, and the optimizer is not.", Words("en"), "x")
    assert shown.count("<button") == 2 and shown.count("term-x-head") == 3


def test_a_word_that_contains_a_term_is_none_and_text_is_no_markup():
    shown = terms_html("<b>headless</b> & blocked", Words("en"), "x")
    assert "<button" not in shown and shown == "&lt;b&gt;headless&lt;/b&gt; &amp; blocked"
