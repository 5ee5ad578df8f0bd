"""Trainers' configurations: which library one is of, by its keys, and the selection that this library makes of it.

Tests hold each library's rule against values that its own code gave.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from freezecore.errors import ExportError, shortened
from freezecore.importing.adapters import adapter_text
from freezecore.importing.imported import Imported, spec_of
from freezecore.importing.libraries import (
    axolotl,
    llama_factory,
    ms_swift,
    openmmlab,
    peft,
    torchvision,
    trl,
    ultralytics,
    verl,
)
from freezecore.importing.libraries.openmmlab import merged
from freezecore.importing.libraries.reading import Asked, Reading
from freezecore.mask import Mask
from freezecore.sentences import say
from freezecore.tree import LayerTree

BASES = ("_base_", "__base__", "_BASE_", "defaults")
INCLUDES = ("base", "base_config", "cfg", "config", "extends", "include", "inherit", "parent")  # where they name a file
FILE = re.compile(r"\.(ya?ml|json|toml|py|cfg)$")
READERS = tuple(
    (library.KEYS, kind, library.read)
    for kind, library in {
        "verl": verl,
        "axolotl": axolotl,
        "ms-swift": ms_swift,
        "llama-factory": llama_factory,
        "torchvision": torchvision,
        "openmmlab": openmmlab,
        "ultralytics": ultralytics,
        "trl": trl,
        "peft": peft,
    }.items()
)


def read_configuration(text: str, mapping: dict, tree: LayerTree, top: dict | None = None) -> Imported | None:
    """The selection of a configuration; None where it has none of the keys that say what to freeze.

    `top` is the whole configuration where `mapping` is a part of it.
    """
    for keys, kind, read in READERS:
        if any(key in mapping for key in keys):
            found = Reading(text, Asked(mapping), tree, list(Mask.as_author(tree).trains))
            if read(found) is False:
                continue
            found.leave_unasked(kind, keys)
            for key in bases_of(top or mapping):
                found.leave(key, say("the configuration that this one stands on is not pasted along"))
            return _imported(kind, found)
    if isinstance(inline := mapping.get("_base_"), dict):
        mapping = top = merged(inline, {key: value for key, value in mapping.items() if key != "_base_"})
    parts = list(_nested(mapping))
    whole = read_configuration(text, parts[0], tree, top or mapping) if parts else None
    if whole is None:
        return None
    left = Reading(text, mapping, tree, [])
    for number, other in enumerate(parts[1:], 2):
        key = next(key for keys, *_ in READERS for key in keys if key in other)
        left.leave(key, say("only the first part with a key that freezes is followed"), number)
    return replace(whole, unread=(*whole.unread, *left.unread))


def bases_of(mapping: dict) -> list[str]:
    """The keys under which a configuration names others that it stands on, as `_base_` or Hydra's `defaults`."""
    held = {key: value if isinstance(value, list) else [value] for key, value in mapping.items()}
    named = [key for key in BASES if any(each not in (None, "_self_") for each in held.get(key, ()))]
    files = [key for key in INCLUDES if any(isinstance(each, str) and FILE.search(each) for each in held.get(key, ()))]
    return named + files


def _nested(mapping: dict, depth: int = 4) -> Iterator[dict]:
    """The inner mappings that have such a key, as `model: {backbone: {frozen_stages: 1}}`."""
    for value in mapping.values() if depth else ():
        if isinstance(value, dict):
            if any(key in value for keys, *_ in READERS for key in keys):
                yield value
            else:
                yield from _nested(value, depth - 1)


def _imported(kind: str, found: Reading) -> Imported:
    trains = found.trains
    if not any(trains) and not found.notes:
        first = found.missing[0] if found.missing else found.unread[0].text if found.unread else "none"
        raise ExportError(
            "Nothing of {source} trains under these keys: '{rule}' hits nothing.",
            "They may be of another model.",
            source=shortened(found.tree.source),
            rule=shortened(first),
        )
    spec = spec_of(found.tree, trains)
    return Imported(
        kind, spec, missing=_once(found.missing), unread=tuple(found.unread), notes=tuple(found.notes),
        adapter=adapter_text(found.adapters, found.tree, found.tokens),
    )  # fmt: skip


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
