"""Block lists: where a model repeats itself, found by shape alone; no table of model names.

A block list is an outermost row of sibling modules, each of several layers: numbered children of one container, or
three or more children of one class. It is never looked for inside another list, so that experts stay in their block.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from torch import nn

from freezecore.live.structure_view import Node

NUMBERED = re.compile(r"^(.*?)(\d+)$")
FEWEST_SIBLINGS = 3
STAGE_SHARE = 0.7  # of an element's scalars, to lie in its inner list; a swin stage's downsampling takes the rest
LEAST_SHARE = 0.25  # of the largest list's scalars, for a list to count


@dataclass(frozen=True)
class BlockList:
    """A row of siblings.

    Attributes:
        parent: the module that holds them.
        elements: in definition order.
    """

    parent: Node
    elements: tuple[Node, ...]

    @property
    def numel(self) -> int:
        return sum(element.numel for element in self.elements)


def block_lists(root: Node) -> list[BlockList]:
    """Outermost block lists below a node, small ones left out."""
    found = _outermost(root)
    largest = max((each.numel for each in found), default=0)
    return [each for each in found if each.numel >= LEAST_SHARE * largest]


def _outermost(node: Node) -> list[BlockList]:
    if own := row(node):
        rest = [child for child in node.bearing if child not in own.elements and child.parent is node]
        return [own, *(each for child in rest for each in _outermost(child))]
    return [each for child in node.bearing if child.parent is node for each in _outermost(child)]


def row(node: Node) -> BlockList | None:
    """The block list among a node's own children, if there is one."""
    children = node.bearing
    numbered = [child for key, child in node.children.items() if key.isdigit() and child.numel]
    if isinstance(node.module, nn.ModuleList | nn.Sequential) and numbered and len(numbered) == len(children):
        composite = [child for child in numbered if child.composite]
        alike = len({child.type for child in composite}) == 1 or isinstance(node.module, nn.ModuleList)
        long_enough = len(composite) > 1 or isinstance(node.module, nn.ModuleList)
        return BlockList(node, tuple(composite)) if composite == numbered and alike and long_enough else None
    return _siblings(node)


def _siblings(node: Node) -> BlockList | None:
    """Children such as `layer1, layer2, layer3`: one class, or one name with numbers."""
    composite = [child for child in node.bearing if child.composite]
    keys = {id(child): key for key, child in node.children.items()}
    stems = Counter(found[1] for child in composite if (found := NUMBERED.match(keys[id(child)])))
    for stem, count in stems.most_common(1):
        if count >= FEWEST_SIBLINGS:
            picked = [c for c in composite if (found := NUMBERED.match(keys[id(c)])) and found[1] == stem]
            if len({child.type for child in picked}) == 1:
                return BlockList(node, tuple(picked))
    return None


def inner_rows(outer: BlockList) -> list[tuple[Node, tuple[Node, ...]]] | None:
    """Stages with their blocks where an outer list's elements are lists themselves; None where they are blocks."""
    stages = []
    for element in outer.elements:
        inner = _inner(element)
        if inner and sum(node.numel for node in inner) >= STAGE_SHARE * element.numel:
            stages.append((element, inner))
        else:
            stages.append((element, (element,)))
    split = sum(inner != (element,) for element, inner in stages)
    return stages if 2 * split > len(stages) else None


def _inner(element: Node) -> tuple[Node, ...] | None:
    """Blocks of one stage: its own numbered children, or those of a direct child."""
    if isinstance(element.module, nn.Sequential | nn.ModuleList):
        children = element.bearing
        if children and all(child.composite for child in children):
            return tuple(children)
    if found := row(element):
        return found.elements
    rows = [found for child in element.bearing if (found := row(child)) or (found := _single(child))]
    return max(rows, key=lambda each: each.numel).elements if rows else None


def _single(node: Node) -> BlockList | None:
    """A container of a single block: a stage of depth 1."""
    if isinstance(node.module, nn.Sequential | nn.ModuleList) and len(node.bearing) == 1 and node.bearing[0].composite:
        return BlockList(node, tuple(node.bearing))
    return None
