"""What makes a model's prediction, and what it looks its inputs up in, as far as the libraries' own accessors tell."""

from __future__ import annotations

from torch import nn

from freezecore.live.structure_view import Node, View


def hinted_head(seen: View) -> list[str] | None:
    """Paths of the head by the library's accessors; None for a module that has no such accessor.

    timm names its classifier. A Hugging Face model keeps its base apart: what lies beside the base is the head, and
    so is what it says its outputs are looked up in.
    """
    model = seen.root.module
    if callable(getattr(model, "get_classifier", None)):
        return _timm_head(seen, model)
    if hasattr(model, "base_model_prefix") and callable(getattr(model, "get_output_embeddings", None)):
        return _transformers_head(seen, model)
    return None


def input_embeddings(seen: View) -> list[Node]:
    """Modules that a Hugging Face model, or a tower of one, calls its input embeddings."""
    found = []
    for node in seen.nodes.values():
        if not hasattr(node.module, "base_model_prefix"):
            continue
        try:
            embedding = node.module.get_input_embeddings()
        except (NotImplementedError, AttributeError, TypeError):
            continue
        if isinstance(embedding, nn.Module) and id(embedding) in seen.node_of:
            found.append(seen.node_of[id(embedding)])
    return list(dict.fromkeys(found))


def _timm_head(seen: View, model: nn.Module) -> list[str] | None:
    try:
        classifier = model.get_classifier()
    except (NotImplementedError, AttributeError):
        return None
    parts = classifier if isinstance(classifier, tuple | list | nn.ModuleList) else (classifier,)
    nodes = [seen.node_of[id(part)] for part in parts if isinstance(part, nn.Module) and id(part) in seen.node_of]
    return [node.path for node in nodes if node.numel]


def _transformers_head(seen: View, model: nn.Module) -> list[str] | None:
    base = getattr(model, model.base_model_prefix, None) if model.base_model_prefix else None
    found = []
    if isinstance(base, nn.Module) and base is not model and id(base) in seen.node_of:
        around = seen.node_of[id(base)]
        beside = [child for child in seen.root.bearing if child is not around and not around.contains(child.path)]
        found = [child.path for child in beside] + seen.root.own
    try:
        output = model.get_output_embeddings()
    except (NotImplementedError, AttributeError):
        output = None
    if isinstance(output, nn.Module) and id(output) in seen.node_of:
        path = seen.node_of[id(output)].path
        if not any(seen.nodes[p].contains(path) for p in found if p in seen.nodes):
            found.append(path)
    return found
