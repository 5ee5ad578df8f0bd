"""A batch of inputs for any model: from what its library says of it, else from its first layer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from freezecore.errors import WorkloadError, shortened
from freezecore.workload import Workload

LONGEST_BY_DEFAULT = 128
IMAGE_BY_DEFAULT = 224
SAMPLES_BY_DEFAULT = 16_000  # one second of sound
OTHER_IMAGES = (32, 28, 64, 96, 299)  # for a model of one's own that refuses 224 pixels
CONFIG_PARTS = ("text_config", "vision_config", "audio_config", "encoder", "decoder", "backbone_config")


@dataclass(frozen=True)
class Example:
    """What to call a model with.

    Attributes:
        sizes: what was chosen, of `batch_size`, `image_size`, `sequence_length`, `samples`, `features`.
    """

    args: tuple
    kwargs: dict
    sizes: dict[str, int]

    def call(self, model: nn.Module) -> object:
        return model(*self.args, **self.kwargs)


@dataclass(frozen=True)
class _Maker:
    """Makes tensors of one batch on one device; ids and pixels are random, masks are ones."""

    workload: Workload
    device: torch.device

    def floats(self, *shape: int) -> Tensor:
        return torch.randn(self.workload.batch_size, *shape, device=self.device)

    def ids(self, length: int, vocabulary: int) -> Tensor:
        size = (self.workload.batch_size, length)
        return torch.randint(0, max(2, min(vocabulary, 1000)), size, device=self.device)

    def length(self, longest: int | None) -> int:
        return self.workload.sequence_length or min(LONGEST_BY_DEFAULT, longest or LONGEST_BY_DEFAULT)


def example(model: nn.Module, workload: Workload | None = None, *, device: torch.device | str | None = None) -> Example:
    """The first of `examples` that fits what is known of the model; nothing is run.

    Args:
        device: where the tensors stand; None takes the device of the model's parameters.

    Raises:
        WorkloadError: nothing tells what the model takes.
    """
    return next(examples(model, workload, device=device))


def examples(
    model: nn.Module, workload: Workload | None = None, *, device: torch.device | str | None = None
) -> Iterator[Example]:
    """Batches to try in turn, the likeliest first.

    Raises:
        WorkloadError: nothing tells what the model takes.
    """
    if device is None:
        device = next((p.device for p in model.parameters()), torch.device("cpu"))
    make = _Maker(workload or Workload(), torch.device(device))
    if hasattr(model, "config") and hasattr(model, "base_model_prefix"):
        yield from _transformers(model, make)
    elif isinstance(record := getattr(model, "pretrained_cfg", None), dict) and "input_size" in record:
        yield _timm(record, make)
    else:
        yield from _by_first_layer(model, make)


def _timm(record: dict, make: _Maker) -> Example:
    channels, height, width = record["input_size"]
    if make.workload.image_size:
        height = width = make.workload.image_size
    return _made(make, (make.floats(channels, height, width),), {}, image_size=height)


def _made(make: _Maker, args: tuple, kwargs: dict, **sizes: int) -> Example:
    return Example(args, kwargs, {"batch_size": make.workload.batch_size, **sizes})


def _transformers(model: nn.Module, make: _Maker) -> Iterator[Example]:
    taken = inspect.signature(model.forward).parameters
    main = getattr(model, "main_input_name", "input_ids")
    main = main[0] if isinstance(main, list) else main
    wanted = [name for name in MAKERS if name == main]
    # A model of two inputs (CLIP) needs both; one that answers to text alone (a chat model) is given text.
    names = [name for name in ("input_ids", "pixel_values") if name in taken and name not in wanted]
    both = wanted + [name for name in names if name not in wanted]
    tries = [wanted, both, *([name] for name in both if [name] != wanted)]
    if (
        "input_ids" in taken
        and ("pixel_values" in taken or "input_features" in taken)
        and _found(model.config, "image_token_id", "image_token_index", "audio_token_id")
    ):
        tries.insert(0, ["input_ids"])
    elif "input_ids" in taken and "pixel_values" in taken and hasattr(model.config, "projection_dim"):
        tries.insert(0, both)
    required = [n for n in MAKERS if n in taken and taken[n].default is inspect.Parameter.empty]
    seen: list[list[str]] = []
    for names in tries:
        names = names + [name for name in required if name not in names]
        if names and names not in seen:
            seen.append(names)
            yield from _filled(model, names, taken, make)
    if not seen:
        raise WorkloadError(
            f"{type(model).__name__} takes '{shortened(str(main))}', for which no example can be made up.",
            "Give a batch of your own: fc.save(model, batch, 'model.json').",
        )


def _filled(model: nn.Module, names: list[str], taken, make: _Maker) -> Iterator[Example]:
    """Examples with these inputs, one for each way to shape the first."""
    config = model.config
    variants = MAKERS[names[0]](config, make)
    for tensor, sizes in variants:
        kwargs, all_sizes = {names[0]: tensor}, dict(sizes)
        for name in names[1:]:
            kwargs[name], more = next(MAKERS[name](config, make))
            all_sizes |= more
        if "input_ids" in kwargs and "attention_mask" in taken:
            kwargs["attention_mask"] = torch.ones_like(kwargs["input_ids"])
        if getattr(config, "is_encoder_decoder", False) and "decoder_input_ids" in taken:
            length = make.length(_found(config, "max_target_positions", "max_position_embeddings"))
            kwargs["decoder_input_ids"] = make.ids(length, _found(config, "vocab_size") or 2)
            all_sizes.setdefault("sequence_length", length)
        yield _made(make, (), kwargs, **all_sizes)


Shaped = Iterator[tuple[Tensor, dict[str, int]]]


def _ids(config: object, make: _Maker) -> Shaped:
    longest = _found(config, "max_position_embeddings", "n_positions", "max_source_positions")
    length = make.length(longest if isinstance(longest, int) and longest > 0 else None)
    yield make.ids(length, _found(config, "vocab_size") or 2), {"sequence_length": length}


def _pixels(config: object, make: _Maker) -> Shaped:
    channels = _found(config, "num_channels", "in_channels", "in_chans") or 3
    size = _found(config, "image_size", "img_size", "crop_size") or IMAGE_BY_DEFAULT
    if isinstance(size, dict):
        size = size.get("height") or size.get("shortest_edge") or IMAGE_BY_DEFAULT
    height, width = (size, size) if isinstance(size, int) else tuple(size)[-2:]
    if make.workload.image_size:
        height = width = make.workload.image_size
    still = make.floats(channels, height, width), {"image_size": height}
    frames = _found(config, "num_frames", "frames_per_clip")
    if frames:
        yield make.floats(frames, channels, height, width), {"image_size": height}
    yield still
    if not frames:
        yield make.floats(16, channels, height, width), {"image_size": height}


def _sound(config: object, make: _Maker) -> Shaped:
    """Raw samples, or a spectrogram for models that name its height."""
    bins = _found(config, "num_mel_bins", "num_mel_bands")
    if bins and (length := _found(config, "max_length", "spec_size")):
        yield make.floats(length, bins), {"features": bins}
    yield make.floats(SAMPLES_BY_DEFAULT), {"samples": SAMPLES_BY_DEFAULT}
    yield make.floats(1, SAMPLES_BY_DEFAULT), {"samples": SAMPLES_BY_DEFAULT}


def _spectrogram(config: object, make: _Maker) -> Shaped:
    bins = _found(config, "num_mel_bins", "input_feat_per_channel", "feature_projection_input_dim", "input_dim") or 80
    frames = 2 * (_found(config, "max_source_positions") or 1500)
    yield make.floats(bins, frames), {"features": bins}
    yield make.floats(1000, bins), {"features": bins}
    yield make.floats(1, 1001, bins), {"features": bins}


MAKERS: dict[str, Callable[[object, _Maker], Shaped]] = {
    "input_ids": _ids,
    "pixel_values": _pixels,
    "pixel_values_videos": _pixels,
    "input_values": _sound,
    "input_features": _spectrogram,
}


def _found(config: object, *names: str) -> object | None:
    """The first of these fields that a config has, its parts (text, vision, …) looked through after itself."""
    for holder in (config, *(getattr(config, part, None) for part in CONFIG_PARTS)):
        for name in names:
            if holder is not None and (value := getattr(holder, name, None)) is not None:
                return value
    return None


def _by_first_layer(model: nn.Module, make: _Maker) -> Iterator[Example]:
    """For a module of one's own: what its first layer with parameters takes in."""
    first = next((module for module in model.modules() if type(module) in FIRST), None)
    if first is None:
        raise WorkloadError(
            f"{type(model).__name__} does not tell what it takes in.",
            "Give a batch of your own: fc.save(model, batch, 'model.json').",
        )
    yield from FIRST[type(first)](first, make)


