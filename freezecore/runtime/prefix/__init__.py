"""The frozen prefix of a model, computed once: found, verified, kept, and replayed, for any architecture."""

from freezecore.runtime.prefix.activations import Kept
from freezecore.runtime.prefix.cache import Shelf
from freezecore.runtime.prefix.plan import Prefix, find
from freezecore.runtime.prefix.shapes import NotCuttable

__all__ = ["Kept", "NotCuttable", "Prefix", "Shelf", "find"]
