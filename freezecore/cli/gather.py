"""What each command answers, as one JSON document of the documented fields; unknown is null."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

import freezecore as fc
from freezecore.errors import RuleError, SourceError, shortened
from freezecore.mask import Mask
from freezecore.report import bytes_from_text
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from freezecore.tree import LayerTree


def models(options: Namespace) -> dict:
    from freezecore.live.library import names

    return {"models": [asdict(model) for model in names(options.word)]}


def tree(options: Namespace) -> dict:
    tree = _tree(options)
    return {
        "source": tree.source,
        "fingerprint": tree.fingerprint,
        "total": tree.total,
        "order": tree.order,
        "layers": [
            {
                "path": layer.path,
                "class": layer.type,
                "kind": layer.kind,
                "parameters": layer.parameters,
                "own_parameters": layer.own_parameters,
            }
            for layer in tree.layers
        ],
        "parameters": [_parameter(p) for p in tree.parameters],
        "towers": [asdict(tower) for tower in tree.towers],
        "head": list(tree.head),
        "notes": list(tree.notes),
    }


def mask(options: Namespace) -> dict:
    tree, spec = _tree(options), _spec(options)
    mask = fc.resolve(spec, tree, epoch=options.epoch or 0)
    findings = fc.review(tree, mask, spec=spec, source=_source(options))
    return {
        "source": tree.source,
        "rules": str(spec),
        "total": tree.total,
        "trainable": mask.trainable,
        "frozen": mask.frozen,
        "parameters": [
            {
                "name": p.name,
                "numel": p.numel,
                "trainable": trains,
                "kind": p.kind,
                "aliases": list(p.aliases),
            }
            for p, trains in zip(tree.parameters, mask.trains, strict=True)
        ],
        "hits": [{"rule": hit.rule, "parameters": len(hit.positions)} for hit in mask.hits],
        "norms_held": list(mask.norms_held),
        "dropout_off": list(mask.dropout_off),
        "phases": list(spec.epochs),
        "shortest_rules": str(fc.shortest_rules(mask)),
        "findings": [asdict(finding) for finding in findings],
    }


def probe(options: Namespace) -> dict:
    steps = options.steps or (60 if options.seconds is None else 100_000)
    request = fc.ProbeRequest(
        source=_source(options, trains=True),
        spec=_spec(options).at_epoch(options.epoch or 0),
        data=options.data or "shapes",
        steps=steps,
        seconds=options.seconds,
        batch_size=options.batch_size,
        seed=options.seed,
        learning_rate=options.learning_rate,
        head_learning_rate=options.head_learning_rate,
        cache=not options.no_cache,
        device=options.device,
    )
    return fc.run_probe(request, _emit(options)).to_json()


def export(options: Namespace) -> dict:
    source, spec = _source(options), _spec(options)
    return {"target": options.to, "code": fc.export(source, spec, to=options.to, tree=_tree(options))}


def import_(options: Namespace) -> dict:
    from freezecore.importing import import_rules

    return import_rules(_text(options.file), _tree(options)).to_json()


def check(options: Namespace) -> dict:
    from freezecore.travel import carry, load_spec

    saved = load_spec(_text(options.spec))
    carried = carry(saved, fc.read_tree(saved.source))
    return {"same": carried.same, "missing": list(carried.missing), "new": list(carried.new)}


def _parameter(parameter) -> dict:
    return {**asdict(parameter), "numel": parameter.numel}


def _source(options: Namespace, trains: bool = False) -> ModelSource:
    source = ModelSource.parse(
        options.source,
        weights=options.weights or ("pretrained" if trains else "none"),
        task=options.task,
        num_labels=options.num_labels,
    )
    if source.scheme == "py" and not options.allow_python:
        raise SourceError(f"'{shortened(str(source))}' runs Python code of yours.", "Allow it with --allow-python.")
    return source


def _tree(options: Namespace) -> LayerTree:
    return fc.read_tree(_source(options))


def _spec(options: Namespace) -> FreezeSpec:
    if options.spec:
        from freezecore.travel import load_spec

        return load_spec(_text(options.spec)).spec
    text = options.rules or ""
    return FreezeSpec.parse(_text(text[1:]) if text.startswith("@") else text)


def _mask(options: Namespace, tree: LayerTree) -> Mask:
    return fc.resolve(_spec(options), tree, epoch=options.epoch or 0)


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise RuleError(f"'{shortened(path)}' cannot be read as text.", "Check the path.") from error


def _budget(text: str | None) -> int | None:
    return bytes_from_text(text) if text else None


def _emit(options: Namespace):
    """Print events as JSON lines; without `--json`, a line of progress on standard error."""
    if options.json:
        return lambda event: print(json.dumps(event, ensure_ascii=False), flush=True)

    def progress(event: dict) -> None:
        if event.get("event") == "step":
            print(f"\rstep {event['step']}  loss {event['loss']:.4f}", end="", file=sys.stderr, flush=True)

    return progress
