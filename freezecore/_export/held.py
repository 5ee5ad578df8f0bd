"""HeldModules: what stays in eval mode in each phase, and whether class names are enough to say which modules."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from freezecore.mask import Mask
from freezecore.tree import LayerTree, prefixes


@dataclass(frozen=True)
class HeldModules:
    """The modules that move or drop and that the masks keep in eval mode; each mask with its first epoch."""

    tree: LayerTree
    masks: tuple[tuple[int, Mask], ...]

    @cached_property
    def paths(self) -> set[str]:
        """Paths of the modules that are held in some phase."""
        return {path for _, mask in self.masks for path in mask.held}

    @cached_property
    def classes(self) -> list[str]:
        """Class names of the modules that are held in some phase; of those that merely stay held, see `norms`."""
        return self._types({path for _, mask in self.masks for path in set(mask.held) - set(mask.also_held)})

    @cached_property
    def norms(self) -> list[str]:
        """Class names of the modules that the first phase keeps from moving."""
        return self._types(self.masks[0][1].norms_held)

    def _types(self, paths: Collection[str]) -> list[str]:
        return sorted({self.tree.layer_at[path].type for path in paths})

    @property
    def has_statistics(self) -> bool:
        """Whether a held module has running statistics that torch can set back."""
        return any("nn._NormBase" in self.tree.layer_at[path].bases for path in self.paths)

    @property
    def decides_on_checkpointing(self) -> bool:
        """Whether a held module may be one whose mode decides on gradient checkpointing, as whole layers' may."""
        parents = {layer.path.rpartition(".")[0] for layer in self.tree.layers}
        return any("Attention" not in name for name in self._types(self.paths & parents))

    @property
    def keeps_norms(self) -> bool:
        """Whether norms that the first phase holds stay held when they begin to train."""
        return any(mask.also_held for _, mask in self.masks) and not self.by_path

    @cached_property
    def by_path(self) -> bool:
        """Whether class names would hold more or less than the masks do, so that paths have to be written."""
        first = self._frozen_of(self.masks[0][1], self.norms)
        return any(
            self._frozen_of(mask, self.classes) | (first if mask.also_held else set()) != set(mask.held)
            for _, mask in self.masks
        )

    def _frozen_of(self, mask: Mask, classes: Collection[str]) -> set[str]:
        """Modules of these classes that move or drop, at or under a module in which nothing trains."""
        frozen = {
            layer.path for layer in self.tree.layers if layer.parameters and mask.state_of(layer.path) == "frozen"
        }
        return {
            layer.path
            for layer in self.tree.layers
            if layer.type in classes
            and (layer.moves or layer.drops)
            and any(place in frozen for path in (layer.path, *layer.aliases) for place in (*prefixes(path), path, ""))
        }
