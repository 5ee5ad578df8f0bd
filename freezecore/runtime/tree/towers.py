"""Where things stand in a model: towers, stages, blocks, what comes before the first block, and the head.

One general rule. Block lists (`block_lists`) are the backbone. Lists that are part of the same module make one
tower; a tower reaches up to the largest module that contains no other tower's list. Within it, what runs before the
first block is the embeddings or the stem, and what runs between blocks belongs to them. The head is what the library
says makes the prediction, else what runs after everything (`head`).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from torch import nn

from freezecore.runtime.tree.block_lists import (
    BlockList,
    alternate,
    aside,
    attends,
    block_lists,
    grouped,
    layer_list,
    rows_beside,
    staged,
)
from freezecore.runtime.tree.head import (
    end_layers,
    fed_around,
    hinted_head,
    hinted_neck,
    input_embeddings,
    last_layers,
)
from freezecore.runtime.tree.marks import gated
from freezecore.runtime.tree.module_tree import ModuleNode, ModuleTree
from freezecore.runtime.tree.order import Execution
from freezecore.runtime.tree.parts import TowerSpan, find_parts
from freezecore.tree import Kind, Part, Stage, Tower

EMBEDS = re.compile(r"emb(?:ed|_|$|s$)|token|\bcls|(?:^|_)pos(?:_|$)|position|patch|(?:^|_)query", re.IGNORECASE)
NEVER = 1 << 60
OFTEN = 3  # calls in one forward; two are a pair of inputs through one encoder


@dataclass
class Structure:
    """What was found.

    Attributes:
        towers: in the order in which they run.
        head: paths of modules, or names of raw parameters.
        kinds: of every parameter, by its first name.
        parts: what the towers and the rest make together, where a model takes in several kinds of thing.
    """

    towers: tuple[Tower, ...]
    head: tuple[str, ...]
    kinds: dict[str, Kind]
    parts: tuple[Part, ...] = ()


@dataclass
class _Tower:
    """A tower while it is being found."""

    path: str
    lists: list[BlockList]
    blocks: list[ModuleNode] = field(default_factory=list)
    parts: dict[str, list[ModuleNode]] = field(default_factory=dict)
    stages: list[Stage] = field(default_factory=list)
    front: list[str] = field(default_factory=list)
    start: float = 0
    end: float = 0

    def modules(self) -> list[ModuleNode]:
        """Those of all its blocks."""
        return [*self.blocks, *(node for nodes in self.parts.values() for node in nodes)]


def find_structure(seen: ModuleTree, run: Execution) -> Structure:
    """Towers, head and the kind of every parameter.

    Args:
        run: what a forward pass did, or the order that is known without one.
    """
    return _Finder(seen, run).find()


class _Finder:
    def __init__(self, seen: ModuleTree, run: Execution) -> None:
        self.seen = seen
        self.run = run
        self.place: dict[str, float] = {name: at for at, name in enumerate(run.parameters)}
        self.kinds: dict[str, Kind] = {}
        self.head_paths = hinted_head(seen)
        self.head = seen.names_at(self.head_paths or ())
        self.neck = seen.names_at(hinted_neck(seen))
        self.kinds |= dict.fromkeys(self.neck, "neck")
        self.inputs = input_embeddings(seen)

    def find(self) -> Structure:
        lists = block_lists(self.seen, self.run.fed, self.run.calls)
        apart = self.head | self.neck
        lists = [each for each in lists if not apart.issuperset(self._names(each.elements))]
        lists = lists or self._repeated() or self._layers()
        towers = [_Tower(path, group) for path, group in grouped(lists, self.run.fed)]
        self._complete(towers)
        beside = aside(self.seen, self.run.fed, self.run.calls)
        self.aside = {name for each in beside for name in self._names(each.elements)}
        if not self.run.calls:
            self._look_up_first(lists)
        # Inner towers first: what runs after an inner tower may stand before an outer one's blocks.
        for tower in sorted(towers, key=lambda one: one.path.count("."), reverse=True):
            self._blocks(tower)
            self._front(tower)
        towers.sort(key=lambda one: one.start)
        self._lookups(towers)
        self._unused(towers)
        if not self.head_paths:
            self._head(towers)
        for name in self.seen.tensors:
            if name in self.head and self.kinds.get(name) != "embedding":
                self.kinds[name] = "head"
            self.kinds.setdefault(name, "other")
        between = iter(self._between(towers))
        flows, parts = find_parts(self.seen, [self._span(tower) for tower in towers], self.place.get, self.head)
        made = [self._made(*each, towers, between) for each in zip(towers, flows, strict=True)]
        return Structure(
            tuple(made) or (self._without_blocks(),),
            tuple(self.head_paths or ()),
            self.kinds,
            tuple(Part(name, self._covering(names, head=True)) for name, names in parts.items()),
        )

    def _span(self, tower: _Tower) -> TowerSpan:
        inside = frozenset(self._names(tower.modules()))
        return TowerSpan(tower.path, tower.front, inside, tower.start, tower.end)

    def _without_blocks(self) -> Tower:
        """The one tower of a model that repeats nothing: what it looks up is known all the same."""
        lookups = [name for name in self.seen.tensors if self.kinds[name] == "other" and self._is_lookup(name)]
        self.kinds |= dict.fromkeys(lookups, "embedding")
        return Tower("model", "", tuple(self.seen.owner[name].path or name for name in lookups))

    def _is_lookup(self, name: str) -> bool:
        return isinstance(self.seen.owner[name].module, nn.Embedding)

    def _repeated(self) -> list[BlockList]:
        """Blocks that stand once and run often, in a model that has no row of them."""
        often = [n for path, n in self.seen.nodes.items() if self.run.calls.get(path, 0) >= OFTEN and n.matrices > 1]
        return [BlockList(node.parent, (node,)) for node in often if node.parent and node.parent not in often]

    def _complete(self, towers: list[_Tower]) -> None:
        """In a tower that did not run, the order of definition, after whatever is defined before it."""
        for tower in towers:
            if any(name in self.place for each in tower.lists for name in self._names(each.elements)):
                continue
            inside, at = set(self.seen.below(self.seen.nodes[tower.path])), -1.0
            for name in self.seen.tensors:
                at = self.place.setdefault(name, at + 1e-6) if name in inside else self.place.get(name, at)

    def _look_up_first(self, lists: list[BlockList]) -> None:
        """Without a run, a table outside the blocks stands before them wherever it is defined: it reads the input."""
        inside = {name for each in lists for name in self._names(each.elements)}
        for name in self.seen.tensors:
            if self._is_lookup(name) and name not in inside:
                self.place[name] -= len(self.place)

    def _layers(self) -> list[BlockList]:
        """Single layers as blocks, in a model without any."""
        matrices = [name for name in self.place if self.seen.tensors[name].ndim > 1]
        if len(matrices) < 3:
            return []
        last = max(matrices, key=self.place.__getitem__)
        # Where the library says what predicts, its last layer may be one of the row: a bare base has no head.
        ends = (end_layers(self.seen, last, self.run.fed) or [last]) if self.head_paths is None else self.head_paths
        found = layer_list(self.seen, last, ends, self.run.fed, self.run.calls)
        fewest = 2 if self.head_paths != [] else 3  # beside a last one
        if found is None or len(found.elements) < fewest or self.head & self._names(found.elements):
            return []
        return [found]

    def _names(self, nodes) -> set[str]:
        return {name for node in nodes for name in self.seen.below(node)}

    def _first(self, node: ModuleNode) -> float:
        return min((self.place[name] for name in self.seen.below(node) if name in self.place), default=NEVER)

    def _last(self, node: ModuleNode) -> float:
        return max((self.place[name] for name in self.seen.below(node) if name in self.place), default=-1.0)

    def _blocks(self, tower: _Tower) -> None:
        """Blocks in the order in which they run, and the stages that group them."""
        beside = self._join_rows(tower)
        for each in tower.lists:
            if each in beside:
                continue
            stages = staged(each)
            for element, blocks in stages or [(each.parent, each.elements)]:
                ordered = self._paired(tower, sorted(blocks, key=self._first))
                tower.blocks += ordered
                if stages and blocks != (element,):
                    tower.stages.append(Stage(element.path, tuple(node.path for node in ordered)))
        tower.blocks.sort(key=self._first)
        rank = {node.path: at for at, node in enumerate(tower.blocks)}
        tower.stages.sort(key=lambda stage: rank[stage.blocks[0]])
        inside = self._names(tower.modules())
        places = [self.place[name] for name in inside if name in self.place]
        tower.start, tower.end = min(places, default=NEVER), max(places, default=NEVER)
        for name in inside:
            self.kinds.setdefault(name, "block")

    def _paired(self, tower: _Tower, ordered: list[ModuleNode]) -> list[ModuleNode]:
        """Where attention and feed-forward take turns in one row, each pair is a block, told by its latter."""
        pairs = list(zip(ordered[::2], ordered[1::2], strict=False))
        if len(pairs) < 2 or len(ordered) % 2 or not alternate(pairs):
            return ordered
        tower.parts |= {two.path: [one] for one, two in pairs}
        return [two for _, two in pairs]

    def _join_rows(self, tower: _Tower) -> list[BlockList]:
        """Rows of one holder that take turns as they run (attention, feed-forward, attention, …) make one row of
        blocks; those that were joined to another."""
        plain = [each for each in tower.lists if not staged(each)]
        plain.sort(key=lambda each: (len(each.elements), each.numel))
        joined: list[BlockList] = []
        for at, each in enumerate(plain):
            larger = (other for other in reversed(plain[at + 1 :]) if other.holder is each.holder)
            if base := next((other for other in larger if self._take_turns(each, other)), None):
                self._join(tower, each, base)
                joined.append(each)
                for row in rows_beside(base):
                    if row.parent not in (one.parent for one in plain) and self._take_turns(row, base):
                        self._join(tower, row, base)
        return joined

    def _take_turns(self, row: BlockList, base: BlockList) -> bool:
        """Between any two elements of a row runs one of the base; where not all ran, it is the base's attention."""
        both = (*row.elements, *base.elements)
        ran = all(self.run.calls.get(node.path) for node in both)
        if not (ran and len(row.elements) > 1) and len(row.elements) == len(base.elements) and attends(row, base):
            return True
        if len(row.elements) < 2 or not all(self._first(node) < NEVER for node in both):
            return False
        mine, theirs = (sorted(map(self._first, each.elements)) for each in (row, base))
        return all(bisect_left(theirs, low) < bisect_left(theirs, high) for low, high in pairwise(mine))

    def _join(self, tower: _Tower, row: BlockList, base: BlockList) -> None:
        """Each element goes with the base's of its number, in a shorter row with the one that runs next."""
        mine, theirs = (sorted(each.elements, key=self._first) for each in (row, base))
        starts = [self._first(node) for node in theirs]
        for number, node in enumerate(mine):
            at = number if len(mine) == len(theirs) else min(bisect_left(starts, self._first(node)), len(theirs) - 1)
            if node not in tower.parts.setdefault(theirs[at].path, []):
                tower.parts[theirs[at].path].append(node)

    def _front(self, tower: _Tower) -> None:
        """What runs before the first block; what runs between blocks counts with them."""
        top = self.seen.nodes[tower.path]
        around = self._around_blocks(tower) if self.head_paths is None else set()
        for name in self.seen.below(top):
            at = self.place.get(name)
            if at is None or name in self.kinds or (name in self.head and not self._looked_up(name)):
                continue
            if name in self.aside or (at < tower.start and name in around):
                continue
            if at < tower.start:
                tower.front.append(name)
            elif at < tower.end:
                self.kinds[name] = "block"
        kind: Kind = "embedding" if any(self._embeds(name) for name in tower.front) else "stem"
        for name in tower.front:
            self.kinds[name] = kind

    def _around_blocks(self, tower: _Tower) -> set[str]:
        """In a module of a person's own, what goes around the blocks: a gate with what it chooses from, and what feeds
        what comes later and no block."""
        given = frozenset[str]().union(*(fed_around(node.path, self.run.fed) for node in tower.modules()))
        feeding = frozenset[str]().union(*self.run.fed.values())
        past = [
            self.seen.nodes[path]
            for path in feeding - given
            if path in self.seen.nodes
            and not any(f"{path}.".startswith(f"{each}.") or each.startswith(f"{path}.") for each in given)
        ]
        inside = self._names(tower.modules())
        chosen = [each for node in self.seen.nodes.values() for each in gated(node) if not inside & self._names([node])]
        return self._names([*past, *chosen]) - inside

    def _looked_up(self, name: str) -> bool:
        return any(name in self.seen.below(node) for node in self.inputs)

    def _embeds(self, name: str) -> bool:
        if self._is_lookup(name):
            return True
        return any(EMBEDS.search(part) for part in name.split(".")[-3:])

    def _lookups(self, towers: list[_Tower]) -> None:
        """Embeddings outside every tower's reach, such as T5's shared one: of each tower that uses them."""
        for node in self.inputs:
            for name in self.seen.below(node):
                users = [t for t in towers if any(self.seen.nodes[t.path].contains(n) for n in self._all_names(name))]
                self._embed(name, users)
        for name in self.seen.tensors:
            raw = self._is_lookup(name) or name in self.seen.owner[name].raw
            if name not in self.kinds and name not in self.head and raw and self._embeds(name):
                at = self.place.get(name, NEVER)
                self._embed(name, [tower for tower in towers if at < tower.start][:1])

    def _embed(self, name: str, towers: list[_Tower]) -> None:
        if self.kinds.get(name) == "block":
            return
        for tower in towers:
            if name not in tower.front:
                tower.front.append(name)
        if towers:
            self.kinds[name] = "embedding"

    def _all_names(self, name: str) -> tuple[str, ...]:
        return (name, *self.seen.aliases[name])

    def _unused(self, towers: list[_Tower]) -> None:
        """Parameters that the followed forward did not use, such as a mask token: with what they are defined beside."""
        for name in self.seen.tensors:
            if name in self.place or name in self.kinds or name in self.head:
                continue
            node: ModuleNode | None = self.seen.owner[name]
            beside: set[Kind] = set()
            while node is not None and not beside:
                beside = {self.kinds[other] for other in self.seen.below(node) if other in self.kinds}
                node = node.parent
            if len(beside) > 1:
                raw = self._is_lookup(name) or name in self.seen.owner[name].raw  # a projector's norm is neither
                beside = {"embedding"} if raw and self._embeds(name) and "embedding" in beside else set()
            if beside:
                self.kinds[name] = kind = beside.pop()
                around = [t for t in towers if self.seen.nodes[t.path].contains(name)]
                if kind in ("embedding", "stem"):
                    (around or towers)[0].front.append(name)

    def _head(self, towers: list[_Tower]) -> None:
        """What runs after everything, where the library does not say what makes the prediction."""
        spine = {tower.path: [*tower.front, *self._names(tower.modules())] for tower in towers}
        found = last_layers(self.seen, self.place, spine, self.head_paths is not None, self.run.fed)
        self.head_paths = [path for path in found if not self.seen.names_at([path]) <= self.kinds.keys()]
        self.head = {name for name in self.seen.names_at(self.head_paths) if name not in self.kinds}

    def _between(self, towers: list[_Tower]) -> list[list[str]]:
        """For each block of all towers, what runs before its end and not before the last block's end, outside of all
        blocks, fronts and the head."""
        blocks = [node for tower in towers for node in tower.blocks]
        parts = {path: nodes for tower in towers for path, nodes in tower.parts.items()}
        taken = self.head.union(*(self._names(tower.modules()) for tower in towers), *(tower.front for tower in towers))
        ends = list(accumulate((max(map(self._last, (node, *parts.get(node.path, ())))) for node in blocks), max))
        found: list[list[str]] = [[] for _ in blocks]
        at = -1.0
        for name in self.seen.tensors:
            at = self.place.get(name, at + 1e-6)  # one that did not run stands after what is defined before it
            if name not in taken and ends and at <= ends[-1]:
                found[bisect_left(ends, at)].append(name)
        return found

    def _made(self, tower: _Tower, part: str, towers: list[_Tower], between: Iterator[list[str]]) -> Tower:
        last = tower.path.rpartition(".")[2] or "model"
        twin = any(other is not tower and other.path.rpartition(".")[2] == last for other in towers)
        rows = self._covering(tower.front, tower.path)
        embeds = any(self.kinds[name] == "embedding" for name in tower.front)
        return Tower(
            name=(tower.path or last) if twin else last,
            path=tower.path,
            embeddings=rows if embeds else (),
            stem=() if embeds else rows,
            stages=tuple(tower.stages),
            blocks=tuple(node.path for node in tower.blocks),
            parts=tuple(tuple(each.path for each in tower.parts.get(node.path, ())) for node in tower.blocks)
            if tower.parts
            else (),
            between=tuple(self._covering(next(between)) for _ in tower.blocks),
            part=part,
        )

    def _covering(self, names: Sequence[str], top: str = "", head: bool = False) -> tuple[str, ...]:
        """The fewest paths below the root and the module at `top`, and names, that hold exactly these parameters.

        Args:
            head: a path of the head may be among them.
        """
        wanted = set(names)
        found: list[str] = []
        taken: set[str] = set()

        def visit(node: ModuleNode) -> None:
            below = set(self.seen.below(node))
            if not below & wanted - taken or (not head and node.path in (self.head_paths or ())):
                return
            if node.path not in ("", top) and below <= wanted:
                found.append(node.path)
                taken.update(below if head else ())
                return
            found.extend(name for name in node.own if name in wanted)
            for child in node.bearing:
                if child.parent is node:
                    visit(child)

        if wanted:
            visit(self.seen.nodes[top])
        if missing := wanted - self.seen.names_at(found):
            owners = dict.fromkeys(self.seen.owner[name] for name in names if name in missing)
            found += [node.path if set(self.seen.below(node)) <= wanted else node.own[0] for node in owners]
        return tuple(found)
