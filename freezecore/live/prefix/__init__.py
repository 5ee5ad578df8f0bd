"""The frozen prefix of a model, computed once: found, verified, captured, and replayed, for any architecture."""

from freezecore.live.prefix.plan import Prefix, find
from freezecore.live.prefix.shapes import NotCuttable
from freezecore.live.prefix.shelf import Captured, Shelf

__all__ = ["Captured", "NotCuttable", "Prefix", "Shelf", "find"]
