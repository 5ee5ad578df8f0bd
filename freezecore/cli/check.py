"""`check`: whether a saved spec, or lock, still gives the same set."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import replace

from freezecore._resolve import resolve_phases
from freezecore.api import read_tree
from freezecore.cli.arguments import add_leave, read_text, with_leave
from freezecore.cli.output import differences, lines, painted
from freezecore.errors import RuleError
from freezecore.saved_spec import SavedSpec, carry, load_spec
from freezecore.tree import LayerTree

EXAMPLE = "spec.yaml"


def add_arguments(to: ArgumentParser) -> None:
    to.add_argument("spec", metavar="SPEC", help="a file that lock or export --to spec wrote")
    to.add_argument("--source", metavar="SOURCE", help="the model to hold it against (default: the one it names)")
    add_leave(to)


def gather(options: Namespace) -> dict:
    locked = load_spec(read_text(options.spec))
    saved = replace(locked, source=options.source) if options.source else locked
    tree = read_tree(with_leave(saved.model_source, options))
    carried = carry(saved, tree)
    changed = _changed(saved, tree, dict(carried.mapped))
    return {
        "same": carried.same and not changed,
        "missing": list(carried.missing),
        "new": list(carried.new),
        "changed": changed,
        "renamed": [f"{was} → {now}" for was, now in carried.mapped if was != now],
        "reshaped": _reshaped(saved, tree, dict(carried.mapped)),
        "reason": carried.reason,
        "locked_for": locked.source,
        "held_against": saved.source,
        "versions": _versions(saved, tree),
    }


def show(document: dict) -> str:
    verdict = painted("the same set", "green") if document["same"] else painted("not the same set", "red")
    models = f"saved for {document['locked_for']}, held against {document['held_against']}"
    other_model = not document["same"] and document["locked_for"] not in ("", document["held_against"])
    return lines(
        verdict, document["reason"], models if other_model else "", *differences(document), *document["versions"]
    )


def _versions(saved: SavedSpec, tree: LayerTree) -> list[str]:
    """Libraries that were of another version then; that alone makes no other set."""
    now = tree.versions
    return [f"{name}: {was} then, {now[name]} now" for name, was in saved.versions.items() if now.get(name, was) != was]


def _changed(saved: SavedSpec, tree: LayerTree, now_called: dict[str, str]) -> list[str]:
    """Parameters to which the saved rules do something else today, by today's names."""
    try:
        masks = resolve_phases(saved.spec, tree).values()
    except RuleError:
        return []  # a rule hits nothing any more: the reason says so
    there = [(now_called.get(parameter.names[0]), parameter.trains) for parameter in saved.parameters]
    return [name for name, trains in there if name and trains != tuple(mask[name] for mask in masks)]


def _reshaped(saved: SavedSpec, tree: LayerTree, now_called: dict[str, str]) -> list[str]:
    """Parameters whose shape is another today, with both shapes."""
    there = [(now_called.get(parameter.names[0]), parameter.shape) for parameter in saved.parameters]
    pairs = [(name, shape, tree.parameters[tree.index[name]].shape) for name, shape in there if name]
    return [f"{name}: {'x'.join(map(str, was))} → {'x'.join(map(str, now))}" for name, was, now in pairs if was != now]
