"""Mask: which parameters of a tree train and which are frozen, and which modules are held in eval mode.

`Mask.apply_to` is the only place in the package that writes `requires_grad`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import compress
from typing import Literal

from freezecore.errors import FreezeError, did_you_mean
from freezecore.spec import Dropout, Norms
from freezecore.tree import Layer, LayerTree

State = Literal["frozen", "trainable", "mixed"]


@dataclass(frozen=True, slots=True)
class Hit:
    """What one rule hit: its text, and the positions of its parameters in the tree."""

    rule: str
    positions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """A tied parameter that two rules wanted differently under two of its names; the later rule won."""

    name: str
    rules: tuple[str, str]


@dataclass(frozen=True, eq=False)
class Mask:
    """Every parameter of a tree, trainable or frozen.

    Attributes:
        tree: the tree it belongs to.
        trains: one truth value per entry of `tree.parameters`.
        norms: see `FreezeSpec.norms`.
        dropout: see `FreezeSpec.dropout`.
        hits: per rule, in the rules' order.
        conflicts: tied parameters wanted both ways.
        also_held: modules that an earlier phase of a schedule held, and that stay held although they train now.
        state: what the rules say of modules that keep state and no parameters, by their paths: false stands still, true
            moves. Others follow their nearest ancestor that has parameters.
        before: what trained in a model of one's own before this was applied to it; None where it was not.
    """

    tree: LayerTree
    trains: tuple[bool, ...]
    norms: Norms = "hold"
    dropout: Dropout = "off"
    hits: tuple[Hit, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    also_held: tuple[str, ...] = ()
    before: tuple[bool, ...] | None = None
    state: Mapping[str, bool] = field(default_factory=dict)

    @classmethod
    def as_author(cls, tree: LayerTree, frozen: Collection[int] = ()) -> Mask:
        """The mask of a model as its author left it, with the parameters at these positions frozen as well."""
        return cls(tree, tuple(not p.frozen_by_author and i not in frozen for i, p in enumerate(tree.parameters)))

    @classmethod
    def from_names(cls, tree: LayerTree, names: Iterable[str], norms: Norms = "hold", dropout: Dropout = "off") -> Mask:
        """The mask in which exactly these parameters train.

        Raises:
            FreezeError: a name that the tree does not have.
        """
        trains = [False] * len(tree.parameters)
        for name in names:
            if name not in tree.index:
                raise FreezeError(
                    "{source} has no parameter '{name}'.", did_you_mean(name, tree.index), source=tree.source, name=name
                )
            trains[tree.index[name]] = True
        return cls(tree, tuple(trains), norms, dropout)

    @cached_property
    def trainable(self) -> int:
        """Scalars that train."""
        return sum(compress(self.tree.sizes, self.trains))

    @property
    def frozen(self) -> int:
        """Scalars that are frozen."""
        return self.tree.total - self.trainable

    def names(self, trainable: bool = True) -> tuple[str, ...]:
        """Names of the parameters that train, or of those that do not."""
        pairs = zip(self.tree.parameters, self.trains, strict=True)
        return tuple(p.name for p, trains in pairs if trains == trainable)

    @property
    def newly_trainable(self) -> tuple[str, ...]:
        """Parameters that had been frozen before this was applied, and train now."""
        return self._changed(trains=True)

    @property
    def newly_frozen(self) -> tuple[str, ...]:
        """Parameters that had trained before this was applied, and are frozen now."""
        return self._changed(trains=False)

    def _changed(self, trains: bool) -> tuple[str, ...]:
        before = self.before or self.trains
        rows = zip(self.tree.parameters, before, self.trains, strict=True)
        return tuple(p.name for p, was, now in rows if now == trains and was != now)

    def __repr__(self) -> str:
        scalars = f"{self.trainable:,} of {self.tree.total:,} scalars"
        changes = (("frozen", self.newly_frozen), ("trainable", self.newly_trainable))
        newly = "".join(f"; {len(names)} newly {word}" for word, names in changes if names)
        return (
            f"Mask({self.tree.source!r}, {sum(self.trains)} of {len(self.trains)} parameters train: {scalars}{newly})"
        )

    def _repr_html_(self) -> str:
        from freezecore.tree_format import html

        return html(self.tree, self)

    def __getitem__(self, name: str) -> bool:
        """Whether the parameter of this name (or alias) trains."""
        return self.trains[self.tree.index[name]]

    def state_of(self, path: str) -> State:
        """`frozen`, `trainable` or `mixed` for a module or parameter."""
        trains = {self.trains[i] for i in self.tree.under(path)}
        return "mixed" if len(trains) == 2 else "trainable" if True in trains else "frozen"

    @cached_property
    def held(self) -> tuple[str, ...]:
        """Modules in which nothing trains and that would move or drop, which stand still through every `train()`.

        A module without parameters is as the rules say, else as its nearest ancestor that has some. `norms update`
        leaves out those that move, `dropout on` those that drop. What does neither follows the mode: nothing of it
        changes, and a mode decides on more, such as gradient checkpointing.
        """
        return self._held_of([layer for layer in self.tree.layers if layer.moves or layer.drops])

    @cached_property
    def still(self) -> tuple[str, ...]:
        """Buffers that must not change: those of modules in which nothing trains, but for `norms update`."""
        moving = self.norms == "update"
        frozen = {
            layer.path
            for layer in self.tree.layers
            if not (layer.moves and moving) and (self._frozen_whole(layer) or layer.path in self.also_held)
        }
        return tuple(buffer.name for buffer in self.tree.buffers if buffer.owner in frozen)

    @cached_property
    def norms_held(self) -> tuple[str, ...]:
        """Held modules whose buffers would otherwise move."""
        return self._held_of([layer for layer in self.tree.layers if layer.moves])

    @cached_property
    def dropout_off(self) -> tuple[str, ...]:
        """Held modules that would otherwise drop at random."""
        return self._held_of([layer for layer in self.tree.layers if layer.drops])

    def _held_of(self, layers: Sequence[Layer]) -> tuple[str, ...]:
        holds = []
        for layer in layers:
            keep = self.norms == "hold" if layer.moves else self.dropout == "off"
            if keep and (self._frozen_whole(layer) or layer.path in self.also_held):
                holds.append(layer.path)
        return tuple(holds)

    def _frozen_whole(self, layer: Layer) -> bool:
        if (moves := self.state.get(layer.path)) is not None:
            return not moves
        if layer.aliases:
            return not any(self.carrier(path) in self._training for path in (layer.path, *layer.aliases))
        return self.carrier(layer.path) not in self._training

    @cached_property
    def _training(self) -> set[str]:
        """The modules in which something trains."""
        found: set[str] = set()
        for parameter in compress(self.tree.parameters, self.trains):
            for name in parameter.names:
                path = name.rpartition(".")[0]
                while path not in found:  # what is above one that was found was found with it
                    found.add(path)
                    path = path.rpartition(".")[0]
        return found

    def carrier(self, path: str) -> str:
        """The module itself, or its nearest ancestor with parameters below it."""
        while path and path not in self.tree.names.nodes:
            path = path.rpartition(".")[0]
        return path

    def require_tree(self, tree: LayerTree) -> None:
        """Refuse a tree whose parameters are not this mask's.

        Raises:
            FreezeError: they have other names or shapes.
        """
        if tree is not self.tree and tree.fingerprint != self.tree.fingerprint:
            raise FreezeError(
                "The mask is that of {source}, whose parameters are not those of {other}.",
                "Resolve the rules on the same tree.",
                source=self.tree.source,
                other=tree.source,
            )

    def apply_to(self, model) -> None:
        """Set `requires_grad` of every parameter; frozen ones lose a stale gradient, which would go on moving them.

        Raises:
            FreezeError: the model's parameters are not the tree's, or cannot train; nothing was changed.
        """
        found = dict(model.named_parameters(remove_duplicate=False))
        wanted = {name: trains for p, trains in zip(self.tree.parameters, self.trains, strict=True) for name in p.names}
        if strange := sorted(set(found) ^ set(wanted)):
            raise FreezeError(
                "The model lacks '{name}' ({count} names differ), so nothing was changed."
                if strange[0] in wanted
                else "The tree does not know '{name}' ({count} names differ), so nothing was changed.",
                "Read the tree again from this very model.",
                name=strange[0],
                count=len(strange),
            )
        for p, trains in zip(self.tree.parameters, self.trains, strict=True):
            if trains and not p.can_train:
                raise FreezeError(
                    "'{name}' holds {dtype} numbers, which have no gradient and cannot train.",
                    "Leave it frozen.",
                    name=p.name,
                    dtype=p.dtype,
                )
        for name, parameter in found.items():
            parameter.requires_grad = wanted[name]
            if not wanted[name]:
                parameter.grad = None
