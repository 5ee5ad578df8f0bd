"""Configs of models that people fine-tune most, as their publishers state them on the Hugging Face Hub.

With one of these at hand the model's tree, price and exported code need no network; weights and tokenizer still come
from the Hub. A test builds each of them and holds its count of parameters against the published one.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from freezecore import catalog, packaged
from freezecore.catalog import ModelName

FILE = Path(__file__).with_name("hub_configs.json")


@dataclass(frozen=True, slots=True)
class HubConfig:
    """A model of the Hub.

    Attributes:
        hub_id: its name there, `organisation/name`.
        parameters: scalars in all parameters of the class that its config names.
        config: what its `config.json` states about shapes.
    """

    hub_id: str
    parameters: int
    config: dict

    @property
    def source(self) -> str:
        """Text for `ModelSource.parse`."""
        return f"hf:{self.hub_id}"


@functools.cache
def read() -> tuple[HubConfig, ...]:
    """All of them; within a family the one that most people mean comes first."""
    kept = json.loads(FILE.read_text(encoding="utf-8"))
    return tuple(HubConfig(hub_id, entry["parameters"], entry["config"]) for hub_id, entry in kept.items())


def find(hub_id: str) -> HubConfig | None:
    """The config of this model; None where it is not among them."""
    return next((each for each in read() if each.hub_id == hub_id), None)


def before(others: Iterable[ModelName]) -> list[ModelName]:
    """The models that open with no network, with their sizes: packaged ones, then those above; then these others."""
    counted = {model.source: model for model in catalog.read()}
    known = {each.source: ModelName(each.source, each.config["model_type"], each.parameters) for each in read()}
    first = {each.source: ModelName(each.source, "packaged") for each in packaged.PACKAGED}
    found = {**first, **known, **{source: counted[source] for source in first if source in counted}}
    return [*found.values(), *(model for model in others if model.source not in found)]
