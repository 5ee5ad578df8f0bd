"""Inputs of Hugging Face models, by the arguments of their forward and the sizes in their config."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from freezecore.errors import WorkloadError, shortened
from freezecore.runtime.inputs.dense import usual_size, with_targets
from freezecore.runtime.inputs.maker import IMAGE_BY_DEFAULT, SAMPLES_BY_DEFAULT, Example, Maker
from freezecore.runtime.inputs.media import with_media
from freezecore.workload import Workload

KINDS = ("input_ids", "pixel_values", "input_features", "input_values", "image_pixel_values", "audio_input_features")
CONFIG_PARTS = ("text_config", "vision_config", "audio_config", "encoder", "decoder", "backbone_config")


def of_transformers(model: nn.Module, make: Maker) -> Iterator[Example]:
    """Batches to try in turn, the likeliest first.

    Raises:
        WorkloadError: no example can be made up of what the model takes.
    """
    taken = inspect.signature(model.forward).parameters
    size = make.workload.image_size or getattr(model.config, "image_size", None) or usual_size(model)
    if isinstance(size, int):
        make = replace(make, workload=replace(make.workload, image_size=size))
    try:
        media = list(with_media(model, make))
    except Exception:  # the model's own code on what is made up: it is followed with ids alone, which is told of
        media = []
    yield from media
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
    if further := [name for name in BESIDE if name in taken]:
        tries.append(both + further)
    required = [n for n in MAKERS if n in taken and taken[n].default is inspect.Parameter.empty]
    seen: list[list[str]] = []
    for names in tries:
        names = names + [name for name in required if name not in names]
        if names and names not in seen:
            seen.append(names)
            yield from _filled(model, names, taken, make)
    if not seen:
        raise WorkloadError(
            "{kind} takes '{input}', for which no example can be made up.",
            "Give a batch of your own: fc.save(model, batch, 'model.json').",
            kind=type(model).__name__,
            input=shortened(str(main)),
        )


def left_aside(model: nn.Module, args: tuple, kwargs: dict) -> list[str]:
    """The kinds of input (text, pictures, sound) that a forward takes and that these arguments do not give."""
    taken = list(inspect.signature(model.forward).parameters)
    return [name for name in KINDS if name in taken[len(args) :] and name not in kwargs]


def check_sizes(model: nn.Module, workload: Workload, label: str) -> None:
    """Refuse a sequence beyond the model's positions, which tensors without values would not notice.

    Raises:
        WorkloadError: with the longest that it takes.
    """
    config = getattr(model, "config", None)
    longest = getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", None)
    if workload.sequence_length and isinstance(longest, int) and 0 < longest < workload.sequence_length:
        raise WorkloadError(
            "{label} has {most:,} positions, so a sequence length of {length:,} is beyond them.",
            "Choose at most {most:,}.",
            label=label,
            most=longest,
            length=workload.sequence_length,
        )


def _filled(model: nn.Module, names: list[str], taken, make: Maker) -> Iterator[Example]:
    """Examples with these inputs, one for each way to shape the first."""
    config = model.config
    variants = MAKERS[names[0]](config, make)
    for tensor, sizes in variants:
        kwargs, all_sizes = {names[0]: tensor}, dict(sizes)
        for name in names[1:]:
            kwargs[name], more = next(MAKERS[name](config, make))
            all_sizes |= more
        if "image_attention_mask" in kwargs:
            kwargs["pixel_values"] = kwargs["pixel_values"][:, None]
        if "input_ids" in kwargs and "attention_mask" in taken:
            kwargs["attention_mask"] = torch.ones_like(kwargs["input_ids"])
        if getattr(config, "is_encoder_decoder", False) and "decoder_input_ids" in taken:
            length = make.length(_found(config, "max_target_positions", "max_position_embeddings"))
            kwargs["decoder_input_ids"] = make.ids(length, _found(config, "vocab_size") or 2)
            all_sizes.setdefault("sequence_length", length)
        yield make.example((), with_targets(model, kwargs, make), **all_sizes)


Shaped = Iterator[tuple[Tensor, dict[str, int]]]


def _ids(config: object, make: Maker) -> Shaped:
    longest = _found(config, "max_position_embeddings", "n_positions", "max_source_positions")
    length = make.length(longest if isinstance(longest, int) and longest > 0 else None)
    yield make.ids(length, _found(config, "vocab_size") or 2), {"sequence_length": length}


def _pixels(config: object, make: Maker) -> Shaped:
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


def _sound(config: object, make: Maker) -> Shaped:
    """Raw samples, or a spectrogram for models that name its height."""
    bins = _found(config, "num_mel_bins", "num_mel_bands")
    if bins and (length := _found(config, "max_length", "spec_size")):
        yield make.floats(length, bins), {"features": bins}
    yield make.floats(SAMPLES_BY_DEFAULT), {"samples": SAMPLES_BY_DEFAULT}
    yield make.floats(1, SAMPLES_BY_DEFAULT), {"samples": SAMPLES_BY_DEFAULT}


def _spectrogram(config: object, make: Maker) -> Shaped:
    bins = _found(config, "num_mel_bins", "input_feat_per_channel", "feature_projection_input_dim", "input_dim") or 80
    frames = 2 * (_found(config, "max_source_positions") or 1500)
    yield make.floats(bins, frames), {"features": bins}
    yield make.floats(1000, bins), {"features": bins}
    yield make.floats(1, 1001, bins), {"features": bins}


REGIONS = 36  # of a picture, as detectors of objects hand them on


def _regions(config: object, make: Maker) -> Shaped:
    yield make.floats(REGIONS, _found(config, "visual_feat_dim") or 2048), {}


def _boxes(config: object, make: Maker) -> Shaped:
    yield make.floats(REGIONS, _found(config, "visual_pos_dim") or 4), {}


def _picture_mask(config: object, make: Maker) -> Shaped:
    """Which of the pictures, here one, each token sees."""
    (ids, sizes), *_ = _ids(config, make)
    yield torch.ones_like(ids)[..., None], sizes


MAKERS: dict[str, Callable[[object, Maker], Shaped]] = {
    "input_ids": _ids,
    "pixel_values": _pixels,
    "pixel_values_videos": _pixels,
    "input_values": _sound,
    "input_features": _spectrogram,
    "visual_feats": _regions,
    "visual_pos": _boxes,
    "image_attention_mask": _picture_mask,
}
BESIDE = ("visual_feats", "visual_pos", "image_attention_mask")  # asked for beside the main inputs, by few


def _found(config: object, *names: str) -> Any:
    """The first of these fields that a config has, its parts (text, vision, …) looked through after itself."""
    for holder in (config, *(getattr(config, part, None) for part in CONFIG_PARTS)):
        for name in names:
            if holder is not None and (value := getattr(holder, name, None)) is not None:
                return value
    return None
