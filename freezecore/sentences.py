"""Sentences that can be told in another language: English text that remembers its template and its values.

    say("There is no target called '{name}'.", name="onnx")

is a `str` like any other. A translation looks the template up and fills the same values in; a value that is a sentence
itself is translated first. A constant text is its own template.
"""

from __future__ import annotations

import json
from typing import Any


class Sentence(str):
    """A text that was made from `template` by filling `values` into its fields.

    Attributes:
        template: the English text, with fields such as `{name}` or `{count:,}`.
        values: what fills the fields: numbers, texts, and sentences.
    """

    template: str
    values: dict[str, Any]

    def __new__(cls, template: str, values: dict[str, Any] | None = None) -> Sentence:
        self = super().__new__(cls, template.format(**values) if values else template)
        self.template, self.values = template, values or {}
        return self

    def __reduce__(self):
        return Sentence, (self.template, self.values)


def say(template: str, /, **values: Any) -> Sentence:
    """The template with its fields filled in; the template is a literal, so that translations can be held complete."""
    return Sentence(template, values)


def dumps(value: object, **options: Any) -> str:
    """JSON in which sentences keep their template and values; `loads` reads it. (`json.dumps` writes them as text.)"""
    return json.dumps(_plain(value), **options)


def loads(text: str | bytes) -> Any:
    """What `dumps` wrote; plain texts stay plain."""
    return json.loads(text, object_hook=_sentence)


def _plain(value: object) -> object:
    if isinstance(value, Sentence):
        return {"say": value.template, "with": _plain(value.values)}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _sentence(found: dict) -> object:
    return Sentence(found["say"], found["with"]) if found.keys() == {"say", "with"} else found
