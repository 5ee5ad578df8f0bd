"""What is wrong with a text of rules and where that stands, and the text with what its hint offers in that place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from freezecore._resolve import resolve
from freezecore.errors import RuleError
from freezecore.sentences import Sentence
from freezecore.spec import FreezeSpec
from freezecore.tree import LayerTree

from ..text import Words

QUOTED = re.compile(r"'([^'…]+)'")
WORD = re.compile(r"[^\s;:]+")
MOST_DRAFTS = 16


@dataclass(frozen=True)
class Place:
    """The word that is at fault: the offsets of its first character and of the one after its last."""

    start: int
    end: int


@lru_cache(maxsize=MOST_DRAFTS)  # one drawing asks several times
def fault_in(text: str, tree: LayerTree) -> RuleError | None:
    """What is wrong with these rules on this model; None where nothing is."""
    try:
        resolve(FreezeSpec.parse(text), tree)
    except RuleError as error:
        return error
    return None


def place_of(error: RuleError, text: str) -> Place | None:
    """Where the fault stands; None where it names no word of the text."""
    if error.position is not None:
        word = WORD.match(text, error.position)
        return Place(error.position, word.end() if word else error.position)
    values = error.problem.values if isinstance(error.problem, Sentence) else {}
    said = str(values.get("said") or values.get("selector") or "")
    found = said and re.search(rf"(?<![^\s;]){re.escape(said)}(?![^\s;])", text)
    return Place(found.start() + said.find(":") + 1, found.end()) if found else None


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Both counted from 1, as an editor shows them."""
    before = text[:offset]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def offers(error: RuleError, text: str) -> dict[str, str]:
    """By each name that "Did you mean …?" offers, the text with it in place of the word at fault."""
    place, hint = place_of(error, text), error.hint
    if place is None or not isinstance(hint, Sentence) or set(hint.values) != {"names"}:
        return {}
    return {name: text[: place.start] + name + text[place.end :] for name in QUOTED.findall(str(hint.values["names"]))}


def place_text(error: RuleError, text: str, words: Words) -> str:
    """Where the fault stands, in words; empty where it names no word of the text."""
    place = place_of(error, text)
    if place is None:
        return ""
    line, column = line_and_column(text, place.start)
    return words("rules.place", line=line, column=column)
