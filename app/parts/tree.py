"""The layer tree on the page: what trains, beside what each block costs and what a probe has proved."""

from __future__ import annotations

from freezecore._resolve import resolve
from freezecore.errors import FreezeError
from freezecore.serving import jobs
from freezecore.spec import FreezeSpec
from freezecore.tree import LayerTree

from .. import state
from ..components.tree import RowMark, RowPrice, tree_strings
from ..components.tree.mount import layer_tree
from ..service.row_prices import row_prices
from ..service.selection import ModelSelection
from ..text import Words
from .measured_under import changed_since, request_of

TREE = "layers"
TREE_HEIGHT = "max(230px, 100vh - 500px)"  # of the screen, what is left between what stands above and below
MARKS = "proof_marks"


def tree(selection: ModelSelection, words: Words) -> None:
    """Draw it; a tick redraws what answers it (`tick/answer.py`) and leaves the tree to itself."""
    marks, proved = _marks(selection, words)
    layer_tree(
        selection.tree,
        strings=tree_strings(words.lang),
        prices={path: RowPrice(*price) for path, price in row_prices(selection, words).items()},
        marks=marks,
        proved=proved,
        key=TREE,
        height=TREE_HEIGHT,
    )


def _marks(selection: ModelSelection, words: Words) -> tuple[dict[str, RowMark], tuple[bool, ...] | None]:
    """What the finished run in the link has proved, by name of a parameter and path of a module, and the ticks that
    this holds for; nothing where it ran on other data or under another workload than is chosen."""
    token = state.link().run
    if token is None:
        return {}, None
    notes, key = state.notes(MARKS), (token, selection.tree.fingerprint, words.lang)
    try:
        if set(changed_since(token, selection)) - {"rules"}:
            return {}, None
        if notes.get("key") != key:
            result = jobs.shared().result(token)
            if result is None:
                return {}, None
            notes.update(key=key, marks=_marks_of(result, request_of(token), selection, words))
    except FreezeError:  # there is no such run
        return {}, None
    return notes["marks"]


def _marks_of(result: dict, request: dict, selection: ModelSelection, words: Words):
    proof = result.get("proof")
    if proof is None or "spec" not in request:
        return {}, None
    try:
        mask = resolve(FreezeSpec.parse(request["spec"]), selection.tree)
    except FreezeError:  # the rules are of a version of this model that had other names
        return {}, None
    moved = {name for kind in ("changed", "with_gradient") for name in proof[kind]}
    return marks_by_row(selection.tree, mask.trains, moved, words), mask.trains


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
