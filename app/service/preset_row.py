"""Which presets a model has, and which of them a selection is."""

from __future__ import annotations

from functools import lru_cache

from freezecore._presets import Preset, frozen_first_blocks, presets
from freezecore.spec import FreezeSpec
from freezecore.tree import LayerTree

from .selection import ModelSelection


@lru_cache(maxsize=32)
def offered(tree: LayerTree) -> dict[str, Preset]:
    """All presets but the stepper's, which stands before them."""
    return {preset.key: preset for preset in presets(tree) if preset.key != "first-blocks"}


@lru_cache(maxsize=32)
def _preset_of(tree: LayerTree) -> dict[str, str]:
    """Keys of the presets by their rules as they are printed."""
    return {str(FreezeSpec.parse(preset.rules)): key for key, preset in reversed(offered(tree).items())}


def shown_preset(selection: ModelSelection) -> tuple[str | None, int | None]:
    """The preset that this selection is, and the stepper's number that it is; None where it is none."""
    depth = None if selection.spec.phases else frozen_first_blocks(selection.mask)
    return _preset_of(selection.tree).get(selection.rules), depth
