"""A configuration being read: what trains by it, and what it names that the model does not have."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from freezecore.errors import ExportError, shortened
from freezecore.importing.imported import Unread
from freezecore.sentences import say
from freezecore.tree import LayerTree

MOST = 10_000
FREEZING = re.compile(r"freez|froze|trainable", re.IGNORECASE)  # in a key, which says that it is about what trains


class Asked(dict):
    """A mapping that knows which of its keys were asked for."""

    def __init__(self, held: dict) -> None:
        super().__init__(held)
        self.asked: set = set()

    def get(self, key, default=None):
        self.asked.add(key)
        return super().get(key, default)

    def __getitem__(self, key):
        self.asked.add(key)
        return super().__getitem__(key)

    def __contains__(self, key) -> bool:
        self.asked.add(key)
        return super().__contains__(key)


@dataclass
class Reading:
    """A configuration being read: what trains, and what it names that the model does not have.

    `adapters` has each layer that one joins: its path, rank, alpha, dropout, and whether rsLoRA and DoRA; `tokens` the
    rows of the table of words that train beside them.
    """

    text: str
    mapping: dict
    tree: LayerTree
    trains: list[bool]
    missing: list[str] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    adapters: list[tuple] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)

    @property
    def model_class(self) -> str:
        """The name of the whole model's class; empty where the tree has none."""
        return self.tree.layers[0].type if self.tree.layers else ""

    def set(self, value: bool, hits: Callable[[str], object]) -> None:
        """Freeze or train each parameter whose name is hit."""
        for i, parameter in enumerate(self.tree.parameters):
            if hits(parameter.name):
                self.trains[i] = value

    def leave(self, key: str, why: str, number: int = 1) -> None:
        """That a key is not followed, with its line; of a key that stands several times, the line of its number."""
        lines = self.text.splitlines()
        stands = [n for n, line in enumerate(lines, 1) if re.match(rf"\W*{re.escape(key)}(?!\w)", line)] or [1]
        at = stands[min(number, len(stands)) - 1]
        self.unread.append(Unread(at, lines[at - 1].strip() if lines else "", why))

    def leave_unasked(self, library: str, known: Iterable[str]) -> None:
        """Tell of the keys that say something of what trains, are none of those `known`, and are never asked for: one
        that the library had under another name once."""
        asked = {*known, *getattr(self.mapping, "asked", self.mapping)}
        for key in [key for key in self.mapping if isinstance(key, str) and FREEZING.search(key)]:
            if key not in asked and dict.get(self.mapping, key) not in (None, False, "", [], {}):
                self.leave(key, say("'{name}' is no key that is followed of {library}", name=key, library=library))

    def number(self, key: str, default: int) -> int:
        value = self.mapping.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > MOST:
            hint = say("It is a number, such as 2, or -2 for the first.")
            raise ExportError("{key} is '{value}'.", hint, key=key, value=shortened(str(value)))
        return value

    def texts(self, key: str) -> list[str]:
        """A list of texts, or one text with commas between them."""
        value = self.mapping.get(key) or []
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",")]
        if not isinstance(value, list) or len(value) > MOST or not all(isinstance(item, str) for item in value):
            raise ExportError("'{key}' is no list of names.", "Write one name a line, each after a dash.", key=key)
        return [item for item in value if item]
