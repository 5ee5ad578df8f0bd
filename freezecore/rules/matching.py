"""Matching: which parameters a selector hits, as bits over a tree's names."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from freezecore.name_index import NameIndex, PathNode, union
from freezecore.rules.regexes import compile_bounded
from freezecore.spec import Selector
from freezecore.tree import LayerTree, Stage, Tower

_EMBEDDED = re.compile(r"(?<=[^.])\*\*|\*\*(?=[^.])")


@lru_cache(maxsize=1_000)
def selected(selector: Selector, names: NameIndex) -> int:
    """The names that a selector hits, as bits."""
    return _FORMS[selector.form](names, selector)


def in_tower(tower: Tower, name: str | None) -> bool:
    """The tower is called so: by its name, its path or the path's last part, or by its part; None means every tower."""
    return name is None or name in (tower.name, tower.path, tower.path.rpartition(".")[2], tower.part)


def tower_word(tree: LayerTree, tower: Tower) -> str | None:
    """What `blocks@` may call a tower; None in a tree of one tower, and where its name would be read otherwise."""
    sayable = len(tree.towers) > 1 and not any(mark in tower.name for mark in ' :;#"')
    return tower.name or None if sayable else None


def chosen_positions(value: str, count: int) -> list[int]:
    """Which of `count` things `0-2`, `0,3`, `first3` or `last2` choose."""
    if value.startswith("first"):
        return list(range(min(int(value[5:]), count)))
    if value.startswith("last"):
        return list(range(max(count - int(value[4:]), 0), count))
    runs = [run.split("-") for run in value.split(",")]
    return sorted({i for run in runs for i in range(int(run[0]), min(int(run[-1]), count - 1) + 1)})


def _path(names: NameIndex, selector: Selector) -> int:
    """A path that really exists is taken as it stands, whatever characters it has; else it may name a part."""
    found = names.under(selector.value)
    if found or not is_glob(selector.value):
        return found or _part(names, selector)
    return union(node.run for node in matching(names, selector.value))


def _part(names: NameIndex, selector: Selector) -> int:
    return names.all_names_of(names.tree.in_part.get(selector.value, ()))


def _contains(names: NameIndex, selector: Selector) -> int:
    return names.where(lambda name: selector.value in name)


def _regex(names: NameIndex, selector: Selector) -> int:
    return names.where(compile_bounded(selector.value).search)


def _type(names: NameIndex, selector: Selector) -> int:
    matches = PartMatch(selector.value)
    return names.union(path for kind, paths in names.of_type.items() if matches[kind] for path in paths)


def _kind(names: NameIndex, selector: Selector) -> int:
    tree, role = names.tree, selector.value
    if role == "all":
        return names.everything
    if role == "norms":
        return names.parameters_where(lambda parameter: parameter.norm)
    if role == "routers":
        return names.parameters_where(lambda parameter: parameter.router)
    if role == "biases":
        return names.parameters_where(lambda parameter: parameter.bias)
    if role == "adapters":
        return names.parameters_where(lambda parameter: parameter.adapter)
    places = {
        "embeddings": (
            "embedding",
            [path for tower in tree.towers for path in tower.embeddings if path not in tree.head],
        ),
        "stem": ("stem", [path for tower in tree.towers for path in tower.stem]),
        "head": ("head", tree.head),
    }
    if role == "neck" and all(parameter.kind != "neck" for parameter in tree.parameters):
        return names.union(("neck",))  # a module of that name, in a model that has no such part
    kind, paths = places.get(role, (role, ()))
    found = names.union(paths)
    for parameter in tree.parameters:
        if parameter.kind == kind:
            found |= names.exact[parameter.name]
    return found


def _blocks(names: NameIndex, selector: Selector) -> int:
    return union(names.union(names.tree.modules_of(block)) for block in _chosen(names, selector, "blocks"))


def _stages(names: NameIndex, selector: Selector) -> int:
    return union(stage_hits(stage, names) for stage in _chosen(names, selector, "stages"))


def _chosen(names: NameIndex, selector: Selector, parts: str) -> Iterator:
    """The blocks or stages of each tower that the selector counts."""
    for tower in names.tree.towers:
        if in_tower(tower, selector.tower):
            each = getattr(tower, parts)
            yield from (each[i] for i in chosen_positions(selector.value, len(each)))


def stage_hits(stage: Stage, names: NameIndex) -> int:
    """The names in a stage, what stands between its blocks included."""
    return names.union((stage.path, *stage.blocks) if stage.path else stage.blocks)


def is_glob(path: str) -> bool:
    """It has a character that globs give a meaning."""
    return any(mark in path for mark in "*?[")


def matching(names: NameIndex, glob: str) -> list[PathNode]:
    """Every path that a glob reaches: `*` stays inside a part; a leading `*.` and a part `**` stand for any depth."""
    return [node for parts in variants(glob) for node in _reached(names, parts)]


def variants(glob: str) -> list[list[str]]:
    """A glob as lists of parts in which `**` stands alone: `a**b` is `a*b`, or `a*`, anything, `*b`."""
    glob = re.sub(r"\*{3,}", "**", glob)
    if glob.startswith("*."):
        glob = "*" + glob
    embedded = _EMBEDDED.search(glob)
    if embedded is None:
        return [glob.split(".")]
    before, after = glob[: embedded.start()], glob[embedded.end() :]
    return variants(f"{before}*{after}") + variants(f"{before}*.**.*{after}")


def _reached(names: NameIndex, parts: list[str]) -> list[PathNode]:
    """The nodes that a list of part patterns reaches; `**` reaches any depth, no depth included."""
    nodes = [names.root]
    if parts[0] == "**" and len(parts) > 1 and parts[1] != "**":
        matches = PartMatch(parts[1])
        nodes = [node for part, found in names.by_last.items() if matches[part] for node in found]
        parts = parts[2:]
    for part in parts:
        if part == "**":
            seen = {node.path: node for start in nodes for node in start.family()}
            nodes = list(seen.values())
        elif is_glob(part):
            matches = PartMatch(part)
            nodes = [child for node in nodes for name, child in node.children.items() if matches[name]]
        else:
            nodes = [node.children[part] for node in nodes if part in node.children]
    return nodes


class PartMatch(dict):
    """Whether one dotted part matches a pattern, asked once for each spelling: blocks repeat their names."""

    def __init__(self, pattern: str) -> None:
        super().__init__()
        self.match = re.compile(fnmatch.translate(pattern)).match

    def __missing__(self, part: str) -> bool:
        self[part] = self.match(part) is not None
        return self[part]


_FORMS: dict[str, Callable[[NameIndex, Selector], int]] = {
    "path": _path,
    "contains": _contains,
    "regex": _regex,
    "type": _type,
    "kind": _kind,
    "part": _part,
    "blocks": _blocks,
    "stages": _stages,
}
