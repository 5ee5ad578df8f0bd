"""The layer tree on the page: boxes that train or freeze, painted by the browser, read by Python.

A mount is three messages. The tree itself is large and never changes, so that Streamlit sends it once and refers
to it afterwards; prices and marks, and the ticks, are small messages to the same tree in the browser. The ticks go
both ways: what a person ticks comes back through the message of `tree_ticks` and redraws the fragment it stands in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from freezecore.mask import Mask
from freezecore.tree import LayerTree

from ..scripts import strings
from .bits import encode
from .packed import Rows, pack

HERE = Path(__file__).parent
MODULES = (
    "bits",
    "send",
    "format",
    "model",
    "search",
    "history",
    "rows",
    "list",
    "pointer",
    "keys",
    "toolbar",
    "ticks",
    "navigation",
    "tree",
)


@dataclass(frozen=True)
class RowPrice:
    """What training a row costs, in words: a short text for its column, a sentence, and its share of the dearest."""

    text: str
    title: str = ""
    share: float | None = None


@dataclass(frozen=True)
class RowMark:
    """A mark at a row: `good` and `bad` for a proof, `note` for anything else; the text says what it means."""

    kind: Literal["good", "bad", "note"]
    text: str


def tree_data(tree: LayerTree, strings: Mapping[str, str], key: str, height: str) -> dict:
    """The tree itself, as the browser takes it once; see `mount.layer_tree`."""
    return {"channel": key, "tree": tree.fingerprint, "words": dict(strings), "height": height, **_packed(tree).data}


def annotations_part(
    tree: LayerTree,
    prices: Mapping[str, RowPrice] | None = None,
    marks: Mapping[str, RowMark] | None = None,
    proved: Sequence[bool] | None = None,
    *,
    key: str,
) -> dict:
    """Prices and marks of its rows, and the ticks that the marks hold for."""
    part = {"channel": key, "part": "annotations", "tree": tree.fingerprint}
    part |= _annotations(_packed(tree), prices, marks)
    return part if proved is None else {**part, "proved": encode(proved)}


def ticks_part(tree: LayerTree, mask: Mask, sequence: int, *, key: str) -> dict:
    """The mask's ticks, as an answer to the change of this number."""
    about = {"tree": tree.fingerprint, "bits": encode(mask.trains), "sequence": sequence}
    return {"channel": key, "part": "ticks", **about}


def _annotations(rows: Rows, prices: Mapping[str, RowPrice] | None, marks: Mapping[str, RowMark] | None) -> dict:
    """Prices and marks by row number; marks that say the same stand together."""
    at = rows.at
    grouped: dict[tuple[str, str], list[int]] = {}
    for path, mark in (marks or {}).items():
        if places := rows.standing_for(path):
            grouped.setdefault((mark.kind, mark.text), []).extend(places)
    priced = {at[path]: [p.text, p.title, p.share] for path, p in (prices or {}).items() if path in at}
    return {"prices": priced, "marks": [[kind, text, places] for (kind, text), places in grouped.items()]}


@lru_cache(maxsize=64)
def _packed(tree: LayerTree) -> Rows:
    return pack(tree)


def tree_strings(lang: str) -> dict[str, str]:
    """Its own sentences in a language."""
    return strings("tree", lang)
