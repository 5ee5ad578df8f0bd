"""Layer trees of well-known models, read once from live models by `trees/make.py`."""

import gzip
import json
from dataclasses import replace
from functools import cache
from pathlib import Path

from freezecore.tree import Layer, LayerTree, Parameter

FOLDER = Path(__file__).parent / "trees"
NAMES = sorted(path.name.removesuffix(".json.gz") for path in FOLDER.glob("*.json.gz"))


@cache
def load(name: str) -> LayerTree:
    """One of `NAMES`."""
    return LayerTree.from_json(json.loads(gzip.decompress((FOLDER / f"{name}.json.gz").read_bytes())))


@cache
def deep(blocks: int = 312) -> LayerTree:
    """BERT with that many blocks: 312 make about 5,000 parameters."""
    bert = load("bert")
    first = [p for p in bert.parameters if ".layer.0." in p.name]
    others = [p for p in bert.parameters if ".encoder.layer." not in p.name]
    layers = [layer for layer in bert.layers if ".layer.0" in layer.path]

    def numbered(text: str, i: int) -> str:
        return text.replace(".layer.0", f".layer.{i}")

    parameters = [
        replace(p, name=numbered(p.name, i), owner=numbered(p.owner, i)) for i in range(blocks) for p in first
    ]
    tower = replace(bert.towers[0], blocks=tuple(f"bert.encoder.layer.{i}" for i in range(blocks)))
    return replace(
        bert,
        parameters=(*others[:5], *parameters, *others[5:]),
        layers=(
            *(layer for layer in bert.layers if ".encoder.layer." not in layer.path),
            *(replace(layer, path=numbered(layer.path, i)) for i in range(blocks) for layer in layers),
        ),
        towers=(tower,),
    )


def tree_of(*names: str, aliases: dict[str, tuple[str, ...]] | None = None) -> LayerTree:
    """A tree with just these parameters, for odd names."""
    parameters = tuple(
        Parameter(name, name.rpartition(".")[0], (2, 3), aliases=(aliases or {}).get(name, ())) for name in names
    )
    paths = dict.fromkeys(p.owner for p in parameters)
    return LayerTree("odd", tuple(Layer(path, "Odd") for path in ("", *filter(None, paths))), parameters)
