"""The parts of multimodal models as two trainers name them: what `freeze_vision_tower` or `freeze_vit` speaks of."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from freezecore.tree import LayerTree, Tower

FILE = Path(__file__).with_suffix(".toml")
LANGUAGE_PARTS = frozenset({"language_model", "text_model"})
CLASS_END = re.compile(r"(For[A-Z]\w*|Model)$")


@dataclass(frozen=True)
class Parts:
    """Fragments or prefixes of parameters' names; the defaults are those of LLaMA-Factory's plain `register`."""

    vision: tuple[str, ...] = ("vision_tower",)
    projector: tuple[str, ...] = ("multi_modal_projector",)
    language: tuple[str, ...] = ("language_model", "lm_head")
    generator: tuple[str, ...] = ()
    unadapted: tuple[str, ...] = ()


def of_llama_factory(model_class: str) -> Parts | None:
    """Which names hold its parts by LLaMA-Factory, which knows the model by its type; None where it does not."""
    kind = _plain(CLASS_END.sub("", model_class))
    for name, parts in _read()["llama-factory"].items():
        if _plain(name) == kind:
            return Parts(**{part: tuple(names) for part, names in parts.items()})
    return None


def of_ms_swift(model_class: str) -> Parts | None:
    """Which names begin its parts by ms-swift, which knows the model by its class; None where it does not."""
    for parts in _read()["ms-swift"].values():
        if model_class in parts["classes"]:
            stated = {part: tuple(parts.get(part, ())) for part in ("vision", "projector", "language", "generator")}
            return Parts(**stated)
    return None


def language_towers(tree: LayerTree) -> tuple[Tower, ...]:
    """The towers of a multimodal model that hold its language model, by their names; all where no name tells."""
    named = tuple(tower for tower in tree.towers if not LANGUAGE_PARTS.isdisjoint(tower.path.split(".")))
    return named or tree.towers


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


@cache
def _read() -> dict:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))
