"""Batches of a person's own, resized to any size: from an example, or from shapes given as text."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map

from freezecore.errors import TraceError, WorkloadError, shortened

Inputs = Callable[[int, str], tuple[tuple, dict]]  # from a batch size and a device: positional and keyword arguments
DTYPES = ("float32", "float16", "bfloat16", "int64", "int32", "bool")
MOST_PER_SIZE = 1_048_576
SHAPE = re.compile(r"(?:(?P<name>[A-Za-z_]\w*)=)?(?P<sizes>\d{1,9}(?:x\d{1,9})*)(?::(?P<dtype>[a-z]+\d*))?")
LABELS = ("labels", "label", "start_positions", "end_positions")


def own_batch(batch: object, model: nn.Module | None = None) -> tuple[int, Inputs]:
    """The size of a person's own batch, and a maker of batches like it of any size.

    Args:
        model: labels in the batch are kept where its forward takes them, and a dictionary whose keys it takes as no
            keywords is handed over as it is; None leaves labels out.

    Raises:
        TraceError: it is no batch.
    """
    args, kwargs = _as_arguments(batch)
    if model is None or not takes_labels(batch, model):
        kwargs = {name: item for name, item in kwargs.items() if name not in LABELS}
    if model is not None and kwargs and not _binds(model, kwargs):
        args, kwargs = (kwargs,), {}
    size = next((t.shape[0] for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor) and t.dim()), 1)

    def make(batch_size: int, device: str) -> tuple[tuple, dict]:
        def resized(item: object) -> object:
            if not isinstance(item, Tensor):
                return item
            shape = (batch_size, *item.shape[1:]) if item.dim() and item.shape[0] == size else item.shape
            return torch.zeros(shape, dtype=item.dtype, device=device)

        return tree_map(resized, (args, kwargs))

    return size, make


def takes_labels(batch: object, model: nn.Module) -> bool:
    """Whether a batch has labels and the model's forward takes them all."""
    wanted = _as_arguments(batch)[1].keys() & set(LABELS)
    taken = inspect.signature(model.forward).parameters
    anything = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in taken.values())
    return bool(wanted) and (anything or wanted <= taken.keys())


def _binds(model: nn.Module, keywords: dict) -> bool:
    """Whether a forward can be called with these alone; SentenceTransformer's takes one dictionary."""
    try:
        inspect.signature(model.forward).bind(**keywords)
    except TypeError:
        return False
    return True


def own_shapes(texts: Sequence[str]) -> Inputs:
    """A maker of batches from shapes without the batch, in order or by name: `3x224x224`, `input_ids=128:int64`.

    Raises:
        WorkloadError: a text is no shape.
    """
    shapes = [_own_shape(text) for text in texts]

    def make(batch_size: int, device: str) -> tuple[tuple, dict]:
        def made(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
            return torch.zeros((batch_size, *shape), dtype=dtype, device=device)

        args = tuple(made(shape, dtype) for name, shape, dtype in shapes if not name)
        return args, {name: made(shape, dtype) for name, shape, dtype in shapes if name}

    return make


def _own_shape(text: str) -> tuple[str, tuple[int, ...], torch.dtype]:
    found = SHAPE.fullmatch(text.strip())
    dtype = found["dtype"] or "float32" if found else ""
    if not found or dtype not in DTYPES:
        raise WorkloadError(
            "'{text}' is no shape of an input.",
            "Write the sizes behind the batch, such as 3x224x224, input_ids=128:int64 or mask=128:bool.",
            text=shortened(text),
        )
    shape = tuple(int(size) for size in found["sizes"].split("x") if size)
    if any(size > MOST_PER_SIZE for size in shape):
        raise WorkloadError(
            "'{text}' is too large an input.",
            "Choose at most {most:,} a side.",
            text=shortened(text),
            most=MOST_PER_SIZE,
        )
    return found["name"] or "", shape, getattr(torch, dtype)


def _as_arguments(batch: Any) -> tuple[tuple, dict]:
    if isinstance(batch, Tensor):
        return (batch,), {}
    if isinstance(batch, tuple | list):
        return tuple(batch), {}
    try:
        return (), dict(batch)
    except (TypeError, ValueError) as error:
        raise TraceError(
            "A batch cannot be a {kind}.",
            "Give a tensor, a tuple of arguments, or a dictionary.",
            kind=type(batch).__name__,
        ) from error
