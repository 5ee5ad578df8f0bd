"""Block lists: where a model repeats itself, found by shape alone; no table of model names.

A block is a module with two weight matrices or more; a convolution and its norm are none. A block list is an outermost
row of sibling blocks: the numbered children of a container, or three or more children that share a class or a name but
for its number. It is never looked for inside another list, so that experts stay in their block.

Blocks are applied one after another. Siblings that are not (a merger for each of several depths, a head for each scale,
encoders side by side) are no row.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

from torch import nn

from freezecore.runtime.tree.marks import is_norm
from freezecore.runtime.tree.module_tree import ModuleNode, ModuleTree, is_library_model

FEWEST_SIBLINGS = 3
STAGE_SHARE = 0.7  # of an element's scalars, to lie in its inner row; a swin stage's downsampling takes the rest
LIKE_SHARE = 0.5  # the same, where all elements are of one class and keep their row under one name
STACKED, FEWEST = 4, 2  # blocks that make an encoder, and where another is made of the same
LEAST_SHARE = 0.25  # of the largest list's scalars, or of its elements' mean beside it, for a list to count
ATTENTION = re.compile(r"attn|attention", re.IGNORECASE)
FEED_FORWARD = re.compile(r"mlp|ffn|feed_?forward", re.IGNORECASE)
BLOCKS = re.compile(r"(?:^|_)blocks?$")
STAGES = re.compile(r"Stage\d*$")  # whatever share of it its downsampling has
CONTAINERS = (nn.Sequential, nn.ModuleList)


@dataclass(frozen=True)
class BlockList:
    """A row of siblings.

    Attributes:
        parent: the module that holds them.
        elements: in definition order.
    """

    parent: ModuleNode
    elements: tuple[ModuleNode, ...]

    @property
    def numel(self) -> int:
        return sum(element.numel for element in self.elements)

    @property
    def holder(self) -> ModuleNode:
        """The module that the row is a part of: a container such as `blocks` stands for its parent."""
        above = self.parent.parent
        return above if above is not None and isinstance(self.parent.module, CONTAINERS) else self.parent


def block_lists(seen: ModuleTree, fed: dict[str, frozenset[str]], calls: dict[str, int]) -> list[BlockList]:
    """Outermost block lists of a model, small ones left out.

    A list is small against the others of its own part of the model: a chat model's vision tower, a library's model of
    its own, is not measured against the language model.

    Args:
        fed: for a module, those beside it that its input was computed from in a forward pass.
        calls: how often that forward called each module, by path.
    """
    parts: dict[str, list[BlockList]] = defaultdict(list)
    in_turn, apart = (lambda row: _in_turn(row, fed, calls)), (lambda row: _ran_in_turn(row, fed, calls) is not False)
    for each in _outermost(seen.root, in_turn) or _outermost(seen.root, apart):
        parts[_part(each.parent)].append(each)
    return [each for lists in parts.values() for each in lists if _counts(each, max(lists, key=lambda one: one.numel))]


def aside(seen: ModuleTree, fed: dict[str, frozenset[str]], calls: dict[str, int]) -> list[BlockList]:
    """Siblings of which nothing ran and which cannot be applied one after another, wherever they are defined."""
    rows = [found for node in seen.nodes.values() if (found := row(node))]
    idle = [each for each in rows if not any(calls.get(element.path) for element in each.elements)]
    return [each for each in idle if not _in_turn(each, fed, calls)]


def layer_list(
    seen: ModuleTree, leave_out: str, ends: list[str], fed: dict[str, frozenset[str]], calls: dict[str, int]
) -> BlockList | None:
    """For a model without such blocks, as VGG: the longest row of layers, or of layers with their norm.

    Args:
        leave_out: name of the last parameter to run; the twin of the module around it, which follows that by its
            weights (a momentum encoder), does not count.
        ends: its layer and those that end beside it, which do not count either.
    """
    rows, last = [], seen.owner[leave_out].parent
    siblings = [found for node in seen.nodes.values() if (found := row(node))]
    apart = [element for each in siblings if _ran_in_turn(each, fed, calls) is False for element in each.elements]
    for node in seen.nodes.values():
        if any(each.contains(node.path) for each in apart):
            continue
        layers = [each for each in node.bearing if _is_layer(each) and not any(map(each.contains, ends))]
        found = BlockList(node, tuple(layers))
        twin = last is not None and node is not last and _shapes(node) == _shapes(last)
        if len(layers) > 1 and not twin and _ran_in_turn(found, fed, calls) is not False:
            rows.append(found)
    return max(rows, key=lambda each: (len(each.elements), each.numel), default=None)


def _is_layer(node: ModuleNode) -> bool:
    """One matrix that is multiplied with, and not a table to look up in, such as a codebook."""
    return node.matrices == 1 and not any(isinstance(each.module, nn.Embedding) for each in node.walk())


def _counts(each: BlockList, largest: BlockList) -> bool:
    if each.numel >= LEAST_SHARE * largest.numel or _is_stack(each, largest):
        return True
    mean, largest_mean = (one.numel / len(one.elements) for one in (each, largest))
    return each.holder is largest.holder and mean >= LEAST_SHARE * largest_mean


def _is_stack(each: BlockList, largest: BlockList) -> bool:
    """An encoder, however large its neighbour: blocks of one class, each with attention and a feed-forward; fewer are
    one too where they are of its neighbour's class."""
    kinds = {element.type for element in each.elements}
    theirs = {block.type for element in largest.elements for block in (element, *element.bearing)}
    enough = len(each.elements) >= (FEWEST if kinds <= theirs else STACKED)
    return enough and len(kinds) == 1 and each.elements[0].matrices >= 4


