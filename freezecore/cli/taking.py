"""`export`, `import` and `check`: taking a selection away, bringing one back, and seeing that it still holds."""

from __future__ import annotations

from argparse import Namespace

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
from freezecore.export import TARGETS, export
from freezecore.verbs import read_tree

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
    from freezecore.travel import carry, load_spec

    saved = load_spec(read_text(options.spec))
    carried = carry(saved, read_tree(saved.model_source))
    return {"same": carried.same, "missing": list(carried.missing), "new": list(carried.new)}


def show_check(document: dict) -> str:
    return "\n".join(["the same set" if document["same"] else "not the same set", *_differences(document)])


def _differences(document: dict) -> list[str]:
    return [f"{key}: {name}" for key in ("missing", "new") for name in document[key]]
