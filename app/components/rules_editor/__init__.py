"""The selection as text: an editor that completes the names of the model, painted by the browser, read by Python.

Its mount never changes with the ticks. The text it shows is a small message, which the quick answer to a tick can
bring as well; what a person typed comes back when they leave the box or press Ctrl+Enter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..scripts import strings

HERE = Path(__file__).parent
MODULES = ("words", "completion", "editor")
CHANNEL = "rules"
LONGEST_TYPED = 4_000


def editor_data(follows: Mapping[str, Sequence[str]], strings: Mapping[str, str], tree: str) -> dict:
    """What the browser takes once; see `mount.rules_editor`."""
    data = {"channel": CHANNEL, "tree": tree, "longest": LONGEST_TYPED, "follows": dict(follows)}
    return {**data, "words": dict(strings)}


def text_part(text: str, fault: tuple[int, int] | None = None) -> dict:
    """What the editor shows, to be sent by `feed`; `fault` holds the offsets of the word that cannot be read."""
    return {"channel": CHANNEL, "part": "text", "text": text, "fault": fault}


def editor_strings(lang: str) -> dict[str, str]:
    """Its own sentences in a language."""
    return strings("editor", lang)
