"""A pasted command line, `swift sft --freeze_vit true`, as the configuration that its options are."""

from __future__ import annotations

import re
import shlex

OPTION = re.compile(r"--([A-Za-z][\w-]*)(?:=(.*))?", re.DOTALL)
OVERRIDE = re.compile(r"\+{0,2}([A-Za-z_]\w*(?:\.\w+)+)=(.*)", re.DOTALL)  # Hydra's, as verl takes them
WORDS = {"true": True, "false": False, "null": None, "none": None}
MOST = 2_000  # words


def options_in(text: str) -> dict:
    """What its options and overrides set, by their names with underscores; empty where it is no command line."""
    try:
        words = shlex.split(re.sub(r"\\\s*\n", " ", text), comments=True)
    except ValueError:
        return {}
    found: dict = {}
    given: list[str] | None = None
    for word in words if len(words) <= MOST else ():
        if option := OPTION.fullmatch(word):
            given = [option[2]] if option[2] is not None else []
            found[option[1].replace("-", "_")] = given
        elif override := OVERRIDE.fullmatch(word):
            *outer, last = override[1].split(".")
            inner = found
            for name in outer:
                inner = inner.setdefault(name, {}) if isinstance(inner, dict) else {}
            inner[last] = _plain(override[2])
            given = None
        elif given is not None:
            given.append(word)
    return {name: _value(one) if isinstance(one, list) else one for name, one in found.items()}


def _value(given: list[str]) -> object:
    """A flag alone is set; one word is what it says, several are a list."""
    return True if not given else _plain(given[0]) if len(given) == 1 else list(map(_plain, given))


def _plain(word: str) -> object:
    if word.lower() in WORDS:
        return WORDS[word.lower()]
    return int(word) if re.fullmatch(r"-?\d{1,9}", word) else word
