"""`mask`: what a selection means for every parameter."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import asdict

from freezecore._resolve import resolve
from freezecore._review import review
from freezecore.cli.arguments import add_rules, add_source, read_layers, read_source, read_spec
from freezecore.cli.output import Style, painted
from freezecore.report import share_text, table
from freezecore.rules.shortest import shortest_rules

EXAMPLE = 'timm:resnet18 --rules "freeze contains:layer1.0."'
SEVERITIES: dict[str, Style] = {"error": "red", "warning": "yellow"}


def add_arguments(to: ArgumentParser) -> None:
    add_source(to)
    add_rules(to)


def gather(options: Namespace) -> dict:
    tree, spec = read_layers(options), read_spec(options)
    mask = resolve(spec, tree, epoch=options.epoch or 0)
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


def show(document: dict) -> str:
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
            *map(finding_text, document["findings"]),
        ]
    )


def finding_text(finding: dict) -> str:
    """What is wrong with a selection, and what mends it."""
    severity = painted(f"{finding['severity']}:", SEVERITIES.get(finding["severity"]))
    return f"{severity} {finding['message']}" + (f" Mend it: {finding['fix']}" if finding["fix"] else "")
