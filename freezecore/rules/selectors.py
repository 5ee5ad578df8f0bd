"""One selector of the rule language as text: read it, check it, print it back."""

from __future__ import annotations

import re
from typing import NamedTuple, NoReturn

from freezecore.errors import RuleError, did_you_mean, shortened
from freezecore.rules.regexes import compile_bounded
from freezecore.sentences import say
from freezecore.spec import ROLES, Selector

LONGEST_PATH = 2_000
MOST_CROSSINGS = 4
FORMS = ("path", "contains", "regex", "type", "kind", "blocks", "stages")
KIND_WORDS = {"embedding": "embeddings", "norm": "norms", "bias": "biases"} | {
    word: word for word in (*ROLES, "block", "other")
}
_POSITIONS = re.compile(r"(?:first|last)[1-9][0-9]{0,5}|[0-9]{1,6}(?:-[0-9]{1,6})?(?:,[0-9]{1,6}(?:-[0-9]{1,6})?)*")


class Word(NamedTuple):
    """A word of the rules, quotes removed, and the offset at which it begins."""

    text: str
    at: int


def parse_selector(word: Word | str) -> Selector:
    """Read one selector.

    Raises:
        RuleError: an unknown form, positions that are none, or a regular expression that is broken or unbounded.
    """
    word = Word(word, 0) if isinstance(word, str) else word
    if not word.text or not word.text.isprintable():
        fail(
            "'{text}' names nothing.",
            "Write a path such as 'layer1' or a role such as 'head'.",
            word,
            text=shortened(word.text),
        )
    form, colon, value = word.text.partition(":")
    if not colon:
        return Selector("kind", form) if form in ROLES else Selector("path", _checked_path(word, form))
    form, at, tower = form.partition("@")
    if at and form in FORMS and form not in ("blocks", "stages"):
        fail("'{form}' takes no tower.", "Only blocks@TOWER:… and stages@TOWER:… do.", word, form=form)
    if form not in FORMS:
        close = did_you_mean(form, FORMS)
        fail(
            "There is no kind of selector called '{form}:'.",
            close or say("If it is a name, write path:{text}", text=shortened(word.text)),
            word,
            form=shortened(form),
        )
    if not value or (at and not tower):
        fail(
            "'{text}' says nothing after the @." if value else "'{text}' says nothing after the colon.",
            _example(form),
            word,
            text=shortened(word.text),
        )
    return Selector(form, _value(form, value, word), tower or None)


def _value(form: str, value: str, word: Word) -> str:
    """The value in its plain form, once it has been read as this form wants it."""
    inside = Word(value, word.at + len(word.text) - len(value))
    if form == "regex":
        compile_bounded(value, inside.at)
    elif form == "kind":
        if value not in KIND_WORDS:
            fail(
                "There is no role called '{value}'.",
                did_you_mean(value, ROLES) or ", ".join(ROLES),
                inside,
                value=shortened(value),
            )
        return KIND_WORDS[value]
    elif form == "path":
        return _checked_path(inside, value)
    elif form in ("blocks", "stages"):
        if not _POSITIONS.fullmatch(value):
            fail("'{value}' is no position of {form}.", _example(form), inside, value=shortened(value), form=form)
        runs = [part.split("-") for part in value.split(",")] if value[0].isdigit() else []
        if any(int(run[0]) > int(run[-1]) for run in runs):
            fail("'{value}' runs backwards.", _example(form), inside, value=shortened(value))
    return value


def _checked_path(word: Word, path: str) -> str:
    if len(path) > LONGEST_PATH:
        fail(
            "'{path}' is too long for a path.",
            "{most:,} characters are the most.",
            word,
            path=shortened(path),
            most=LONGEST_PATH,
        )
    if path.count("**") > MOST_CROSSINGS:
        fail(
            "'{path}' has more than {most} '**'.",
            "Write several rules.",
            word,
            path=shortened(path),
            most=MOST_CROSSINGS,
        )
    return path


def _example(form: str) -> str:
    examples = {
        "blocks": say("Write blocks:0-2, blocks:0,3, blocks:first3 or blocks:last2."),
        "stages": say("Write stages:0-1, stages:0,3, stages:first2 or stages:last1."),
        "regex": say(r"Write something like regex:^encoder\.layer\.[0-5]\."),
        "contains": say("Write something like contains:layer1.0."),
        "type": say("Write something like type:BatchNorm*"),
        "kind": say("Write one of {names}.", names=", ".join(f"kind:{role}" for role in ROLES)),
        "path": say("Write something like path:head."),
    }
    return examples[form]


def print_selector(selector: Selector) -> str:
    """One selector as text, quoted where it must be."""
    form, value, tower = selector.form, selector.value, selector.tower
    if form == "kind" and value in ROLES:
        return value
    if form == "path" and value not in ROLES and ":" not in value:
        return _quoted(value)
    return _quoted(f"{form}@{tower}" if tower else form) + ":" + _quoted(value)


def _quoted(text: str) -> str:
    return text if re.fullmatch(r'[^\s;#"]+', text) else '"' + text.replace('"', '""') + '"'


def is_plain(selector: Selector) -> bool:
    """It is looked up and not searched for, so thousands of it cost nothing."""
    return selector.form not in ("contains", "regex", "type") and not any(mark in selector.value for mark in "*?[")


def fail(problem: str, hint: str, word: Word, **values: object) -> NoReturn:
    """Say what cannot be read, and where."""
    raise RuleError(problem, hint, word.at, **values)
