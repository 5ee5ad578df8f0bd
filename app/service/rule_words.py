"""Rules in words: what may follow what is typed, on a given model, and rules as they stand in a sentence."""

from __future__ import annotations

from functools import lru_cache

from freezecore.rules.grammar import ACTIONS, SETTINGS, whole_part
from freezecore.rules.nearby import tree_has
from freezecore.spec import ROLES
from freezecore.tree import LayerTree

from ..text import Words
from .selection import ModelSelection

PHASE = "from epoch 1:"
FORMS = ("contains:", "type:", "path:", "regex:")


@lru_cache(maxsize=32)
def rule_words(tree: LayerTree) -> dict[str, list[str]]:
    """What may follow a statement's beginning (`""`), its first word, or the beginning of a selector, in that order.

    The names of modules and parameters are not among them.
    """
    types = list(dict.fromkeys(layer.type for layer in tree.layers if layer.path in tree.below))
    parts = [whole_part(part.name) for part in tree.parts]
    selectors = [role for role in ROLES if tree_has(role, tree)] + [*parts, *_positions(tree), *FORMS]
    return {
        "": [*(f"{action} " for action in ACTIONS), *_settings(), PHASE + " "],
        **dict.fromkeys(ACTIONS, selectors),
        **{name: list(values) for name, values in SETTINGS.items()},
        "from": ["epoch 1:"],
        "type:": [f"type:{name}" for name in types],
        "part:": parts,
        "blocks:": [text for text in selectors if text.startswith("blocks:")],
        "stages:": [text for text in selectors if text.startswith("stages:")],
    }


def one_line(rules: str) -> str:
    """Rules on one line, as a table or a figure shows them."""
    return rules.replace("\n", "; ")


def as_code(rules: str) -> str:
    """Rules on one line as Markdown's code, whatever is in them."""
    return "`" + one_line(rules).replace("`", "'") + "`"


def hits_text(selection: ModelSelection, words: Words) -> str:
    """How many parameters each of the rules hits."""
    hits = " · ".join(f"{hit.rule}: {len(hit.positions)}" for hit in selection.mask.hits[:6])
    return words("rules.hits", hits=hits) if hits else words("rules.none")


def _settings() -> list[str]:
    return [f"{name} {value}" for name, values in SETTINGS.items() for value in values]


def _positions(tree: LayerTree) -> list[str]:
    """Blocks and stages as they are counted here, and by tower where there are several."""
    found = []
    for form in ("blocks", "stages"):
        towers = [tower for tower in tree.towers if getattr(tower, form)]
        most = max((len(getattr(tower, form)) for tower in towers), default=0)
        few = min(2, most)
        found += [f"{form}:0-{most - 1}", f"{form}:first{few}", f"{form}:last{few}"] if most else []
        found += [f"{form}@{tower.name}:last{few}" for tower in towers if len(towers) > 1]
    return found
