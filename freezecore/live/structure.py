"""Where things stand in a model: towers, stages, blocks, what comes before the first block, and the head.

One general rule. Block lists (`structure_lists`) are the backbone. Lists that share a parent make one tower; a tower
reaches up to the largest module that contains no other tower's list. Within it, what runs before the first block is
the embeddings or the stem, what runs between blocks belongs to them, and the head is what the library says makes the
prediction, else what runs last.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from torch import nn

from freezecore.live.structure_head import hinted_head, input_embeddings
from freezecore.live.structure_lists import BlockList, block_lists, inner_rows
from freezecore.live.structure_view import Node, View, joined
from freezecore.tree import Kind, Stage, Tower

EMBEDS = re.compile(r"embed|cls_?token|\bcls\b|\bpos\b|position|patch", re.IGNORECASE)


@dataclass
class Structure:
    """What was found.

    Attributes:
        towers: in the order in which they run.
        head: paths of modules, or names of raw parameters.
        kinds: of every parameter, by its first name.
    """

    towers: tuple[Tower, ...]
    head: tuple[str, ...]
    kinds: dict[str, Kind] = field(default_factory=dict)


def find_structure(seen: View, order: dict[str, int] | None = None) -> Structure:
    """Towers, head and the kind of every parameter.

    Args:
        order: place of each parameter's first use in a forward pass; None takes the definition's order.
    """
    place = order if order is not None else {name: at for at, name in enumerate(seen.tensors)}
    hinted = hinted_head(seen)
    head = _names_under(seen, hinted or [])
    lists = [each for each in block_lists(seen.root) if not head.issuperset(_names(seen, each.elements))]
    groups = _grouped(lists)
    inputs = input_embeddings(seen)
    kinds: dict[str, Kind] = {}
    towers = [_tower(seen, path, group, groups, place, head, inputs, kinds) for path, group in groups.items()]
    if hinted is None:
        hinted = _last(seen, place, kinds)
        head = _names_under(seen, hinted)
    for node in inputs:
        for name in seen.below(node):
            kinds.setdefault(name, "embedding")
    for name in seen.tensors:
        if name in head and kinds.get(name) != "embedding":
            kinds[name] = "head"
        kinds.setdefault(name, "other")
    towers.sort(key=lambda tower: min((place.get(n, 1 << 60) for n in _names_under(seen, tower.blocks)), default=0))
    return Structure(tuple(_named(towers)) or (Tower("model", ""),), tuple(hinted), kinds)


def _names(seen: View, nodes) -> set[str]:
    return {name for node in nodes for name in seen.below(node)}


def _names_under(seen: View, paths) -> set[str]:
    """Parameters at or below paths, which may be modules' paths or parameters' names."""
    found = {path for path in paths if path in seen.tensors}
    return found | _names(seen, (seen.nodes[path] for path in paths if path in seen.nodes))


def _grouped(lists: list[BlockList]) -> dict[str, list[BlockList]]:
    """Lists by the path of their tower: the largest module around them without another tower's list."""
    parents: dict[str, list[BlockList]] = {}
    for each in lists:
        holder = each.parent
        # A container such as `blocks` stands for its parent; numbered siblings stand in their parent already.
        if isinstance(holder.module, nn.ModuleList | nn.Sequential) and holder.parent is not None:
            holder = holder.parent
        parents.setdefault(holder.path, []).append(each)
    return {_reach(path, parents): group for path, group in parents.items()}


def _reach(path: str, parents: dict[str, list[BlockList]]) -> str:
    others = [other for other in parents if other != path]
    while path:
        above = path.rpartition(".")[0]
        if any(not above or other == above or other.startswith(above + ".") for other in others):
            return path
        path = above
    return path


def _tower(
    seen: View,
    path: str,
    group: list[BlockList],
    groups: dict[str, list[BlockList]],
    place: dict[str, int],
    head: set[str],
    inputs: list[Node],
    kinds: dict[str, Kind],
) -> Tower:
    """One tower from its block lists; writes the kinds of its parameters."""

    def first(node: Node) -> int:
        return min((place[name] for name in seen.below(node) if name in place), default=1 << 60)

    stages, blocks = [], []
    for each in sorted(group, key=lambda one: min(first(e) for e in one.elements)):
        elements = sorted(each.elements, key=first)
        staged = inner_rows(BlockList(each.parent, tuple(elements)))
        for element, inner in staged or ((element, (element,)) for element in elements):
            inner = sorted(inner, key=first)
            blocks += inner
            if staged:
                stages.append(Stage(element.path, tuple(node.path for node in inner)))
    inside = _names(seen, blocks)
    start = min(first(node) for node in blocks)
    end = max((place[name] for name in inside if name in place), default=start)
    apart = [other for other in groups if other != path and seen.nodes[path].contains(other)]
    front: list[str] = []
    for name in seen.below(seen.nodes[path]):
        if name in inside:
            kinds[name] = "block"
        elif name in head or any(seen.nodes[other].contains(name) for other in apart):
            continue
        elif place.get(name, end + 1) < start:
            front.append(name)
        elif place.get(name, end + 1) < end:
            kinds[name] = "block"
    for node in inputs:
        if seen.nodes[path].contains(node.path) or any(seen.nodes[path].contains(alias) for alias in node.aliases):
            front += [name for name in seen.below(node) if name not in front and kinds.get(name) != "block"]
    embeds = any(_embeds(seen, name) for name in front)
    for name in front:
        kinds[name] = "embedding" if embeds else "stem"
    rows = tuple(_covering(seen, front, seen.nodes[path]))
    return Tower(
        "", path, rows if embeds else (), () if embeds else rows, tuple(stages), tuple(node.path for node in blocks)
    )


def _embeds(seen: View, name: str) -> bool:
    owner = seen.owner[name]
    if isinstance(owner.module, nn.Embedding):
        return True
    return any(EMBEDS.search(part) for part in name.split(".")[-3:])


def _covering(seen: View, names: list[str], top: Node) -> list[str]:
    """The fewest module paths and parameter names below `top` that hold exactly these parameters."""
    wanted, found = set(names), []

    def visit(node: Node) -> None:
        below = set(seen.below(node))
        if not below & wanted:
            return
        if node is not top and below <= wanted:
            found.append(node.path)
            return
        found.extend(name for name in node.own if name in wanted)
        for child in node.bearing:
            visit(child)

    visit(top)
    covered = _names_under(seen, found)
    found += [name for name in names if name not in covered]
    return list(dict.fromkeys(found))


def _last(seen: View, place: dict[str, int], kinds: dict[str, Kind]) -> list[str]:
    """The layer that runs last, where it comes after every block and is no norm: a matrix that maps to the outputs."""
    matrices = [name for name in place if seen.tensors[name].ndim > 1]
    if not matrices:
        return []
    name = max(matrices, key=place.__getitem__)
    return [seen.owner[name].path or name] if name not in kinds else []


def _named(towers: list[Tower]) -> list[Tower]:
    """Towers with distinct names: the last part of their paths that tells them apart."""
    named = []
    for tower in towers:
        name = tower.path.rpartition(".")[2] or "model"
        twins = [other for other in towers if other is not tower and (other.path.rpartition(".")[2] or "model") == name]
        named.append(Tower(tower.path if twins else name, *_rest(tower)))
    return named


def _rest(tower: Tower) -> tuple:
    return tower.path, tower.embeddings, tower.stem, tower.stages, tower.blocks


__all__ = ["Structure", "find_structure", "joined"]