def _images(layer: nn.Conv2d, make: _Maker) -> Iterator[Example]:
    sizes = (make.workload.image_size,) if make.workload.image_size else (IMAGE_BY_DEFAULT, *OTHER_IMAGES)
    for size in sizes:
        yield _made(make, (make.floats(layer.in_channels, size, size),), {}, image_size=size)


def _signals(layer: nn.Conv1d, make: _Maker) -> Iterator[Example]:
    for length in (make.length(None), 1024, SAMPLES_BY_DEFAULT):
        yield _made(make, (make.floats(layer.in_channels, length),), {}, sequence_length=length)


def _volumes(layer: nn.Conv3d, make: _Maker) -> Iterator[Example]:
    size = make.workload.image_size or 112
    yield _made(make, (make.floats(layer.in_channels, 16, size, size),), {}, image_size=size)


def _tokens(layer: nn.Embedding, make: _Maker) -> Iterator[Example]:
    length = make.length(None)
    yield _made(make, (make.ids(length, layer.num_embeddings),), {}, sequence_length=length)


def _vectors(layer: nn.Linear, make: _Maker) -> Iterator[Example]:
    length = make.length(None)
    yield _made(make, (make.floats(layer.in_features),), {}, features=layer.in_features)
    yield _made(make, (make.floats(length, layer.in_features),), {}, sequence_length=length)
    for side in (28, 32, 64):
        for channels in (1, 3):
            if channels * side * side == layer.in_features:
                yield _made(make, (make.floats(channels, side, side),), {}, image_size=side)


def _sequences(layer: nn.RNNBase, make: _Maker) -> Iterator[Example]:
    length = make.length(None)
    yield _made(make, (make.floats(length, layer.input_size),), {}, sequence_length=length)


FIRST: dict[type, Callable[[nn.Module, _Maker], Iterator[Example]]] = {
    nn.Conv2d: _images,
    nn.Conv1d: _signals,
    nn.Conv3d: _volumes,
    nn.Embedding: _tokens,
    nn.Linear: _vectors,
    nn.LSTM: _sequences,
    nn.GRU: _sequences,
    nn.RNN: _sequences,
}
