"""A layer tree for people: text for `print`, HTML for notebooks; blocks that are alike are said once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

from freezecore.report import bytes_text, count_text, table
from freezecore.tree import Layer

if TYPE_CHECKING:
    from freezecore.mask import Mask
    from freezecore.tree import LayerTree

ALIKE = 3  # so many like neighbours are said once
STATES = {"frozen": "#8a8f98", "trainable": "#1a7f4b", "mixed": "#9a6700"}
CSS = "font-family:ui-monospace,monospace;font-size:0.85em;line-height:1.5"


@dataclass
class _Branch:
    """A module that holds parameters, what is below it, and how many like it follow."""

    layer: Layer
    below: list[_Branch] = field(default_factory=list)
    like: str = ""
    more: int = 0


@dataclass(frozen=True)
class Summary:
    """A mask as a table, for `print` and for notebooks."""

    mask: Mask

    @property
    def total(self) -> int:
        """Scalars in all parameters."""
        return self.mask.tree.total

    @property
    def trainable(self) -> int:
        """Scalars that train."""
        return self.mask.trainable

    @property
    def frozen(self) -> int:
        """Scalars that are frozen."""
        return self.mask.frozen

    def __str__(self) -> str:
        return text(self.mask.tree, self.mask)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return html(self.mask.tree, self.mask)


def text(tree: LayerTree, mask: Mask | None = None) -> str:
    """The layers that hold parameters, a line each, then the towers and the head; with a mask, what trains of them."""
    header = ["layer", "class", "kind", "parameters", *(["trains"] if mask else [])]
    lines = [table(header, _rows(_rooted(tree, mask), tree.source, mask), right=[3]), ""]
    lines += [f"part {part.name}: {', '.join(part.paths)}" for part in tree.parts]
    for tower in tree.towers:
        blocks = f"{tower.blocks[0]} … {tower.blocks[-1]}" if tower.blocks else "none"
        lines.append(f"{tower.name}: {len(tower.blocks)} blocks ({blocks})")
    lines.append(f"head: {', '.join(tree.head) or 'none'}")
    lines.append(f"{len(tree.parameters):,} parameters of {tree.total:,} scalars")
    if mask:
        size = bytes_text(sum(p.nbytes for p in tree.parameters) + sum(b.nbytes for b in tree.buffers))
        lines.append(f"{mask.trainable:,} trainable, {mask.frozen:,} frozen; {size} of parameters and buffers")
    return "\n".join([*lines, *tree.notes])


def html(tree: LayerTree, mask: Mask | None = None) -> str:
    """The same to fold and unfold; with a mask each layer says whether it trains, in words and in colour."""
    title = f"{len(tree.parameters):,} parameters of {count_text(tree.total)} scalars"
    if mask is not None:
        title += f", {sum(mask.trains):,} train ({count_text(mask.trainable)})"
    return f'<div style="{CSS}"><b>{escape(tree.source)}</b>: {escape(title)}{_html(_rooted(tree, mask), mask)}</div>'


def outline(tree: LayerTree) -> list[tuple[Layer, int]]:
    """The layers as `text` shows them, each with how many like it follow."""
    found, waiting = [], [_rooted(tree)]
    while waiting:
        node = waiting.pop()
        waiting += reversed(node.below)
        if node.layer.type != "Parameter":
            found.append((node.layer, node.more))
    return found


def _html(node: _Branch, mask: Mask | None) -> str:
    layer = node.layer
    words = [layer.type, f"{count_text(layer.parameters)}"] + ([layer.kind] if layer.kind != "other" else [])
    label = f"<b>{escape(layer.path.rpartition('.')[2] or '.')}</b> {escape(' · '.join(words))}"
    state = mask.state_of(layer.path) if mask is not None else None
    if state:
        label += f' <span style="color:{STATES[state]}">{state}</span>'
    more = f'<div style="margin-left:1.4em;opacity:0.7">… {node.more} more like it</div>' if node.more else ""
    if not node.below:
        return f'<div style="margin-left:1.4em">{label}</div>{more}'
    opened = " open" if not layer.path or state == "mixed" else ""
    inside = "".join(_html(child, mask) for child in node.below)
    return f'<details style="margin-left:0.6em"{opened}><summary>{label}</summary>{inside}</details>{more}'


def _rooted(tree: LayerTree, mask: Mask | None = None) -> _Branch:
    """The modules that hold parameters, nested; like blocks once, where the mask does the same to them."""
    nodes: dict[str, _Branch] = {}
    for layer in tree.layers:
        if layer.parameters or not layer.path:
            nodes[layer.path] = node = _Branch(layer)
            if layer.path:
                above = layer.path.rpartition(".")[0]
                while above not in nodes:
                    above = above.rpartition(".")[0]
                nodes[above].below.append(node)
    parents = {path for path, node in nodes.items() if node.below}
    for parameter in tree.parameters:  # one that a module holds beside others, such as a position embedding
        if parameter.owner in parents:
            raw = Layer(parameter.name, "Parameter", parameter.kind, parameter.numel)
            nodes[parameter.owner].below.insert(0, _Branch(raw, like=parameter.name))
    for node in reversed(nodes.values()):  # parents were met before their children
        node.below = _folded(node.below)
        inside = "".join(f"({child.layer.path.rpartition('.')[2]}{child.like})×{child.more}" for child in node.below)
        state = mask.state_of(node.layer.path) if mask is not None else ""
        node.like = f"{node.layer.type} {node.layer.kind} {node.layer.parameters} {state} {inside}"
    return nodes[""]


def _folded(nodes: list[_Branch]) -> list[_Branch]:
    """Neighbours that are alike as their first, which counts the others."""
    found: list[_Branch] = []
    for node in nodes:
        numbered = node.layer.path.rpartition(".")[2].isdigit()
        if found and numbered and found[-1].like == node.like:
            found[-1].more += 1
        else:
            found.append(node)
    unfolded: list[_Branch] = []
    at = 0
    for node in found:  # a pair reads better written out
        count = node.more + 1
        if count < ALIKE:
            unfolded += nodes[at : at + count]
            node.more = 0
        else:
            unfolded.append(node)
        at += count
    return unfolded


def _rows(node: _Branch, name: str, mask: Mask | None, depth: int = 0) -> Iterator[tuple[str, ...]]:
    """A row for the node, then those below it, then one for those like it."""
    space, layer = "  " * depth, node.layer
    state = [mask.state_of(layer.path)] if mask else []
    yield f"{space}{name}", layer.type, layer.kind, f"{layer.parameters:,}", *state
    for child in node.below:
        yield from _rows(child, child.layer.path, mask, depth + 1)
    if node.more:
        yield f"{space}… {node.more} more like it", "", "", "", *([""] if mask else [])
