"""The layer tree on the page: what trains, beside what each block costs and what a probe has proved."""

from __future__ import annotations

from app import state
from app.components.tree import RowMark, RowPrice, layer_tree, tree_strings
from app.service.pricing import reference_of
from app.service.selection import ModelSelection
from app.text import Words
from freezecore._resolve import resolve
from freezecore.errors import FreezeError
from freezecore.report import share_text
from freezecore.serving import jobs
from freezecore.spec import FreezeSpec
from freezecore.tree import LayerTree

TREE = "layers"
TREE_HEIGHT = "max(230px, 100vh - 500px)"  # of the screen, what is left between what stands above and below
MARKS = "proof_marks"


def tree(selection: ModelSelection, words: Words) -> None:
    """Draw it; a tick redraws what answers it (`tick_answer.py`) and leaves the tree to itself."""
    layer_tree(
        selection.tree,
        strings=tree_strings(words.lang),
        prices=_prices(selection, words),
        marks=_marks(selection, words),
        key=TREE,
        height=TREE_HEIGHT,
    )


def _prices(selection: ModelSelection, words: Words) -> dict[str, RowPrice]:
    """What training a block adds to the backward pass, beside its row; nothing until the step has been traced."""
    shown = {}
    for path, price in reference_of(selection).prices.items():
        if price.share_backward is not None:
            backward, weights = share_text(price.share_backward, 1), share_text(price.share_parameters, 1)
            title = words("price.why", path=path, weights=weights, backward=backward)
            shown[path] = RowPrice(words("price.short", backward=backward), title, min(1.0, price.share_backward))
    return shown


def _marks(selection: ModelSelection, words: Words) -> dict[str, RowMark]:
    """What the finished run in the link has proved, by name of a parameter and path of a module; empty without one."""
    token = state.link().run
    if token is None:
        return {}
    notes, key = state.notes(MARKS), (token, selection.tree.fingerprint, words.lang)
    if notes.get("key") != key:
        try:
            result = jobs.shared().result(token)
        except FreezeError:
            return {}
        if result is None:
            return {}
        notes.update(key=key, marks=_marks_of(result, selection, words))
    return notes["marks"]


def _marks_of(result: dict, selection: ModelSelection, words: Words) -> dict[str, RowMark]:
    proof, source = result.get("proof"), (result.get("request") or {}).get("source") or {}
    if proof is None or (source.get("scheme"), source.get("name")) != (selection.source.scheme, selection.source.name):
        return {}
    try:
        mask = resolve(FreezeSpec.parse(result["request"]["spec"]), selection.tree)
    except FreezeError:  # the rules are of a version of this model that had other names
        return {}
    moved = {name for kind in ("changed", "with_gradient") for name in proof[kind]}
    return marks_by_row(selection.tree, mask.trains, moved, words)


def marks_by_row(tree: LayerTree, trains: tuple[bool, ...], moved: set[str], words: Words) -> dict[str, RowMark]:
    """What is unchanged to the bit is good, what moved although it was frozen is bad, in its modules as well."""
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
