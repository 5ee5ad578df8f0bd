"""Trees kept on disk, so that a source that was read before opens without importing torch."""

from __future__ import annotations

import importlib.metadata
import json

from freezecore import packaged
from freezecore.cache import store
from freezecore.source import ModelSource
from freezecore.tree import LayerTree

FORMAT = 7  # raise it when the same module would be read differently
LIBRARIES = ("torch", "timm", "transformers")


def kept_tree(source: ModelSource) -> LayerTree | None:
    """The tree of this source, read earlier with the same library versions; None where there is none."""
    if not _keeps(source) or (stored := store.read("trees", _key(source))) is None:
        return None
    try:
        return LayerTree.from_json(json.loads(stored))
    except (ValueError, KeyError, TypeError):
        store.forget("trees", _key(source))
        return None


def keep_tree(source: ModelSource, tree: LayerTree) -> None:
    """Keep a tree for `kept_tree`; a source whose files may change under the same name is not kept."""
    if _keeps(source):
        store.write("trees", _key(source), json.dumps(tree.to_json()).encode())


def versions() -> dict[str, str]:
    """Versions of the libraries that build models."""
    return {name: version for name in LIBRARIES if (version := _version(name))}


def _keeps(source: ModelSource) -> bool:
    """What a library or an installed package fixes: not a file or folder, not code, not what a hub may change."""
    if source.scheme == "config":
        return source.name.replace("-", "").replace("_", "").replace(".", "").isalnum() and ".json" not in source.name
    return source.scheme == "timm" or packaged.find(source) is not None


def _key(source: ModelSource) -> str:
    return json.dumps([FORMAT, source.scheme, source.name, source.task, source.num_labels, versions()])


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
