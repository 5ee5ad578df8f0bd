"""`lock`: the selection with every name that it meant, as a file that `check` holds a later model against."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path

from freezecore._export import save_spec
from freezecore.cache import whole_file
from freezecore.cli.arguments import add_source, read_layers, read_source, read_spec
from freezecore.errors import ExportError, shortened

EXAMPLE = 'timm:resnet18 "freeze all; train head" --out freeze.yaml'


def add_arguments(to: ArgumentParser) -> None:
    add_source(to)
    to.add_argument("rules", metavar="RULES", help='such as "freeze all; train head"; @FILE reads a file')
    to.add_argument("--out", metavar="FILE", help="write it here, and say so")
    to.set_defaults(spec=None, epoch=None)


def gather(options: Namespace) -> dict:
    """The lock's text; it is what `export --to spec` writes.

    Raises:
        ExportError: the file cannot be written.
    """
    source, tree, spec = read_source(options), read_layers(options), read_spec(options)
    if source.scheme == "file":  # whose tree is called by the model's class
        tree = replace(tree, source=str(source))
    text = save_spec(spec, tree, source)
    if options.out:
        try:
            whole_file.write(Path(options.out), text.encode())
        except OSError as error:
            raise ExportError(
                "'{file}' cannot be written ({cause}).", "Check its folder.", file=shortened(options.out),
                cause=error.strerror,
            ) from error  # fmt: skip
    return {"file": options.out, "parameters": len(tree.parameters), "lock": text}


def show(document: dict) -> str:
    if document["file"] is None:
        return document["lock"].rstrip("\n")
    told = f"{document['parameters']:,} parameters; freezecore check {document['file']} holds a later model against it"
    return f"{document['file']}: {told}"
