"""`import`: rules read back from a file."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from freezecore.cli.arguments import add_source, read_bytes, read_layers
from freezecore.cli.output import differences

EXAMPLE = "names.txt --source timm:resnet18"


def add_arguments(to: ArgumentParser) -> None:
    to.add_argument("file", metavar="FILE")
    add_source(to, "--source")


def gather(options: Namespace) -> dict:
    from freezecore.importing import import_rules

    return import_rules(read_bytes(options.file), read_layers(options)).to_json()


def show(document: dict) -> str:
    unread = [f"line {one['line']} is not read: {one['text']} ({one['why']})" for one in document["unread"]]
    adapter = [f"adapter: {document['adapter']}"] if document["adapter"] else []
    rules = document["adapted_rules"] or document["rules"] or "(nothing could be read)"
    return "\n".join([rules, *adapter, *differences(document), *unread, *document["notes"]])
