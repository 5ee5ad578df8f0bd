"""What a selector hits on a tree, as bits over its names."""

from __future__ import annotations

from collections.abc import Callable

from freezecore.rules.globs import PartMatch, is_glob, matching
from freezecore.rules.names import Names, union
from freezecore.rules.regexes import compile_bounded
from freezecore.spec import Selector
from freezecore.tree import LayerTree, Stage, Tower

MOST_REMEMBERED = 2_000


def selected(selector: Selector, names: Names) -> int:
    """The names that a selector hits; what it found once is remembered with the names."""
    remembered = names.kept.setdefault("selected", {})
    found = remembered.get(selector)
    if found is None:
        if len(remembered) > MOST_REMEMBERED:
            remembered.clear()
        found = remembered[selector] = _FORMS[selector.form](names, selector)
    return found


def in_tower(tower: Tower, name: str | None) -> bool:
    """The tower is called so: by its name, its path or the path's last part; None means every tower."""
    return name is None or name in (tower.name, tower.path, tower.path.rpartition(".")[2])


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


def _path(names: Names, selector: Selector) -> int:
    """A path that really exists is taken as it stands, whatever characters it has."""
    found = names.under(selector.value)
    if found or not is_glob(selector.value):
        return found
    return union(node.run for node in matching(names.root, selector.value, names.by_last))


def _contains(names: Names, selector: Selector) -> int:
    return names.where(lambda name: selector.value in name)


def _regex(names: Names, selector: Selector) -> int:
    return names.where(compile_bounded(selector.value).search)


def _type(names: Names, selector: Selector) -> int:
    matches = PartMatch(selector.value)
    return names.union(path for kind, paths in names.of_type.items() if matches[kind] for path in paths)


def _kind(names: Names, selector: Selector) -> int:
    tree, role = names.tree, selector.value
    if role == "all":
        return names.everything
    if role == "norms":
        return names.parameters_where(lambda parameter: parameter.norm)
    if role == "biases":
        return names.parameters_where(lambda parameter: parameter.bias)
    places = {
        "embeddings": (
            "embedding",
            [path for tower in tree.towers for path in tower.embeddings if path not in tree.head],
        ),
        "stem": ("stem", [path for tower in tree.towers for path in tower.stem]),
        "head": ("head", tree.head),
    }
    kind, paths = places.get(role, (role, ()))
    found = names.union(paths)
    for parameter in tree.parameters:
        if parameter.kind == kind:
            found |= names.exact[parameter.name]
    return found


def _blocks(names: Names, selector: Selector) -> int:
    found = 0
    for tower in names.tree.towers:
        if in_tower(tower, selector.tower):
            for i in chosen_positions(selector.value, len(tower.blocks)):
                found |= names.under(tower.blocks[i])
    return found


def _stages(names: Names, selector: Selector) -> int:
    found = 0
    for tower in names.tree.towers:
        if in_tower(tower, selector.tower):
            for i in chosen_positions(selector.value, len(tower.stages)):
                found |= stage_hits(tower.stages[i], names)
    return found


def stage_hits(stage: Stage, names: Names) -> int:
    """The names in a stage, what stands between its blocks included."""
    return names.union((stage.path, *stage.blocks) if stage.path else stage.blocks)


_FORMS: dict[str, Callable[[Names, Selector], int]] = {
    "path": _path,
    "contains": _contains,
    "regex": _regex,
    "type": _type,
    "kind": _kind,
    "blocks": _blocks,
    "stages": _stages,
}
