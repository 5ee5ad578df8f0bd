"""What to do here in four steps, and the page's terms: each with its sentence, behind the term where a text has it."""

from __future__ import annotations

import re
from functools import cache
from html import escape

from ..text import Words, meaning

STEPS = ("tick", "see", "try", "export")
TERMS = (
    "frozen", "head", "block", "rules", "batch", "peak", "activations", "gradients", "optimizer_state", "temporaries",
    "backward", "norms", "checkpointing", "precision", "adapter", "probe", "proof",
)  # fmt: skip


def terms_html(text: str, words: Words, place: str) -> str:
    """The same as HTML; the sentence is what describes the button to a screen reader, too."""
    seen = set()

    def told(found: re.Match) -> str:
        term = found.lastgroup
        if term in seen:
            return found[0]
        seen.add(term)
        name, about = f"term-{place}-{term}", meaning(term, words)
        return (
            f'<button type="button" class="term" popovertarget="{name}" aria-describedby="{name}">{found[0]}</button>'
            f'<span popover class="meaning" role="tooltip" id="{name}">{escape(about)}</span>'
        )

    return _pattern(words.lang).sub(told, escape(text))


@cache
def _pattern(lang: str) -> re.Pattern:
    """Any form of any term; in languages that put spaces between words, a whole word."""
    words = Words(lang)
    any_of = "|".join(f"(?P<{term}>{words(f'term_forms.{term}')})" for term in TERMS)
    return re.compile(rf"(?<!\w)(?:{any_of})(?!\w)" if lang == "en" else any_of, re.IGNORECASE)
