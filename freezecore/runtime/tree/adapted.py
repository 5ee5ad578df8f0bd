"""The tree of a model with adapters: that of its base, with each adapter below the module that it adapts."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import cast

from torch import nn

from freezecore.cache.keys import versions_of
from freezecore.runtime.tree.marks import ADAPTER, bases_of, drops
from freezecore.runtime.tree.module_tree import ModuleNode, ModuleTree, module_tree
from freezecore.source import ModelSource
from freezecore.tree import Layer, LayerTree, Parameter


def adapted_tree(model: nn.Module, base: LayerTree, source: ModelSource) -> LayerTree:
    """The layer tree of a model that `freezecore.runtime.build.adapter` put adapters into.

    What is known of the base holds still; an adapter is in the place of what it adapts, and runs as often.
    """
    seen = module_tree(model)
    known = {p.name: p for p in base.parameters}
    parameters = (known[name] if name in known else _adapter(seen, name, base) for name in seen.tensors)
    return replace(
        base,
        source=str(source),
        layers=tuple(_layer(seen, node, base) for node in seen.nodes.values()),
        parameters=tuple(parameters),
        versions=versions_of(source),
    )


def _adapter(seen: ModuleTree, name: str, base: LayerTree) -> Parameter:
    tensor = seen.tensors[name]
    adapts = [base.parameters[i] for i in base.under(_joined_at(name))]
    return Parameter(
        name=name,
        owner=seen.owner[name].path,
        shape=tuple(tensor.shape),
        dtype=str(tensor.dtype).removeprefix("torch."),
        kind=adapts[0].kind if adapts else "other",
        used=adapts[0].used if adapts else None,
        adapter=True,
    )


def _layer(seen: ModuleTree, node: ModuleNode, base: LayerTree) -> Layer:
    own = sum(seen.tensors[name].numel() for name in node.own)
    if node.path in base.layer_at:
        return replace(base.layer_at[node.path], parameters=node.numel, own_parameters=own)
    around = base.layer_at.get(_joined_at(node.path), Layer("", ""))
    kind = cast(Hashable, type(node.module))
    return Layer(
        path=node.path,
        type=node.type,
        kind=around.kind,
        parameters=node.numel,
        own_parameters=own,
        drops=drops(node.module),
        uses=around.uses,
        bases=bases_of(kind),
    )


def _joined_at(path: str) -> str:
    """Path of the module that an adapter's module or parameter belongs to."""
    return ADAPTER.split(f"{path}.")[0].removesuffix(".base_layer").rstrip(".")
