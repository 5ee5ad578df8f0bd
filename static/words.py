"""The sentences of the page without a server: the page's own, and those that only it says."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from app.text import Words, flattened, sentences

HERE = Path(__file__).parent / "text"


class SiteWords(Words):
    """`Words` that know the site's sentences too."""

    def __init__(self, lang: str) -> None:
        super().__init__(lang)
        self._sentences = sentences(lang) | site_sentences(lang)

    def all(self) -> dict[str, str]:
        """Every sentence by its key."""
        return self._sentences


@cache
def site_sentences(lang: str) -> dict[str, str]:
    """The site's own sentences of a language by dotted key."""
    return flattened(tomllib.loads((HERE / f"{lang}.toml").read_text(encoding="utf-8")))
