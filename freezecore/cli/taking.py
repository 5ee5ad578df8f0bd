"""`export`, `import` and `check`: taking a selection away, bringing one back, and seeing that it still holds."""

from __future__ import annotations

from argparse import Namespace

from freezecore._export import TARGETS, export
from freezecore._resolve import resolve
from freezecore.api import read_tree
from freezecore.cli.arguments import (
    add_rules,
    add_source,
    command,
    read_bytes,
    read_layers,
    read_source,
    read_spec,
    read_text,
)
from freezecore.cli.colour import painted
from freezecore.errors import RuleError
from freezecore.saved_spec import SavedSpec, carry, load_spec
from freezecore.tree import LayerTree

OPTIONS = ("learning_rate", "head_learning_rate", "layer_decay")


def add(commands) -> None:
    """Put the three commands on the command line."""
    example = 'timm:resnet18 --rules "freeze all; train head" --to pytorch'
    out = command(commands, "export", example, gather_export, show_export)
    add_source(out)
    add_rules(out)
    out.add_argument("--to", default="pytorch", metavar="TARGET", help=", ".join(TARGETS))
    for name in OPTIONS:
        out.add_argument(f"--{name.replace('_', '-')}", type=float, metavar="X")
    back = command(commands, "import", "names.txt --source timm:resnet18", gather_import, show_import)
    back.add_argument("file", metavar="FILE")
    add_source(back, "--source")
    check = command(commands, "check", "spec.yaml", gather_check, show_check)
    check.add_argument("spec", metavar="SPEC")


def gather_export(options: Namespace) -> dict:
    source, spec = read_source(options), read_spec(options)
    extra = {name: getattr(options, name) for name in OPTIONS}
    return {"target": options.to, "code": export(source, spec, options.to, tree=read_layers(options), **extra)}


def show_export(document: dict) -> str:
    return document["code"].rstrip("\n")


def gather_import(options: Namespace) -> dict:
    from freezecore.importing import import_rules

    return import_rules(read_bytes(options.file), read_layers(options)).to_json()


def show_import(document: dict) -> str:
    unread = [f"line {one['line']} is not read: {one['text']} ({one['why']})" for one in document["unread"]]
    return "\n".join([document["rules"] or "(nothing could be read)", *_differences(document), *unread])


def gather_check(options: Namespace) -> dict:
    saved = load_spec(read_text(options.spec))
    tree = read_tree(saved.model_source)
    carried = carry(saved, tree)
    changed = _changed(saved, tree, dict(carried.mapped))
    return {
        "same": carried.same and not changed,
        "missing": list(carried.missing),
        "new": list(carried.new),
        "changed": changed,
        "reason": carried.reason,
    }


def _changed(saved: SavedSpec, tree: LayerTree, now_called: dict[str, str]) -> list[str]:
    """Parameters to which the saved rules do something else today, by today's names."""
    try:
        masks = [resolve(saved.spec, tree, epoch) for epoch in saved.spec.epochs]
    except RuleError:
        return []  # a rule hits nothing any more: the reason says so
    there = [(now_called.get(parameter.names[0]), parameter.trains) for parameter in saved.parameters]
    return [name for name, trains in there if name and trains != tuple(mask[name] for mask in masks)]


def show_check(document: dict) -> str:
    verdict = painted("the same set", "green") if document["same"] else painted("not the same set", "red")
    return "\n".join([verdict, *filter(None, [document["reason"]]), *_differences(document)])


def _differences(document: dict) -> list[str]:
    return [f"{key}: {name}" for key in ("missing", "new", "changed") for name in document.get(key, [])]
