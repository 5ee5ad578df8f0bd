"""Unsloth's choice of layers by the parts of a model, as `FastVisionModel` takes them (its `get_peft_regex`)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

PARTS = {
    "finetune_vision_layers": ("vision", "image", "visual", "patch"),
    "finetune_language_layers": ("language", "text"),
}
COMPONENTS = {
    "finetune_attention_modules": ("self_attn", "attention", "attn", "mixer"),
    "finetune_mlp_modules": ("mlp", "feed_forward", "ffn", "dense", "mixer"),
}
MORE = ("finetune_last_n_layers", "finetune_audio_layers")
OTHERWISE = re.compile(r"Gemma3n|Gemma4|Voxtral|Mamba|Csm")  # classes for which it has further rules
STACKED = re.compile(r"model\.layers\.\d+\.")


def unfollowed(model_class: str, options: Mapping) -> list[str]:
    """Its options that would join layers by rules which are not followed here."""
    names = (*MORE, *PARTS) if OTHERWISE.search(model_class) else MORE
    return [name for name in names if options.get(name, name in PARTS)]


def joined(linear: Sequence[str], targets: list[str] | str | None, options: Mapping) -> list[str] | str:
    """Paths that adapters join, of those of all linear layers; an expression stays as it is.

    `targets` are ends of paths; None and "all-linear" mean all that stand in a stack or more than once.
    """
    if isinstance(targets, str) and targets != "all-linear":
        return targets
    every = targets == "all-linear"
    ends = [path.rpartition(".")[2] for path in linear]
    if not isinstance(targets, list):
        stacked = {end for path, end in zip(linear, ends, strict=True) if re.search(r"\.\d+\.", path)}
        targets = [end for end in ends if ends.count(end) > 1 or end in stacked]
    parts = _one_of(PARTS, options, every)
    inside = _one_of(COMPONENTS, options, every)
    able = [path for path, end in zip(linear, ends, strict=True) if end in targets]
    able = [path for path in able if re.search(rf"{inside}.*\.", path)]
    language = every or options.get("finetune_language_layers", True)
    found = [p for p in able if re.search(rf"{parts}.*{inside}.*\.", p) or language and STACKED.match(p)]
    return found or able


def _one_of(tags: Mapping[str, Sequence[str]], options: Mapping, every: bool) -> str:
    """An expression for the tags of what is chosen; of nothing, one that matches nothing."""
    chosen = [tag for name, each in tags.items() if every or options.get(name, True) for tag in each]
    return f"({'|'.join(chosen)})" if chosen else "(?!)"
