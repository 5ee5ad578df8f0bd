"""`tree`: what a model is made of."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import asdict

from freezecore.cli.arguments import add_source, read_layers
from freezecore.report import table
from freezecore.tree import Layer, LayerTree
from freezecore.tree_format import outline

EXAMPLE = "timm:resnet18"


def add_arguments(to: ArgumentParser) -> None:
    add_source(to)
    to.add_argument("--short", action="store_true", help="of neighbours that are alike the first alone")


def gather(options: Namespace) -> dict:
    tree = read_layers(options)
    shown = outline(tree) if options.short else [(layer, 0) for layer in tree.layers]
    return {
        "source": tree.source,
        "fingerprint": tree.fingerprint,
        "total": tree.total,
        "order": tree.order,
        "layers": [_layer(layer, more) for layer, more in shown],
        "parameters": [{**asdict(parameter), "numel": parameter.numel} for parameter in tree.parameters],
        "towers": [asdict(tower) for tower in tree.towers],
        "head": list(tree.head),
        "parts": [{**asdict(part), "parameters": _scalars(tree, part.name)} for part in tree.parts],
        "notes": list(tree.notes),
    }


def show(document: dict) -> str:
    rows = []
    for one in document["layers"]:
        more = f" (and {one['more']} like it)" if one["more"] else ""
        place = "  " * _depth(one["path"]) + (one["path"] or ".") + more
        if one["parameters"]:
            rows.append((place, one["class"], one["kind"], f"{one['parameters']:,}"))
    return "\n".join(
        [
            table(["layer", "class", "kind", "parameters"], rows, right=[3]),
            "",
            *(f"part {one['name']}: {', '.join(one['paths'])}, {one['parameters']:,}" for one in document["parts"]),
            *map(_tower, document["towers"]),
            f"head: {', '.join(document['head']) or 'none'}",
            f"{document['total']:,} parameters, fingerprint {document['fingerprint']}, order {document['order']}",
            *document["notes"],
        ]
    )


def _scalars(tree: LayerTree, part: str) -> int:
    return sum(tree.sizes[i] for i in tree.in_part[part])


def _layer(layer: Layer, more: int) -> dict:
    counts = {"parameters": layer.parameters, "own_parameters": layer.own_parameters, "more": more}
    return {"path": layer.path, "class": layer.type, "kind": layer.kind, **counts}


def _tower(tower: dict) -> str:
    blocks = tower["blocks"]
    before = ", ".join([*tower["embeddings"], *tower["stem"]]) or "nothing"
    span = f": {blocks[0]} … {blocks[-1]}" if blocks else ""
    return f"{tower['name']}: {before} before {len(blocks)} blocks{span}"


def _depth(path: str) -> int:
    return path.count(".") + 1 if path else 0