def _part(node: ModuleNode) -> str:
    """The nearest module around a node that is a library's complete model."""
    while node.parent is not None and not is_library_model(node.module):
        node = node.parent
    return node.path


def _outermost(node: ModuleNode, in_turn: Callable[[BlockList], bool]) -> list[BlockList]:
    own = [each for each in rows(node) if in_turn(each)]
    taken = [element for each in own for element in each.elements]
    rest = [child for child in node.bearing if child not in taken and child.parent is node]
    return own + [each for child in rest for each in _outermost(child, in_turn)]


def _in_turn(each: BlockList, fed: dict[str, frozenset[str]], calls: dict[str, int]) -> bool:
    """Whether the elements can be applied one after another: as they ran, else as wide as they take in and give out."""
    if (ran := _ran_in_turn(each, fed, calls)) is not None:
        return ran
    shapes = set(map(_shapes, each.elements))
    nodes = [node for node in each.elements[0].walk() if isinstance(node.module, nn.Linear)]
    linear: list[Any] = [node.module for node in nodes]
    rowed = all(node.parent is not None and isinstance(node.parent.module, CONTAINERS) for node in nodes)
    chain = rowed and all(one.out_features == other.in_features for one, other in pairwise(linear))
    if len(linear) > 1 and chain and len(linear) == each.elements[0].matrices:
        linear = [linear[0], linear[-1]]  # a row of linear layers gives out what its last does
    return len(shapes) > 1 or len(linear) < 2 or any(one.out_features == linear[0].in_features for one in linear[1:])


def _ran_in_turn(each: BlockList, fed: dict[str, frozenset[str]], calls: dict[str, int]) -> bool | None:
    """Whether most elements were given what another of them had made; None where they did not all run."""
    paths = {element.path for element in each.elements}
    if len(paths) < 2 or not all(calls.get(path) for path in paths):
        return None
    return 2 * sum(bool(fed.get(path, paths - paths) & paths) for path in paths) >= len(paths) - 1


def _shapes(node: ModuleNode) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(tensor.shape) for tensor in node.module.parameters())


def grouped(lists: list[BlockList], fed: dict[str, frozenset[str]]) -> list[tuple[str, list[BlockList]]]:
    """Lists with the path of their tower: the largest module around them without another tower's list.

    Lists of one holder are one tower. If two of them run side by side (words and pictures), each is a tower of its own.
    """
    holders: dict[str, list[BlockList]] = {}
    for each in lists:
        holders.setdefault(_holder(each, lists).path, []).append(each)
    found = []
    for path, group in holders.items():
        apart = any(
            one.holder is other.holder and _side_by_side(one, other, fed) for one, other in combinations(group, 2)
        )
        found.append((_reach(path, holders), group[:1] if apart else group))
        found += [(each.parent.path, [each]) for each in group[1:] if apart]
    return found


def _holder(each: BlockList, lists: list[BlockList]) -> ModuleNode:
    """The module that a list is a part of: where that lies in another list's, which repeats the same blocks (a stem of
    stages, before the stages), it is a part of that."""
    own, kinds = each.holder, {element.type for element in each.elements}
    for other in lists:
        around = other.holder
        same = around is not own and around.path and around.contains(own.path)
        if same and kinds <= {block.type for _, blocks in staged(other) or () for block in blocks}:
            return around
    return own


