"""`models`, `tree` and `mask`: what can be opened, what it is made of, and what a selection means."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict

from freezecore._resolve import resolve
from freezecore._review import review
from freezecore.cli.arguments import add_rules, add_source, command, read_layers, read_source, read_spec
from freezecore.cli.colour import SEVERITIES, painted
from freezecore.report import count_text, share_text, table
from freezecore.rules.shortest import shortest_rules
from freezecore.tree import Layer, Parameter


def add(commands) -> None:
    """Put the three commands on the command line."""
    models = command(commands, "models", "resnet", gather_models, show_models)
    models.add_argument("word", nargs="?", default="", metavar="WORD", help="only names that contain it")
    add_source(command(commands, "tree", "timm:resnet18", gather_tree, show_tree))
    example = 'timm:resnet18 --rules "freeze contains:layer1.0."'
    mask = command(commands, "mask", example, gather_mask, show_mask)
    add_source(mask)
    add_rules(mask)


def gather_models(options: Namespace) -> dict:
    from freezecore.runtime.build.library import names

    return {"models": [asdict(model) for model in names(options.word)]}


def show_models(document: dict) -> str:
    rows = [(m["source"], m["family"] or "", count_text(m["parameters"])) for m in document["models"]]
    return table(["source", "family", "parameters"], rows, right=[2])


def gather_tree(options: Namespace) -> dict:
    tree = read_layers(options)
    return {
        "source": tree.source,
        "fingerprint": tree.fingerprint,
        "total": tree.total,
        "order": tree.order,
        "layers": [_layer(layer) for layer in tree.layers],
        "parameters": [_parameter(parameter) for parameter in tree.parameters],
        "towers": [asdict(tower) for tower in tree.towers],
        "head": list(tree.head),
        "notes": list(tree.notes),
    }


def show_tree(document: dict) -> str:
    rows = [
        (
            "  " * _depth(layer["path"]) + (layer["path"] or "."),
            layer["class"],
            layer["kind"],
            f"{layer['parameters']:,}",
        )
        for layer in document["layers"]
        if layer["parameters"]
    ]
    return "\n".join(
        [
            table(["layer", "class", "kind", "parameters"], rows, right=[3]),
            "",
            *map(_tower, document["towers"]),
            f"head: {', '.join(document['head']) or 'none'}",
            f"{document['total']:,} parameters, fingerprint {document['fingerprint']}, order {document['order']}",
            *document["notes"],
        ]
    )


def gather_mask(options: Namespace) -> dict:
    tree, spec = read_layers(options), read_spec(options)
    mask = resolve(spec, tree, epoch=options.epoch)
    pairs = zip(tree.parameters, mask.trains, strict=True)
    return {
        "source": tree.source,
        "rules": str(spec),
        "total": tree.total,
        "trainable": mask.trainable,
        "frozen": mask.frozen,
        "parameters": [
            {"name": p.name, "numel": p.numel, "trainable": trains, "kind": p.kind, "aliases": list(p.aliases)}
            for p, trains in pairs
        ],
        "hits": [{"rule": hit.rule, "parameters": len(hit.positions)} for hit in mask.hits],
        "norms_held": list(mask.norms_held),
        "dropout_off": list(mask.dropout_off),
        "phases": list(spec.epochs),
        "shortest_rules": str(shortest_rules(mask)),
        "findings": [asdict(finding) for finding in review(tree, mask, spec=spec, source=read_source(options))],
    }


def show_mask(document: dict) -> str:
    rows = [(p["name"], f"{p['numel']:,}", str(p["trainable"])) for p in document["parameters"]]
    head, rule, *lines = table(["name", "numel", "requires_grad"], rows, right=[1]).split("\n")
    trains = [p["trainable"] for p in document["parameters"]]
    share = share_text(document["trainable"], document["total"])
    return "\n".join(
        [
            head,
            rule,
            *(painted(line, "green" if trainable else None) for line, trainable in zip(lines, trains, strict=True)),
            "",
            f"{document['trainable']:,} of {document['total']:,} train ({share})",
            *(f"{hit['rule']}: {hit['parameters']} parameters" for hit in document["hits"]),
            f"shortest rules: {document['shortest_rules'] or '(none: as the author set it)'}",
            *map(_finding, document["findings"]),
        ]
    )


def _layer(layer: Layer) -> dict:
    counts = {"parameters": layer.parameters, "own_parameters": layer.own_parameters}
    return {"path": layer.path, "class": layer.type, "kind": layer.kind, **counts}


def _parameter(parameter: Parameter) -> dict:
    return {**asdict(parameter), "numel": parameter.numel}


def _tower(tower: dict) -> str:
    blocks = tower["blocks"]
    before = ", ".join([*tower["embeddings"], *tower["stem"]]) or "nothing"
    span = f": {blocks[0]} … {blocks[-1]}" if blocks else ""
    return f"{tower['name']}: {before} before {len(blocks)} blocks{span}"


def _finding(finding: dict) -> str:
    severity = painted(f"{finding['severity']}:", SEVERITIES.get(finding["severity"]))
    return f"{severity} {finding['message']}" + (f" Mend it: {finding['fix']}" if finding["fix"] else "")


def _depth(path: str) -> int:
    return path.count(".") + 1 if path else 0
