"""Target `spec`: this project's own YAML, which `check`, `import` and the page read back by `load_spec`."""

from __future__ import annotations

from freezecore._export.jinja import render
from freezecore._resolve import resolve_phases
from freezecore.cache import uploads
from freezecore.rules.grammar import print_spec
from freezecore.saved_spec.saved import FORMAT
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from freezecore.tree import LayerTree


def save_spec(spec: FreezeSpec, tree: LayerTree, source: ModelSource | None = None) -> str:
    """The spec as YAML; with its source, its options travel too.

    Raises:
        RuleError: a rule hits nothing in this tree.
    """
    names = [" = ".join(parameter.names) for parameter in tree.parameters]
    shapes = ["x".join(map(str, parameter.shape)) or "scalar" for parameter in tree.parameters]
    phases = (["ft"[trains] for trains in mask.trains] for mask in resolve_phases(spec, tree).values())
    return render(
        "spec.yaml.jinja",
        format=FORMAT,
        tree=tree,
        named=uploads.as_given(tree.source),
        source=source,
        rules=print_spec(spec, "\n").splitlines(),
        parameters=zip(names, shapes, map("".join, zip(*phases, strict=True)), strict=True),
    )
