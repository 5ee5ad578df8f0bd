"""Stored trees, so that a source that was read before opens without importing torch."""

from __future__ import annotations

import json

from freezecore import hub_configs, packaged
from freezecore.cache import store
from freezecore.cache.keys import versions_of
from freezecore.source import ModelSource
from freezecore.tree import LayerTree

FOLDER = "trees"
FORMAT = 16  # raise it when the same module would be read differently


def stored(source: ModelSource) -> LayerTree | None:
    """The tree of this source, read earlier with the same library versions; None where there is none."""
    if not _is_fixed(source):
        return None
    return store.load(FOLDER, _key(source), lambda content: LayerTree.from_json(json.loads(content)))


def keep(source: ModelSource, tree: LayerTree) -> None:
    """Store a tree for the next time, unless the source's files may change under the same name."""
    if _is_fixed(source):
        store.write(FOLDER, _key(source), json.dumps(tree.to_json()).encode())


def _is_fixed(source: ModelSource) -> bool:
    """What this package or an installed one fixes: not a file or folder, not code, not what a hub may change."""
    if source.scheme == "config":
        return source.name.replace("-", "").replace("_", "").replace(".", "").isalnum() and ".json" not in source.name
    if source.scheme == "hf" and source.weights != "pretrained" and hub_configs.find(source.name):
        return True
    return source.scheme in ("timm", "torchvision") or packaged.find(source) is not None


def _key(source: ModelSource) -> str:
    return json.dumps([FORMAT, source.scheme, source.name, source.options, versions_of(source)])
