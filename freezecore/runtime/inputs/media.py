"""Batches of multimodal models as a processor would make them: a picture or a sound, and ids with room for it.

How many tokens a picture takes is asked of the model itself: its own `get_image_features` runs once without storage.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from freezecore.runtime.inputs.known import following, grey, known, real
from freezecore.runtime.inputs.maker import IMAGE_BY_DEFAULT, Example, Maker
from freezecore.runtime.inputs.meta import meta_copy
from freezecore.workload import Workload

PICTURE_TOKENS = ("image_token_id", "image_token_index")
SOUND_TOKENS = ("audio_token_id", "audio_token_index")
SPECIAL = (*PICTURE_TOKENS, *SOUND_TOKENS, "video_token_id", "video_token_index", "pad_token_id", "boi_token_index",
           "eoi_token_index", "vision_start_token_id", "vision_end_token_id")  # fmt: skip
FEATURES = {"image": "get_image_features", "audio": "get_audio_features"}

_counts: WeakKeyDictionary[nn.Module, dict[tuple, int]] = WeakKeyDictionary()


def with_media(model: nn.Module, make: Maker) -> Iterator[Example]:
    """A batch with a picture, else a sound, for each sample; none for a model that reads neither among its ids."""
    taken = inspect.signature(model.forward).parameters
    config: Any = model.config
    if "input_ids" not in taken:
        return
    if "image_pixel_values" in taken:
        yield _in_crops(config, make, taken)
        return
    for kind, names, maker in (("image", PICTURE_TOKENS, _pictures), ("audio", SOUND_TOKENS, _sounds)):
        token = next((value for name in names if isinstance(value := getattr(config, name, None), int)), None)
        if token is None or not (hasattr(_asked(model, kind), FEATURES[kind]) or _measures(model)):
            continue
        media, sizes = maker(config, make, taken)
        if media:
            count = _count(model, make, kind, maker, tuple(sizes.values()))
            yield make.example((), media | _ids(config, make, taken, token, count), **sizes, media_tokens=count)
            return


def _pictures(config: Any, make: Maker, taken: Any) -> tuple[dict[str, Tensor], dict[str, int]]:
    vision = getattr(config, "vision_config", None)
    if vision is None or "pixel_values" not in taken:
        return {}, {}
    batch = make.workload.batch_size
    channels = getattr(vision, "in_channels", None) or getattr(vision, "num_channels", None) or 3
    if "image_grid_thw" in taken:
        patch, cell = vision.patch_size, vision.patch_size * vision.spatial_merge_size
        side = max(1, (make.workload.image_size or IMAGE_BY_DEFAULT) // cell) * cell
        across = side // patch
        values = channels * getattr(vision, "temporal_patch_size", 1) * patch * patch
        pixels = torch.randn(batch * across * across, values, device=make.device)
        grid = known(real([[1, across, across]] * batch), make.device)
        return {"pixel_values": pixels, "image_grid_thw": grid}, {"image_size": side}
    side = make.workload.image_size or _side(vision)
    shape: tuple[int, ...] = (channels, side, side)
    media: dict[str, Tensor] = {}
    pinpoints = getattr(config, "image_grid_pinpoints", None)
    if "image_sizes" in taken and (pinpoints or getattr(vision, "model_type", "") == "pixtral"):
        media["image_sizes"] = known(real([[side, side]] * batch), make.device)
        if pinpoints:
            from transformers.image_processing_utils import select_best_resolution  # whose model it is

            high, wide = select_best_resolution((side, side), pinpoints)
            shape = (1 + (high // side) * (wide // side), *shape)
    elif "pixel_attention_mask" in taken:
        shape = (1, *shape)
    return {"pixel_values": known(grey(batch, *shape), make.device)} | media, {"image_size": side}


def _in_crops(config: Any, make: Maker, taken: Any) -> Example:
    """Of Phi-4: a picture of one crop, beside the same in small; each row of tokens ends with one more, and one stands
    between the two."""
    vision, batch = config.vision_config, make.workload.batch_size
    across = vision.image_size // vision.patch_size
    rows = -(-across // 2)
    media = {
        "image_pixel_values": make.floats(2, vision.num_channels, vision.crop_size, vision.crop_size),
        "image_sizes": known(real([[vision.crop_size] * 2] * batch), make.device),
        "image_attention_mask": known(real([[[[1] * across] * across] * 2] * batch), make.device),
    }
    count = 2 * rows * (rows + 1) + 1
    ids = _ids(config, make, taken, vision.image_token_id, count)
    return make.example((), media | ids, image_size=vision.crop_size, media_tokens=count)


def _side(vision: Any) -> int:
    size = getattr(vision, "image_size", None) or IMAGE_BY_DEFAULT
    return size if isinstance(size, int) else tuple(size.values() if isinstance(size, dict) else size)[0]


def _sounds(config: Any, make: Maker, taken: Any) -> tuple[dict[str, Tensor], dict[str, int]]:
    sound = getattr(config, "audio_config", None)
    bins = getattr(sound, "num_mel_bins", None)
    if not bins or "input_features" not in taken:
        return {}, {}
    frames = 2 * (getattr(sound, "max_source_positions", None) or 1500)
    media = {"input_features": make.floats(bins, frames)}
    if mask := next((name for name in ("feature_attention_mask", "input_features_mask") if name in taken), None):
        media[mask] = known(real([[1] * frames] * make.workload.batch_size), make.device)
    return media, {"features": bins}


def _ids(config: Any, make: Maker, taken: Any, token: int, count: int) -> dict[str, Tensor]:
    """Ids that begin with the picture's, with the masks that belong to them; all of known values."""
    specials = {getattr(config, name, None) for name in SPECIAL}
    plain = [number for number in range(3, 64) if number not in specials]
    text = [plain[at % len(plain)] for at in range(make.length(None))]
    row, batch = [token] * count + text, make.workload.batch_size
    which = [1] * count + [0] * len(text)
    if start := getattr(config, "vision_start_token_id", None):
        row, which = [start, *row], [0, *which]
    rows = {"input_ids": row, "attention_mask": [1] * len(row), "mm_token_type_ids": which, "token_type_ids": which}
    found = {name: known(real([values] * batch), make.device) for name, values in rows.items() if name in taken}
    if getattr(config, "is_encoder_decoder", False) and "decoder_input_ids" in taken:
        found["decoder_input_ids"] = known(real([text] * batch), make.device)
    return found


