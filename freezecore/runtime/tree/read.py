"""Read a source into the tree of its module without weights."""

from __future__ import annotations

from freezecore._estimate.quantized import quantized_tree
from freezecore.cache import trees
from freezecore.runtime.build.source import meta
from freezecore.runtime.tree.adapted import adapted_tree
from freezecore.runtime.tree.layers import read_module as read_module
from freezecore.source import ModelSource
from freezecore.tree import LayerTree


def read_source(source: ModelSource, *, allow_python: bool = True) -> LayerTree:
    """The tree of a source's module, built without weights; kept on disk for the same source and library versions.

    Raises:
        SourceError: the source cannot be built.
    """
    if (kept := trees.stored(source)) is not None:
        return kept
    if source.quantize:
        tree = quantized_tree(read_source(source.with_(quantize=None), allow_python=allow_python), source.quantize)
        trees.keep(source, tree)
        return tree
    built = meta(source, allow_python=allow_python)
    if built.base is not None:
        tree = adapted_tree(built.model, built.base, source)
    else:
        tree = read_module(built.model, str(source), new=built.new, own=True, notes=built.notes)
    trees.keep(source, tree)
    return tree
