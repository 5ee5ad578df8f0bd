"""Small real models and their trees, for tests of exports."""

import torch
from torch import nn

from freezecore.tree import Layer, LayerTree, Parameter


def tree_of(model: nn.Module, source: str) -> LayerTree:
    """A plain tree: names, shapes, and what moves or drops; kinds only for heads."""
    modules = dict(model.named_modules())
    layers = tuple(
        Layer(path, type(m).__name__, moves=hasattr(m, "running_mean"), drops=isinstance(m, nn.Dropout))
        for path, m in modules.items()
    )
    aliases: dict[int, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        aliases.setdefault(id(parameter), []).append(name)
    parameters = tuple(
        Parameter(
            name,
            name.rpartition(".")[0],
            tuple(p.shape),
            kind="head" if name.startswith(("fc.", "head.", "classifier.")) else "other",
            aliases=tuple(alias for alias in aliases[id(p)] if alias != name),
        )
        for name, p in model.named_parameters()
    )
    return LayerTree(source, layers, parameters, head=("fc",))


def timm_tree(name: str) -> LayerTree:
    """The plain tree of a timm architecture, without weights."""
    import timm

    with torch.device("meta"):
        return tree_of(timm.create_model(name), f"timm:{name}")
