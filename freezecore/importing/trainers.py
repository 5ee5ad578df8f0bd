"""Trainers' configuration: axolotl's, LLaMA-Factory's and PEFT's keys, matched as those projects match them."""

from __future__ import annotations

import re

from freezecore._export.llama_factory import Keys, hit
from freezecore.errors import ExportError, RuleError, shortened
from freezecore.importing.imported import Imported, Unread, spec_of
from freezecore.rules.regexes import compile_bounded
from freezecore.tree import LayerTree

MOST = 10_000
ROWS = re.compile(r"^(.+)\[([0-9]*)(?::([0-9]*))?\]$")


def read_trainer(mapping: dict, tree: LayerTree) -> Imported | None:
    """The selection of a configuration; None where it has none of the keys."""
    if "unfrozen_parameters" in mapping:
        return read_axolotl(_texts(mapping["unfrozen_parameters"], "unfrozen_parameters"), tree)
    if any(key in mapping for key in ("freeze_trainable_layers", "freeze_trainable_modules", "freeze_extra_modules")):
        return read_llama_factory(mapping, tree)
    for key in ("modules_to_save", "lora_modules_to_save"):
        if mapping.get(key):
            return read_modules_to_save(_texts(mapping[key], key), tree)
    return None


def read_axolotl(patterns: list[str], tree: LayerTree) -> Imported:
    """What `unfrozen_parameters` lets train: from a name's beginning, dots literal unless a plus follows."""
    trains = [False] * len(tree.parameters)
    missing, unread = [], []
    for number, pattern in enumerate(patterns, 1):
        rows = ROWS.match(pattern)
        if rows:
            unread.append(Unread(number, pattern, "it trains some rows of a tensor, which trains whole or not at all"))
            continue
        try:
            regex = compile_bounded(re.sub(r"\.(?!\+)", r"\\.", pattern))
        except RuleError as error:
            unread.append(Unread(number, pattern, error.problem.rstrip(".")))
            continue
        found = [i for i, p in enumerate(tree.parameters) if regex.match(p.name)]
        if not found:
            missing.append(pattern)
        for i in found:
            trains[i] = True
    return _found("axolotl", tree, trains, missing, unread)


def read_llama_factory(mapping: dict, tree: LayerTree) -> Imported:
    """What LLaMA-Factory's `freeze_*` keys let train."""
    layers = mapping.get("freeze_trainable_layers", 2)
    if not isinstance(layers, int) or isinstance(layers, bool) or abs(layers) > MOST:
        raise ExportError(
            f"freeze_trainable_layers is '{shortened(str(layers))}'.", "It is a number, such as 2, or -2 for the first."
        )
    modules = _texts(mapping.get("freeze_trainable_modules", "all"), "freeze_trainable_modules")
    extra = _texts(mapping.get("freeze_extra_modules") or [], "freeze_extra_modules")
    names = [p.name for p in tree.parameters]
    blocks = max((len(tower.blocks) for tower in tree.towers), default=0)
    chosen = hit(Keys(layers, tuple(modules), tuple(extra)), names, blocks)
    parts = {part for name in names for part in name.split(".")}
    missing = [module for module in (*modules, *extra) if module != "all" and module not in parts]
    return _found("llama-factory", tree, [name in chosen for name in names], missing, [])


def read_modules_to_save(modules: list[str], tree: LayerTree) -> Imported:
    """What PEFT trains beside its adapters: the modules whose path ends so."""
    trains = [False] * len(tree.parameters)
    missing = []
    for module in modules:
        paths = [path for path in tree.below if path.endswith(module)]
        if not paths or not module:
            missing.append(module)
            continue
        for path in paths:
            for i in tree.under(path):
                trains[i] = True
    return _found("peft", tree, trains, missing, [])


def _found(kind: str, tree: LayerTree, trains: list[bool], missing: list[str], unread: list[Unread]) -> Imported:
    if not any(trains):
        first = missing[0] if missing else unread[0].text if unread else "none"
        raise ExportError(
            f"Nothing of {shortened(tree.source)} trains under these keys: '{shortened(first)}' hits nothing.",
            "They may be of another model.",
        )
    return Imported(kind, spec_of(tree, trains), missing=tuple(missing), unread=tuple(unread))


def _texts(value: object, key: str) -> list[str]:
    """A list of texts, or one text with commas between them."""
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",")] if key.startswith("freeze_") else [value]
    if not isinstance(value, list) or len(value) > MOST or not all(isinstance(item, str) for item in value):
        raise ExportError(f"'{key}' is no list of names.", "Write one name a line, each after a dash.")
    return [item for item in value if item]
