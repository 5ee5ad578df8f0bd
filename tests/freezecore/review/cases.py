"""Reviewing rules on a sample tree."""

from dataclasses import replace

from freezecore._resolve import resolve
from freezecore._review import Finding, mended, review
from freezecore.rules.grammar import parse_spec
from freezecore.tree import LayerTree
from tests.freezecore.samples import load


def reviewed(model: str | LayerTree, rules: str, **more) -> dict[str, Finding]:
    """Findings by code; the last of each code."""
    tree = load(model) if isinstance(model, str) else model
    spec = parse_spec(rules)
    return {finding.code: finding for finding in review(tree, resolve(spec, tree), spec=spec, **more)}


def mends(model: str | LayerTree, rules: str, code: str, **more) -> bool:
    """The finding is there, and its fix takes it away."""
    tree = load(model) if isinstance(model, str) else model
    finding = reviewed(tree, rules, **more)[code]
    return code not in reviewed(tree, str(mended(parse_spec(rules), finding.fix)), **more)


def marked(tree: LayerTree, starts: str, **changes) -> LayerTree:
    """The tree with fields of some parameters changed."""
    parameters = tuple(replace(p, **changes) if p.name.startswith(starts) else p for p in tree.parameters)
    return replace(tree, parameters=parameters)
