"""Every sentence of the page, one TOML file beside this one for each language.

What freezecore says stands in English where it is said; `said` in a language's file has its sentence for each.
"""

from __future__ import annotations

import tomllib
from functools import cache, reduce
from pathlib import Path

from freezecore.report import seconds_text
from freezecore.sentences import Sentence, fill

HERE = Path(__file__).parent
LANGUAGES = tuple(sorted(file.stem for file in HERE.glob("*.toml")))
UNKNOWN = "–"  # in a table, in every language


class Words:
    """`words("cost.peak", peak="1.9 GB")` is that sentence in this language."""

    def __init__(self, lang: str) -> None:
        self.lang = lang
        self._sentences = sentences(lang)

    def __call__(self, key: str, **values: object) -> str:
        """The sentence with its `{fields}` filled in.

        Raises:
            KeyError: no such sentence; a test finds that before a person does.
        """
        text = self._sentences[key]
        return fill(text, values) if values else text

    def either(self, key: str, otherwise: str, **values: object) -> str:
        """The sentence if this language has it, else what another part of the program said in English."""
        if key not in self._sentences:
            return otherwise
        try:
            return fill(self._sentences[key], values)
        except (KeyError, IndexError):
            return otherwise

    def together(self, *sentences: str | None) -> str:
        """Sentences one after another, as this language sets them."""
        said = list(filter(None, sentences)) or [""]
        return reduce(lambda one, other: self("between.sentences", one=one, other=other), said)

    def seconds(self, seconds: float | None) -> str:
        """A time in this language's units: `3 min 20 s`."""
        return self.said(seconds_text(seconds))

    def said(self, text: str) -> str:
        """What freezecore said in English, in this language; as it came where there is no sentence for it."""
        if not isinstance(text, Sentence):
            return self._sentences.get(f"said.{text}", text)
        template = self._template(text.template)
        if "part0" in text.values:
            template = template.replace("}, {", self("between.items", one="}", other="{"))
            template = template.replace("} {", self("between.sentences", one="}", other="{"))
        values = {name: self.said(v) if isinstance(v, Sentence) else v for name, v in text.values.items()}
        return fill(template, values) if values else template

    def _template(self, english: str) -> str:
        """This language's template; a clause takes its sentence's, without the full stop."""
        whole = self._sentences.get(f"said.{english}.", "").rstrip("。.")
        return self._sentences.get(f"said.{english}", whole or english)


def meaning(term: str, words: Words) -> str:
    """A term's sentence in the glossary as plain text."""
    return words(f"glossary.{term}").replace("**", "")


@cache
def sentences(lang: str) -> dict[str, str]:
    """All sentences of a language by dotted key."""
    return flattened(tomllib.loads((HERE / f"{lang}.toml").read_text(encoding="utf-8")))


def flattened(table: dict) -> dict[str, str]:
    """The sentences of a language's file by dotted key."""
    found: dict[str, str] = {}
    _flatten(table, "", found)
    return found


def _flatten(table: dict, prefix: str, found: dict[str, str]) -> None:
    for name, value in table.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict):
            _flatten(value, f"{key}.", found)
        else:
            found[key] = value.strip()