def _side_by_side(one: BlockList, other: BlockList, fed: dict[str, frozenset[str]]) -> bool:
    """Both ran, and neither was given anything that was computed from the other."""
    mine, theirs = ({each.parent.path, *(element.path for element in each.elements)} for each in (one, other))
    given = [frozenset[str]().union(*(fed.get(path, ()) for path in paths)) for paths in (mine, theirs)]
    return bool(given[0] and given[1]) and not (given[0] & theirs or given[1] & mine)


def _reach(path: str, holders: dict[str, list[BlockList]]) -> str:
    others = [other for other in holders if other != path]
    while path:
        above = path.rpartition(".")[0]
        if any(not above or other == above or other.startswith(above + ".") for other in others):
            return path
        path = above
    return path


def rows(node: ModuleNode) -> list[BlockList]:
    """The block lists among a node's own children: the largest, and the next of what is left, as a net's way down and
    its way up."""
    found: list[BlockList] = []
    while each := row(node, {id(element) for one in found for element in one.elements}):
        found.append(each)
        if isinstance(node.module, CONTAINERS):
            break
    return found


def row(node: ModuleNode, taken: Set[int] = frozenset()) -> BlockList | None:
    """The largest block list among a node's own children but those taken, if there is one."""
    blocks = [child for child in node.bearing if child.matrices > 1]
    if isinstance(node.module, CONTAINERS) and all(key.isdigit() for key in node.children):
        if 2 * sum(_contains_row(child) for child in blocks) > len(blocks):
            blocks = [child for child in node.bearing if child in blocks or _contains_row(child)]
        return BlockList(node, tuple(blocks)) if blocks and _is_row(node, blocks) else None
    groups: dict[str, list[ModuleNode]] = defaultdict(list)
    for key, child in node.children.items():
        if child in blocks and id(child) not in taken:
            if not isinstance(child.module, CONTAINERS):
                groups["class " + child.type].append(child)
            if len(stem := re.split(r"\d", key)[0]) < len(key):
                groups["name " + stem].append(child)
    several = [BlockList(node, tuple(group)) for group in groups.values() if len(group) >= FEWEST_SIBLINGS]
    return max(several, key=lambda each: each.numel, default=None)


def _contains_row(child: ModuleNode) -> bool:
    """A stage that is a plain container; in a row of such, one of a single small block counts too."""
    return isinstance(child.module, CONTAINERS) and all(each.children for each in child.bearing)


def _is_row(node: ModuleNode, blocks: list[ModuleNode]) -> bool:
    """A ModuleList is one even of one element; a Sequential needs two, most of them of one class."""
    if len(blocks) == 1:
        return isinstance(node.module, nn.ModuleList) and len(node.bearing) == 1
    most = Counter(child.type for child in blocks).most_common(1)[0][1]
    return isinstance(node.module, nn.ModuleList) or 2 * most >= len(blocks)


def alternate(pairs: Sequence[tuple[ModuleNode, ModuleNode]]) -> bool:
    """Whether each pair is attention alone and then a feed-forward alone, by their classes' names."""
    return all(_role(one.module) == {ATTENTION} and _role(two.module) == {FEED_FORWARD} for one, two in pairs)


def attends(each: BlockList, base: BlockList) -> bool:
    """Whether a list is attention alone, and the one beside it is of whole layers, which it is a part of then."""
    alone = all(_role(element.module) == {ATTENTION} for element in each.elements)
    return alone and all(_role(element.module) == {ATTENTION, FEED_FORWARD} for element in base.elements)


def _role(module: nn.Module) -> set[re.Pattern]:
    """Which of the two a module is by its class, else what its children are."""
    if found := {pattern for pattern in (ATTENTION, FEED_FORWARD) if pattern.search(type(module).__name__)}:
        return found
    return {role for child in module.children() for role in _role(child)}


def rows_beside(base: BlockList) -> list[BlockList]:
    """Lists beside a block list that have as many elements, whatever these are: a norm for each block."""
    beside = [
        child for child in base.holder.bearing if isinstance(child.module, nn.ModuleList) and child is not base.parent
    ]
    return [BlockList(child, tuple(child.bearing)) for child in beside if len(child.bearing) == len(base.elements)]


