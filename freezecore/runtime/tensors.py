"""Tensors inside of what a model is given, keeps and gives back."""

from __future__ import annotations

from dataclasses import is_dataclass

from torch import Tensor


def tensors_in(held: object) -> list[Tensor]:
    """Tensors in a dictionary, list, tuple, slice or data class, however deep; one held twice is given twice."""
    if isinstance(held, Tensor):
        return [held]
    if held is None or isinstance(held, int | float | str):  # what most arguments of an operation are
        return []
    if isinstance(held, dict):
        return [tensor for item in held.values() for tensor in tensors_in(item)]
    if isinstance(held, list | tuple):
        return [tensor for item in held for tensor in tensors_in(item)]
    if isinstance(held, slice):
        return tensors_in([held.start, held.stop, held.step])
    if is_dataclass(held) and not isinstance(held, type):
        return tensors_in(vars(held))
    return []
