"""Sentences that can be told in another language: English text that remembers its template and its values.

    say("There is no target called '{name}'.", name="onnx")

is a `str` like any other. A translation looks the template up and fills the same values in; a value that is a sentence
itself is translated first. A constant text is its own template.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

ARTICLE = re.compile(r"\b([Aa])(?= [*`']*\{(\w+))")  # before a field, whose sound is known only when it is filled
VOWEL = re.compile(  # as it is read: an RTX, an L4, an 8-bit, an ndarray, an int; a T4, a UNet, a uint8
    r"[AEFHILMNORSX](?![a-z])|(?:8|1[18]\b)|nd|(?![Uu]ni|[Uu]int|[Uu]s|[Uu](?![a-z])|[Ee]u|[Oo]ne)[aeiouAEIOU]"
)
PLAIN = re.compile(r"(?:[^{}]|\{\{|\}\}|\{\w+(?::[,.\w%]{1,4})?\})*")  # fields of a template that reach nothing


class Sentence(str):
    """A text that was made from `template` by filling `values` into its fields.

    Attributes:
        template: the English text, with fields such as `{name}` or `{count:,}`.
        values: what fills the fields: numbers, texts, sentences; of anything else its text, shortened.
    """

    template: str
    values: dict[str, Any]

    def __new__(cls, template: str, values: dict[str, Any] | None = None) -> Sentence:
        values = {name: _plain(value) for name, value in (values or {}).items()}
        self = super().__new__(cls, fill(template, values) if values else template)
        self.template, self.values = str(template), values
        return self

    def __reduce__(self):
        return Sentence, (self.template, self.values)


def fill(template: str, values: dict[str, Any]) -> str:
    """A template's text with its fields filled in; "a" becomes "an" before what is read with a vowel."""
    if "a " in template or "A " in template:
        template = ARTICLE.sub(lambda found: found[1] + "n" * _sounds_open(values[found[2]]), template)
    return template.format(**values)


def _sounds_open(value: Any) -> bool:
    return VOWEL.match(str(value)) is not None


class Reason(Exception):
    """Why something cannot be done, told by whoever tried it as a part of a sentence of theirs."""

    def __init__(self, template: str = "", /, **values: Any) -> None:
        super().__init__(say(template, **values))


def say(template: str, /, **values: Any) -> Sentence:
    """The template with its fields filled in; the template is a literal, so that translations can be held complete."""
    return Sentence(template, values)


def joined(parts: Iterable[str], between: str = ", ") -> Sentence:
    """Sentences one after another, each of which is translated on its own."""
    values = {f"part{i}": part for i, part in enumerate(parts)}
    return Sentence(between.join(f"{{{name}}}" for name in values), values)


def clause(sentence: str) -> str:
    """A sentence without its full stop, to stand in another."""
    if not isinstance(sentence, Sentence):
        return sentence.rstrip(".")
    return Sentence(sentence.template.rstrip("."), sentence.values)


def shortened(text: str, limit: int = 80) -> str:
    """The user's own value as it may stand in a sentence: printable, and never longer than `limit`."""
    clean = "".join(ch if ch.isprintable() else "�" for ch in text[: limit + 1])
    return clean if len(text) <= limit else clean[: limit - 1] + "…"


def filled(text: str, values: dict[str, object]) -> str:
    """A template with these values, or a sentence that has its own."""
    return Sentence(text, values) if values and not isinstance(text, Sentence) else text


def _plain(value: Any) -> str | int | float:
    """A value as JSON has it: numpy's and torch's numbers become Python's."""
    if isinstance(value, (str, int, float)):
        return value
    if isinstance(value, Reason):
        return value.args[0]
    return value.item() if hasattr(value, "item") else shortened(str(value))


def dumps(value: object, **options: Any) -> str:
    """JSON in which sentences keep their template and values; `loads` reads it. (`json.dumps` writes them as text.)"""
    return json.dumps(packed(value), **options)


def loads(text: str | bytes) -> Any:
    """What `dumps` wrote; plain texts stay plain."""
    return json.loads(text, object_hook=unpacked)


def packed(value: Any) -> Any:
    """JSON values in which sentences stand as their template and values."""
    if isinstance(value, Sentence):
        return {"say": value.template, "with": packed(value.values)}
    if isinstance(value, dict):
        return {key: packed(item) for key, item in value.items()}
    return [packed(item) for item in value] if isinstance(value, (list, tuple)) else value


def unpacked(found: Any) -> Any:
    """The sentence that `packed` wrote, or what else was found."""
    if not isinstance(found, dict) or found.keys() != {"say", "with"}:
        return found
    template, values = found["say"], found["with"]
    if not isinstance(template, str) or not PLAIN.fullmatch(template):
        return found
    return Sentence(template, {name: unpacked(value) for name, value in values.items()})
