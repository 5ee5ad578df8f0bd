"""Which models can be opened by name: packaged ones, known ones of the Hub, timm's architectures, model types."""

from __future__ import annotations

import functools

from freezecore import catalog, hub_configs
from freezecore.catalog import ModelName
from freezecore.errors import nearest
from freezecore.runtime import OLDEST, require_tested

__all__ = ["ModelName", "listed", "names"]
MOST_NEAREST = 10


def names(word: str = "") -> list[ModelName]:
    """Models whose name contains `word`, what needs no network first, else the likest names; without a word, all."""
    everything = _all()
    word = word.strip().lower()
    if found := [model for model in everything if word in model.source.lower()]:
        return found
    by_name = {model.source.partition(":")[2]: model for model in everything}
    return [by_name[name] for name in nearest(word, by_name, MOST_NEAREST)]


def nearest_of_all(word: str) -> list[str]:
    """The sources whose names look most like `word`, however little that is."""
    by_name = {model.source.partition(":")[2]: model.source for model in _all()}
    return [by_name[name] for name in nearest(word, by_name, cutoff=0.0)]


def listed() -> list[ModelName]:
    """What the installed libraries themselves list: every architecture and model type."""
    require_tested(OLDEST)
    import timm
    from transformers.models.auto.modeling_auto import MODEL_MAPPING_NAMES

    from freezecore.runtime.build import torchvision

    architectures = {name: timm.models.model_entrypoint(name).__module__ for name in timm.list_models()}
    found = [ModelName(f"timm:{name}", module.rpartition(".")[2]) for name, module in architectures.items()]
    found += [ModelName(f"torchvision:{name}", module) for name, module in torchvision.listed()]
    return found + [ModelName(f"config:{kind}", kind) for kind in MODEL_MAPPING_NAMES]


@functools.cache
def _all() -> tuple[ModelName, ...]:
    """The catalog where it was written with the installed versions; else the libraries' own lists, with its counts."""
    counted = {model.source: model for model in catalog.read()}
    found = counted.values() if catalog.is_current() else [counted.get(each.source, each) for each in listed()]
    return tuple(hub_configs.before(found))
