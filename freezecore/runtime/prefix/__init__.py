"""The frozen prefix of a model, computed once: found, verified, kept, and replayed, for any architecture."""

from freezecore.runtime.prefix.cache import CachedPart, PrefixCache
from freezecore.runtime.prefix.find import Prefix, find_prefix
from freezecore.runtime.prefix.shapes import NotCuttable

__all__ = ["CachedPart", "NotCuttable", "Prefix", "PrefixCache", "find_prefix"]
