"""Inputs of a module of a person's own, by what its first layer with parameters takes in."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from freezecore.errors import WorkloadError
from freezecore.runtime.inputs.maker import IMAGE_BY_DEFAULT, SAMPLES_BY_DEFAULT, Example, Maker

MASKS = ("attention_mask", "attn_mask", "attention_masks", "mask", "masks", "input_mask")  # beside a text's tokens
SEGMENTS = ("token_type_ids", "segment_ids")
OTHER_IMAGES = (32, 28, 64, 96, 299)  # for a model that refuses 224 pixels


def by_first_layer(model: nn.Module, make: Maker) -> Iterator[Example]:
    """Batches to try in turn.

    Raises:
        WorkloadError: no layer tells what the model takes.
    """
    first = next((module for module in model.modules() if type(module) in FIRST), None)
    if first is None:
        raise WorkloadError(
            "{kind} does not tell what it takes in.",
            "Give a batch of your own: fc.save(model, batch, 'model.json').",
            kind=type(model).__name__,
        )
    for each in FIRST[type(first)](first, make):
        yield _with_masks(model, each) if type(first) is nn.Embedding else each


def _with_masks(model: nn.Module, tokens: Example) -> Example:
    """Tokens, and what a forward wants beside them by the usual names: `forward(self, ids, attention_mask)`."""
    _, *others = inspect.signature(model.forward).parameters.values() or (None,)
    wanted = [one.name for one in others if one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD]
    if not wanted or not set(wanted) <= {*MASKS, *SEGMENTS}:
        return tokens
    beside = {name: (torch.ones_like if name in MASKS else torch.zeros_like)(tokens.args[0]) for name in wanted}
    return replace(tokens, kwargs=beside)


def _images(layer: nn.Conv2d, make: Maker) -> Iterator[Example]:
    sizes = (make.workload.image_size,) if make.workload.image_size else (IMAGE_BY_DEFAULT, *OTHER_IMAGES)
    for size in sizes:
        yield make.example((make.floats(layer.in_channels, size, size),), {}, image_size=size)


def _signals(layer: nn.Conv1d, make: Maker) -> Iterator[Example]:
    for length in (make.length(None), 1024, SAMPLES_BY_DEFAULT):
        yield make.example((make.floats(layer.in_channels, length),), {}, sequence_length=length)


def _volumes(layer: nn.Conv3d, make: Maker) -> Iterator[Example]:
    size = make.workload.image_size or 112
    yield make.example((make.floats(layer.in_channels, 16, size, size),), {}, image_size=size)


def _tokens(layer: nn.Embedding, make: Maker) -> Iterator[Example]:
    length = make.length(None)
    yield make.example((make.ids(length, layer.num_embeddings),), {}, sequence_length=length)


def _vectors(layer: nn.Linear, make: Maker) -> Iterator[Example]:
    length = make.length(None)
    yield make.example((make.floats(layer.in_features),), {}, features=layer.in_features)
    yield make.example((make.floats(length, layer.in_features),), {}, sequence_length=length)
    for side in (28, 32, 64):
        for channels in (1, 3):
            if channels * side * side == layer.in_features:
                yield make.example((make.floats(channels, side, side),), {}, image_size=side)


def _sequences(layer: nn.RNNBase, make: Maker) -> Iterator[Example]:
    length = make.length(None)
    yield make.example((make.floats(length, layer.input_size),), {}, sequence_length=length)


FIRST: dict[type[nn.Module], Callable[[Any, Maker], Iterator[Example]]] = {
    nn.Conv2d: _images,
    nn.Conv1d: _signals,
    nn.Conv3d: _volumes,
    nn.Embedding: _tokens,
    nn.Linear: _vectors,
    nn.LSTM: _sequences,
    nn.GRU: _sequences,
    nn.RNN: _sequences,
}
