"""The frozen prefix of a model, computed once: found, verified, kept, and replayed, for any architecture."""

from freezecore.live.prefix.kept import Kept
from freezecore.live.prefix.plan import Prefix, find
from freezecore.live.prefix.shapes import NotCuttable
from freezecore.live.prefix.shelf import Shelf

__all__ = ["Kept", "NotCuttable", "Prefix", "Shelf", "find"]