def _count(model: nn.Module, make: Maker, kind: str, maker: Any, key: tuple) -> int:
    """Tokens of one picture or sound, by the features that the model makes of it."""
    counts = _counts.setdefault(model, {})
    if (kind, key) not in counts:
        if not hasattr(_asked(model, kind), FEATURES[kind]):
            media = maker(model.config, make, inspect.signature(model.forward).parameters)[0]
            frames = media["input_features"].shape[-1]
            with torch.device("cpu"):
                lengths = _measures(model)[0]._get_feat_extract_output_lengths(real([frames]))
            counts[kind, key] = int(lengths[-1] if isinstance(lengths, tuple) else lengths)
            return counts[kind, key]
        one = Maker(Workload(batch_size=1, image_size=make.workload.image_size), torch.device("meta"))
        twin = model if next(model.parameters()).is_meta else meta_copy(model)
        twin, training = twin.eval(), twin.training
        ask = getattr(_asked(twin, kind), FEATURES[kind])
        taken = inspect.signature(ask).parameters
        anything = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in taken.values())
        media = maker(model.config, one, inspect.signature(model.forward).parameters)[0]
        given = {name: value for name, value in media.items() if anything or name in taken}
        try:
            with torch.no_grad(), torch.device("meta"), following(given):
                made = ask(**given)
        finally:
            twin.train(training)
        counts[kind, key] = sum(tensor.numel() // tensor.shape[-1] for tensor in _features(made))
    return counts[kind, key]


def _measures(model: nn.Module) -> list[Any]:
    """Its modules that tell how long a sound is behind them."""
    return [module for module in model.modules() if hasattr(type(module), "_get_feat_extract_output_lengths")]


def _asked(model: Any, kind: str) -> Any:
    """The model that says what it makes of a picture or a sound: itself, or its base."""
    return model if hasattr(model, FEATURES[kind]) else model.base_model


def _features(made: Any) -> list[Tensor]:
    found = getattr(made, "pooler_output", made)
    if found is None:
        found = made.last_hidden_state
    return [found] if isinstance(found, Tensor) else [tensor for each in found for tensor in _features(each)]
