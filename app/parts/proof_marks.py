"""Marks in the tree after a probe: what is unchanged to the bit, and what moved although it was frozen."""

from __future__ import annotations

from app import state
from app.components.tree import RowMark
from app.service.selection import Selection
from app.text import Words
from freezecore._resolve import resolve
from freezecore.errors import FreezeError
from freezecore.serving import jobs
from freezecore.spec import FreezeSpec
from freezecore.tree import LayerTree

NOTES = "proved"


def proof_marks(selection: Selection, words: Words) -> dict[str, RowMark]:
    """By name of a parameter and path of a module; empty without a finished run of this model in the link."""
    token = state.link().run
    if token is None:
        return {}
    notes, key = state.notes(NOTES), (token, selection.tree.fingerprint, words.lang)
    if notes.get("key") != key:
        try:
            result = jobs.shared().result(token)
        except FreezeError:
            return {}
        if result is None:
            return {}
        notes.update(key=key, marks=_marks(result, selection, words))
    return notes["marks"]


def _marks(result: dict, selection: Selection, words: Words) -> dict[str, RowMark]:
    proof, source = result.get("proof"), (result.get("request") or {}).get("source") or {}
    if proof is None or (source.get("scheme"), source.get("name")) != (selection.source.scheme, selection.source.name):
        return {}
    try:
        mask = resolve(FreezeSpec.parse(result["request"]["spec"]), selection.tree)
    except FreezeError:  # the rules are of a version of this model that had other names
        return {}
    moved = {name for kind in ("changed", "with_gradient") for name in proof[kind]}
    return _by_row(selection.tree, mask.trains, moved, words)


def _by_row(tree: LayerTree, trains: tuple[bool, ...], moved: set[str], words: Words) -> dict[str, RowMark]:
    good, bad = RowMark("good", words("proof.row_good")), RowMark("bad", words("proof.row_bad"))
    marks: dict[str, RowMark] = {}
    broken = {i for i, parameter in enumerate(tree.parameters) if moved.intersection(parameter.names)}
    for i, parameter in enumerate(tree.parameters):
        if i in broken or not trains[i]:
            marks |= dict.fromkeys(parameter.names, bad if i in broken else good)
    for layer in tree.layers:
        below = tree.under(layer.path) if layer.path else ()
        if any(i in broken for i in below):
            marks[layer.path] = bad
        elif below and not any(trains[i] for i in below):
            marks[layer.path] = good
    return marks
