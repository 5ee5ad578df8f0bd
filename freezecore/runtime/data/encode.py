"""Raw samples turned into the tensors that one model takes: pictures resized, texts as token numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from freezecore.errors import DataError
from freezecore.probe import ProbeRequest
from freezecore.runtime.data.samples import IGNORED, Dataset, Raw, Samples
from freezecore.runtime.data.token_targets import encoded_tokens
from freezecore.runtime.data.tokens import tokenize
from freezecore.runtime.inputs import torchvision
from freezecore.sentences import say
from freezecore.source import ENCODERS, ModelSource

IMAGE_SIZE = 96  # where the model takes any size: a step in a fifth of the time of 224
PLAIN = (0.5, 0.5, 0.5)
OTHER = {  # what a module of a person's own reads, by its first layer, where that is no picture
    nn.Embedding: say("token numbers, for which no tokenizer is known"),
    nn.EmbeddingBag: say("token numbers, for which no tokenizer is known"),
    nn.Conv1d: say("sequences of numbers"),
    nn.Conv3d: say("volumes"),
    nn.RNNBase: say("sequences of numbers"),
    nn.Linear: say("rows of numbers"),
}
NOUNS = {"image": say("pictures"), "text": say("text")}
HINTS = {
    "image": say("Choose shapes, digits or a zip."),
    "text": say("Choose docstrings, or a file of your own texts."),
    None: say("A probe trains models that read pictures, or texts by a tokenizer of their own."),
}


def encode(raw: Raw, model: nn.Module, source: ModelSource, request: ProbeRequest) -> Dataset:
    """`raw` as tensors for `model`, which `source` built.

    Raises:
        DataError: the model reads another kind of data, or a sample cannot be read.
    """
    argument = input_name(model)
    kind = {"input_ids": "text", "pixel_values": "image", "image": "image"}.get(argument)
    other = "" if hasattr(model, "main_input_name") else _no_picture(model)
    if other and (raw.kind == "text" or other != OTHER[nn.Linear]):  # a picture may be laid out as a row
        kind = None
    if raw.kind != kind:
        reads = NOUNS[kind] if kind else other or say("'{argument}', which no data here has", argument=argument)
        raise DataError(
            "{name} is {kind}, and {source} reads {reads}.",
            HINTS[kind],
            name=raw.name,
            kind=NOUNS[raw.kind],
            source=source.label,
            reads=reads,
        )
    if kind == "text":
        return _texts(raw, model, source, request)
    return _images(raw, model, argument, request)


def input_name(model: nn.Module) -> str:
    """The argument that takes the samples: `image` (by position), `pixel_values` or `input_ids`."""
    return getattr(model, "main_input_name", "image")


def _no_picture(model: nn.Module) -> str:
    """What a module that names no input reads, by its first layer; empty where it may be pictures."""
    layers = list(model.modules())
    if any(isinstance(layer, nn.Conv2d) for layer in layers):
        return ""
    return next((noun for layer in layers for kind, noun in OTHER.items() if isinstance(layer, kind)), "")


def _texts(raw: Raw, model: nn.Module, source: ModelSource, request: ProbeRequest) -> Dataset:
    used = np.concatenate([raw.train, raw.test])
    texts = tuple(raw.texts[i] for i in used)
    pairs = tuple(raw.pairs[i] for i in used) if raw.pairs else ()
    config: Any = model.config
    asked = request.sequence_length
    if raw.target in ("next-token", "tags"):
        return _of_tokens(raw, used, source, config, asked, _shows(raw, model, source))
    tokens = tokenize(texts, pairs, source, config, asked)
    if config.pad_token_id is None:  # a classifier over the last token has to know which that is
        config.pad_token_id = tokens.pad
    return _dataset(raw, tokens.inputs, tokens.length, notes=tokens.notes)


def _shows(raw: Raw, model: nn.Module, source: ModelSource) -> tuple[str, ...]:
    """What a run on such weights shows, and what it does not."""
    if not raw.continues:
        return ()
    if source.weights == "random":
        return (say("The weights are random: what shows is how fast these layers learn, not what a pretrained model "
                    "would come to."),)  # fmt: skip
    if type(model).__name__ in ENCODERS:
        return (say("The model was pretrained to read whole sentences and here reads from left to right: what its "
                    "layers know helps, and the perplexity is no language model's yet."),)  # fmt: skip
    return ()


def _of_tokens(
    raw: Raw, used: np.ndarray, source: ModelSource, config: Any, asked: int | None, shows: tuple[str, ...]
) -> Dataset:
    """Texts with a target at each token; those of which none is left are left out."""
    tokens, targets = encoded_tokens(raw, used, source, config, asked)
    length, notes = tokens.length, (*shows, *tokens.notes)
    kept = (targets != IGNORED).any(1)
    train, test = kept[: len(raw.train)].numpy(), kept[len(raw.train) :].numpy()
    if not train.any() or not test.any():
        raise DataError(
            "Nothing that is to be learnt is left of {name} within {length} tokens.",
            "Choose a longer sequence length: answers come at the end.",
            name=raw.name,
            length=length,
        )
    if left := int((~kept).sum()):
        notes = (*notes, say("Texts whose answer is beyond {length} tokens are left out: {count:,}.", count=left,
                             length=length))  # fmt: skip
    raw = replace(raw, train=raw.train[train], test=raw.test[test])
    text: Any = config.get_text_config() if hasattr(config, "get_text_config") else config
    vocabulary = text.vocab_size if raw.continues else None
    inputs = {name: tensor[kept] for name, tensor in tokens.inputs.items()}
    return _dataset(raw, inputs, length, notes, targets=targets[kept], vocabulary=vocabulary)


def _images(raw: Raw, model: nn.Module, argument: str, request: ProbeRequest) -> Dataset:
    size = raw.scenes.pictures.shape[-1] if raw.scenes else request.image_size or own_size(model)
    assert raw.images is not None
    pictures = raw.images.at(np.concatenate([raw.train, raw.test]).tolist(), size)
    config = getattr(model, "pretrained_cfg", None) or {}
    if config.get("input_size", (3,))[0] == 1:
        pictures = pictures.float().mean(1, keepdim=True).to(torch.uint8)
    channels = pictures.shape[1]
    if torchvision.is_torchvision(model):
        own: Any = getattr(model, "transform", None)  # of a detector
        config = getattr(getattr(model, "backbone", None), "pretrained_cfg", None) or torchvision.NORMALISED
        config = {"mean": own.image_mean, "std": own.image_std} if own else config
    mean, std = (tuple(config.get(key) or PLAIN)[:channels] for key in ("mean", "std"))
    return _dataset(raw, {argument: pictures}, size, mean=mean, std=std)


def own_size(model: nn.Module) -> int:
    """The size that the model insists on, else `IMAGE_SIZE`."""
    timm = getattr(model, "pretrained_cfg", None)
    if timm:
        return timm["input_size"][-1] if timm.get("fixed_input_size") else IMAGE_SIZE
    if torchvision.is_torchvision(model):
        return torchvision.fixed_size(model) or IMAGE_SIZE
    fixed = getattr(getattr(model, "config", None), "image_size", None)
    return max(fixed) if isinstance(fixed, (list, tuple)) else fixed or IMAGE_SIZE


def _dataset(
    raw: Raw, inputs: dict[str, Tensor], size: int, notes: tuple[str, ...] = (), targets: Tensor | None = None, **more
) -> Dataset:
    """Rows in the order train, test, divided into the two; values standardised by those to train on."""
    if targets is None:
        told = raw.targets
        if raw.scenes:
            told = raw.scenes.boxes if raw.target == "boxes" else raw.scenes.masks
        targets = torch.from_numpy(told[np.concatenate([raw.train, raw.test])])
    centre, spread = 0.0, 1.0
    count = len(raw.train)
    if raw.target == "value":
        centre, spread = float(targets[:count].mean()), float(targets[:count].std()) or 1.0
        targets = ((targets - centre) / spread).float()

    def part(rows: slice) -> Samples:
        return Samples({name: tensor[rows] for name, tensor in inputs.items()}, targets[rows])

    train, test = part(slice(0, count)), part(slice(count, None))
    return Dataset(raw, train, test, size, centre=centre, spread=spread, notes=(*raw.notes, *notes), **more)
