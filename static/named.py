"""The packed model that somebody means: by what they typed or pasted, or by a Hugging Face `config.json` of their own.

Nothing can be built here, so that a model which is not packed gets the command that opens it on a machine of one's own.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from app.service import gallery
from freezecore import hub_configs
from freezecore.errors import SourceError, shortened
from freezecore.model_lookup import matches, named
from static.backend import ON_YOUR_MACHINE

MOST_ALIKE = 5
EVERY = 10**6
OF_SHAPE = re.compile(r"(_size|_layers|_heads|_dim|experts)$|^n_(embd|layer|head|inner)$")
OF_NO_SHAPE = {"architectures", "bos_token_id", "eos_token_id", "pad_token_id", "num_labels"}


@dataclass(frozen=True)
class Meant:
    """What somebody means.

    Attributes:
        source: the model, packed or not.
        task, labels: what a pasted line says of them.
        alike: packed models that it may have been instead.
        doubtful: it was found by words, so that it may be another.
    """

    source: str
    task: str | None = None
    labels: int | None = None
    alike: tuple[str, ...] = ()
    doubtful: bool = False


def by_text(text: str, packed: Collection[str]) -> Meant:
    """What a name, an id or address of the Hub, or a line of code means; of models alike, a packed one.

    Raises:
        SourceError: nothing is called so.
    """
    if known := named(text):
        return Meant(known.source, known.task, known.labels, _alike(known.source, packed))
    found = matches(text, list(packed), 1)
    if not found:
        raise SourceError(
            "No model is called '{name}'.",
            "Write a name such as resnet50, a Hub id such as microsoft/deberta-v3-base, or the line that loads it.",
            name=shortened(text),
        )
    return Meant(found[0].source, alike=_alike(text, packed), doubtful=True)


def _alike(text: str, packed: Collection[str]) -> tuple[str, ...]:
    """Packed models of such a name, or of its first word where there are none."""
    name = text.rpartition(":")[2].rpartition("/")[2]
    for words in dict.fromkeys([name, *re.findall(r"^[a-zA-Z]+", name)]):
        found = [model.source for model in matches(words, list(packed), EVERY) if model.source in packed]
        if found:
            return tuple(found[:MOST_ALIKE])
    return ()


def by_config(config: dict, name: str, packed: Collection[str]) -> Meant:
    """The packed model whose shapes a configuration states.

    Raises:
        SourceError: none of the packed ones has them.
    """
    kind = str(config["model_type"])
    for kept in hub_configs.read():
        if kept.source in packed and _same_shapes(kept.config, config):
            return Meant(kept.source)
    raise SourceError(
        "'{name}' states a model of the type {kind} whose sizes no model packed here has.",
        ON_YOUR_MACHINE,
        name=shortened(name),
        kind=shortened(kind),
    )


def of_type(kind: str, packed: Collection[str]) -> list[str]:
    """Packed models of this type, as far as their configurations are kept here."""
    kept = [one.source for one in hub_configs.read() if one.config.get("model_type") == kind]
    return [one for one in dict.fromkeys([f"config:{kind}", *kept]) if one in packed][:MOST_ALIKE]


def _same_shapes(kept: dict, stated: dict) -> bool:
    """Whether all that is kept is stated so, and no further size is: a size left out or unknown is never guessed."""
    further = {key for key, value in stated.items() if OF_SHAPE.search(key) and isinstance(value, int)}
    asked = set(kept) - OF_NO_SHAPE
    return not (further - set(kept) - OF_NO_SHAPE) and all(stated.get(key) == kept[key] for key in asked)


def opened_otherwise(meant: Meant) -> bool:
    """Whether a pasted line asks for another task or other classes than its model is packed with."""
    packed = gallery.BY_SOURCE.get(meant.source)
    own = (packed.task, packed.labels) if packed else (None, None)
    return any(asked is not None and asked != has for asked, has in zip((meant.task, meant.labels), own, strict=True))
