"""What a person may have meant by a selector that hits nothing: the nearest real names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from freezecore.errors import did_you_mean, meant, nearest, shortened
from freezecore.rules.grammar import print_selector
from freezecore.rules.matching import in_tower, is_glob, selected
from freezecore.sentences import say
from freezecore.spec import ROLES, Selector
from freezecore.tree import PARTS, LayerTree

MOST_COMPARED = 400
BODY_WORDS = ("backbone", "body", "trunk", "base", "feature_extractor", "base_model")  # where no module is called so
FUSED_PARTS = ("query", "key", "value", "q", "k", "v", "expert")


def hint_for(selector: Selector, tree: LayerTree) -> str:
    """A sentence that names the nearest real names, or says what the model has instead."""
    if not tree.parameters:
        return say("The model has no parameters.")
    if selector.form in ("blocks", "stages"):
        return _position_hint(selector, tree)
    if selector.form == "kind":
        return _role_hint(selector, tree)
    if selector.form == "part" or (selector.value in PARTS and tree.parts):
        return _part_hint(tree)
    if selector.form == "type":
        types = sorted({layer.type for layer in tree.layers if tree.under(layer.path)})
        return did_you_mean(selector.value, types) or say("It has {names}.", names=", ".join(types[:8]))
    close = near_paths(selector.value.strip("^$.*"), tree)
    if selector.form in ("contains", "regex"):
        return meant(close) or say("Its names look like '{name}'.", name=tree.parameters[-1].name)
    return _path_hint(selector.value, close, tree)


def near_paths(wanted: str, tree: LayerTree) -> list[str]:
    """Real paths that look like `wanted`: with another prefix, in another case, or misspelt in one part."""
    paths = _paths(tree)
    wanted = wanted[:200]
    ends = [path for path in paths if path.endswith("." + wanted)]
    same = [path for path in paths if path.lower() == wanted.lower()]
    parts = wanted.split(".")
    while len(parts) > 1 and parts[0] not in paths and ".".join(parts[1:]) in paths:
        return [".".join(parts[1:])]
    found = same or sorted(ends, key=len)[:3] or sorted(_other_dots(wanted, paths), key=len)[:3]
    return found or _misspelt(wanted, paths)


def _other_dots(wanted: str, paths: dict[str, None]) -> list[str]:
    """Paths that end so but for where dots stand: `layer11` or `layer[11]` for `encoder.layer.11`."""
    letters = _letters(wanted)
    near = (path for path in paths if letters and _letters(path).endswith(letters))
    return [path for path in near if any(_letters(path[i:]) == letters for i in _starts(path))]


def _letters(path: str) -> str:
    return re.sub(r"[\W_]", "", path).lower()


def _starts(path: str) -> list[int]:
    return [0, *(i + 1 for i, character in enumerate(path) if character == ".")]


def _misspelt(wanted: str, paths: dict[str, None]) -> list[str]:
    """The nearest names below the longest part of the path that exists, else the nearest last parts anywhere."""
    known, rest = "", wanted
    for i, character in enumerate(wanted):
        if character == "." and wanted[:i] in paths:
            known, rest = wanted[:i], wanted[i + 1 :]
    start = f"{known}." if known else ""
    children = {path[len(start) :].split(".")[0]: None for path in paths if path.startswith(start)}
    first, _, tail = rest.partition(".")
    options = [start + name for name in _closest(first, children)]
    if tail:
        options = [f"{option}.{tail}" if f"{option}.{tail}" in paths else option for option in options]
    if options:
        return options
    by_last: dict[str, str] = {}
    for path in paths:
        by_last.setdefault(path.rpartition(".")[2], path)
    return [by_last[last] for last in _closest(wanted.rpartition(".")[2], by_last)]


def _closest(word: str, names: Iterable[str]) -> list[str]:
    """Like `nearest`, on at most `MOST_COMPARED` names, so that a mistake in a large model is told at once."""
    few = list(names)
    if len(few) > MOST_COMPARED:
        few.sort(key=lambda name: -difflib.SequenceMatcher(None, word, name).real_quick_ratio())
    return nearest(word, few[:MOST_COMPARED])


def _paths(tree: LayerTree) -> dict[str, None]:
    """Every path that holds parameters, modules before parameters, in order."""
    names = (name for parameter in tree.parameters for name in parameter.names)
    return dict.fromkeys((*(path for path in tree.below if path), *names))


def _path_hint(value: str, close: list[str], tree: LayerTree) -> str:
    if value in tree.layer_at:
        return say("'{value}' holds no parameters.", value=shortened(value))
    if fused := _fused(value, tree):
        return say("Here it is a part of one tensor, {fused}, which trains whole or not at all.", fused=fused)
    if value in ("blocks", "stages"):
        return say("Write {value}:0-2, {value}:first3 or {value}:last2.", value=value)
    if value.lower() in BODY_WORDS and tree_has("head", tree):
        return say("'freeze all; train head' freezes all but the head; 'train all; freeze head' trains just that.")
    if roles := [role for role in ROLES if tree_has(role, tree) and nearest(value, [role])]:
        return meant(roles + close)
    if any(mark in value for mark in ",，、"):
        return say("Put spaces between selectors, not commas.")
    if any(mark in value for mark in "；：＊"):
        return say("Write ';', ':' and '*' in half width.")
    if not is_glob(value) and any(value in name for parameter in tree.parameters for name in parameter.names):
        text = print_selector(Selector("contains", value))
        if close:
            return say("It is a part of some names: write {text}. {meant}", text=text, meant=meant(close))
        return say("It is a part of some names: write {text}.", text=text)
    tops = [path for path in tree.below if path and "." not in path]
    return meant(close) or say("Its outermost parts are {names}.", names=", ".join(tops[:8]))


def tree_has(role: str, tree: LayerTree) -> bool:
    """Some parameter plays this role."""
    return bool(selected(Selector("kind", role), tree.names))


def _fused(value: str, tree: LayerTree) -> str | None:
    """The tensor that holds query, key and value (or all experts) together, where one of them was asked for."""
    last = value.rstrip("*").rpartition(".")[2].removesuffix("_proj").removesuffix("_lin")
    if last not in FUSED_PARTS and not re.search(r"experts\.[0-9]", value):
        return None
    wanted = "experts" if "expert" in value else ""
    return next((p.name for p in tree.parameters if p.fused and wanted in p.name), None)


def _position_hint(selector: Selector, tree: LayerTree) -> str:
    towers = [tower for tower in tree.towers if getattr(tower, selector.form)]
    if not towers:
        return say("It has no {form}; name modules by their paths.", form=selector.form)
    if selector.tower is not None and all(not in_tower(tower, selector.tower) for tower in towers):
        names = [tower.name for tower in towers]
        return did_you_mean(selector.tower, names) or say("Its towers are {names}.", names=", ".join(names))
    longest = max(len(getattr(tower, selector.form)) for tower in towers)
    return say("Its {form} are 0 to {last}.", form=selector.form, last=longest - 1)


def _part_hint(tree: LayerTree) -> str:
    if not tree.parts:
        return say("It is one whole: only a model that takes in more than one kind of thing has parts.")
    return say("Its parts are {names}.", names=", ".join(part.name for part in tree.parts))


def _role_hint(selector: Selector, tree: LayerTree) -> str:
    role = selector.value
    if role in tree.below:
        return say("Its module of that name is path:{role}.", role=role)
    present = sorted({parameter.kind for parameter in tree.parameters})
    what = say("biases") if role == "biases" else say("{role} that could be found", role=role)
    return say("It has no {what}; its parameters are of these kinds: {present}.", what=what, present=", ".join(present))
