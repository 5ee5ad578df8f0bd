"""The site's own sentences: the same in every language, and all that are used."""

import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from app.link import Link
from app.text import LANGUAGES, sentences
from freezecore.cli import parser
from static.answers import command, page_words, view_words
from static.words import SiteWords, site_sentences
from tests.app.test_text import ODD, fields

STATIC = Path(__file__).parents[2] / "static"
ENGLISH = site_sentences("en")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_language_has_the_same_sentences_with_the_same_fields(lang):
    found = site_sentences(lang)
    assert {key: fields(text) for key, text in found.items()} == {key: fields(text) for key, text in ENGLISH.items()}
    assert found == ENGLISH if lang == "en" else found != ENGLISH


@pytest.mark.parametrize(("lang", "odd"), ODD.items())
def test_the_site_writes_as_the_page_does(lang, odd):
    assert {key: text for key, text in site_sentences(lang).items() if re.search(odd, text)} == {}


def test_none_of_them_hides_one_of_the_page():
    assert set(ENGLISH).isdisjoint(sentences("en"))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_the_shell_asks_for_is_there(lang):
    asked = {
        key for file in (STATIC / "shell").glob("*.js") for key in re.findall(r'words\["([\w.]+)"\]', file.read_text())
    }
    assert len(asked) > 20
    assert asked - set(page_words(SiteWords(lang))) - set(view_words(SiteWords(lang))) == set()


@pytest.mark.parametrize(("adapter", "extra"), [(None, "models"), ("lora r=8 on *.query", "peft")])
def test_the_command_for_a_machine_of_ones_own_can_be_typed(adapter, extra):
    link = Link("config:bert", "freeze all; train head", batch=8, labels=3, adapter=adapter)
    install, typed = command(link, SiteWords("en")).split("\n")
    assert install == f"pip install 'freeze-explorer[{extra}]'"
    read = parser(["estimate"]).parse_args(shlex.split(typed)[1:])
    assert (read.source, read.rules, read.batch_size, read.num_labels) == (link.model, link.rules, 8, 3)
    assert read.adapter == adapter
    assert (read.sequence_length, read.image_size, read.accumulate, read.trainer) == (None, None, 1, "pytorch")
    own = replace(link, size=512, accumulate=4, trainer="fastai")
    read = parser(["estimate"]).parse_args(shlex.split(command(own, SiteWords("en"), text=True).split("\n")[1])[1:])
    assert (read.sequence_length, read.accumulate, read.trainer) == (512, 4, "fastai")


def test_none_of_them_is_unused():
    files = [*STATIC.glob("*.py"), *(STATIC / "shell").glob("*.js")]
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    told = {key.removeprefix("site.probe_") for key in ENGLISH if key.startswith("site.probe_")}
    pictures = {key for key in ENGLISH if key.startswith("site.own_")}
    own = {key for key in ENGLISH if key.startswith("site.") and key.removeprefix("site.probe_") not in told} - pictures
    assert {key for key in own if key not in text} == set()
    assert {key for key in told if f'"{key}"' not in text and f"probe_{key}" not in text} == set()
    named = {key.removeprefix("site.own_") for key in pictures}
    assert {key for key in named if f'"{key}"' not in text and f"site.own_{key}" not in text} == set()
