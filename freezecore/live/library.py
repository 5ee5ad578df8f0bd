"""Which models can be opened by name: timm's architectures, transformers' model types, and what is packaged."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import timm
from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

from freezecore import packaged
from freezecore.errors import nearest

MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class ModelName:
    """One model that can be opened.

    Attributes:
        source: text for `ModelSource.parse`.
        family: the library's module that defines it.
        parameters: scalars in all its parameters; None where nobody has counted them yet.
    """

    source: str
    family: str
    parameters: int | None = None


def names(word: str = "") -> list[ModelName]:
    """Models whose name contains `word`, packaged ones first, else the names most like it; without a word, all."""
    everything = _all()
    word = word.strip().lower()
    if not word:
        return list(everything)
    if found := [model for model in everything if word in model.source.lower()]:
        return found
    by_name = {model.source.partition(":")[2]: model for model in everything}
    return [by_name[name] for name in nearest(word, by_name, 10)]


@functools.cache
def _all() -> tuple[ModelName, ...]:
    first = [ModelName(each.source, "packaged") for each in packaged.PACKAGED]
    taken = {model.source for model in first}
    from_timm = [ModelName(f"timm:{name}", _timm_family(name)) for name in timm.list_models()]
    from_transformers = [ModelName(f"config:{kind}", kind) for kind in CONFIG_MAPPING_NAMES]
    return (*first, *(model for model in (*from_timm, *from_transformers) if model.source not in taken))


def _timm_family(name: str) -> str:
    return timm.models.model_entrypoint(name).__module__.rpartition(".")[2]
