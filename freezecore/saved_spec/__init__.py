"""Saved specs: rules in a file with the names they were written for, read again where those names have changed."""

from freezecore.saved_spec.carrying import Carried, carry
from freezecore.saved_spec.saved import SavedSpec, load_spec

__all__ = ["Carried", "SavedSpec", "carry", "load_spec"]