def staged(outer: BlockList) -> list[tuple[ModuleNode, tuple[ModuleNode, ...]]] | None:
    """Stages with their blocks where an outer list's elements are rows themselves; None where they are blocks."""
    if all(map(_is_one_round, outer.elements)) or _called_blocks(outer):
        return None
    called = all(STAGES.search(element.type) for element in outer.elements)
    share = 0 if called else LIKE_SHARE if _alike(outer) else STAGE_SHARE
    inner = {id(element): _inner(element, share) for element in outer.elements}
    plain = any(isinstance(element.module, CONTAINERS) for element in outer.elements)
    if not plain and all(len({block.type for block in blocks}) == len(blocks) for blocks in inner.values()):
        return None  # each element has one of each: self-attention, cross-attention, feed-forward
    if 2 * sum(map(bool, inner.values())) <= len(inner):
        return None
    kinds = {block.type for blocks in inner.values() for block in blocks}
    return [(element, inner[id(element)] or _of_these(element, kinds) or (element,)) for element in outer.elements]


def _called_blocks(outer: BlockList) -> bool:
    """A row that its author calls blocks, of modules of a class of his own: each is one, whatever it repeats inside."""
    own = not any(isinstance(element.module, CONTAINERS) for element in outer.elements)
    return own and bool(BLOCKS.search(outer.parent.name)) and isinstance(outer.parent.module, nn.ModuleList)


def _is_one_round(element: ModuleNode) -> bool:
    """A list that nothing calls, of attention and a feed-forward of one and the same layer: the layer is the block."""
    roles = [_role(child.module) for child in element.bearing]
    attending = roles.count({ATTENTION})
    return isinstance(element.module, nn.ModuleList) and attending > 0 and roles.count({FEED_FORWARD}) == 1


def _of_these(element: ModuleNode, kinds: set[str]) -> tuple[ModuleNode, ...]:
    """The children of a stage whose blocks are single layers, if they are of the other stages' classes."""
    of_these = isinstance(element.module, CONTAINERS) and all(child.type in kinds for child in element.bearing)
    return tuple(element.bearing) if of_these else ()


def _alike(outer: BlockList) -> bool:
    """Whether all elements are of one class of their author's and keep an inner row of one class under the same name,
    as stages whose downsampling is nearly as large as their blocks."""
    rows = [{(c.name, c.bearing[0].type) for c in each.bearing if _is_inner_row(c)} for each in outer.elements]
    kinds = {element.type for element in outer.elements}
    own = not isinstance(outer.elements[0].module, CONTAINERS)
    return own and len(kinds) == 1 and bool(set.intersection(*rows))


def _inner(element: ModuleNode, share: float) -> tuple[ModuleNode, ...]:
    """Blocks of one stage: its own children, those of a direct child, or children named by number; () for a block."""
    children = element.bearing
    if len(children) == 1 and isinstance(element.module, CONTAINERS) and _is_inner_row(children[0]):
        return _several(children[0])
    mixed = len(set(map(_is_inner_row, children))) > 1  # a downsampling, then the blocks
    if isinstance(element.module, CONTAINERS) and not mixed:
        layers = [child for child in children if not is_norm(child)]  # one may end the stage
        layers = layers[1:] if len(layers) > 1 and not layers[0].children else layers  # a downsampling may begin it
        whole = all(child.children for child in layers)
        blocks = tuple(child for child in layers if child.matrices > 1 or not isinstance(child.module, CONTAINERS))
        return blocks if whole and any(child.matrices > 1 for child in children) else ()
    rows = [_several(child) for child in children if _is_inner_row(child)]
    rows.append(tuple(c for k, c in element.children.items() if _numbered_block(k, c)))
    best = max(rows, key=_numel)
    return best if best and _numel(best) >= share * element.numel else ()


def _is_inner_row(child: ModuleNode) -> bool:
    """A container of blocks, few of them single layers with their norm; containers in a ModuleList are branches that
    run beside each other."""
    if not isinstance(child.module, CONTAINERS) or not child.bearing:
        return False
    if isinstance(child.module, nn.ModuleList) and isinstance(child.bearing[0].module, CONTAINERS):
        return False
    blocks = _several(child)
    few = 3 * len(blocks) >= 2 * len(child.bearing) and all(each.children for each in child.bearing)
    return few or len(blocks) == len(child.bearing)


def _several(node: ModuleNode) -> tuple[ModuleNode, ...]:
    """Children of more than one matrix."""
    return tuple(child for child in node.bearing if child.matrices > 1)


def _numbered_block(key: str, child: ModuleNode) -> bool:
    """`b1`, `denselayer4`: not a plain container, which at this depth is a branch that runs beside others."""
    return bool(re.fullmatch(r"[A-Za-z_]+\d+", key)) and child.matrices > 1 and not isinstance(child.module, CONTAINERS)


def _numel(nodes: tuple[ModuleNode, ...]) -> int:
    return sum(node.numel for node in nodes)
