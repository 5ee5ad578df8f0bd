"""Build timm architectures, with weights from an installed package, timm's cache or its hub."""

from __future__ import annotations

from typing import Any

import timm
import torch
from timm.models import get_pretrained_cfg, is_model, list_models
from torch import nn

from freezecore import packaged
from freezecore.errors import SourceError, did_you_mean, shortened
from freezecore.runtime.build.built import Built, check_memory
from freezecore.runtime.build.dense import dense
from freezecore.runtime.quiet import hub_quiet
from freezecore.sentences import say
from freezecore.source import ModelSource


def build_timm(source: ModelSource) -> Built:
    """The architecture with `source.num_labels` outputs, or its own number.

    Raises:
        SourceError: timm has no such architecture or tag, or the weights cannot be had.
    """
    if not is_model(source.name):
        architecture = source.name.partition(".")[0]
        raise SourceError(
            "timm has no architecture called '{name}'.",
            did_you_mean(architecture, list_models()) or "Search the names with: freezecore models WORD",
            name=shortened(source.name),
        )
    own = _pretrained_config(source)
    with torch.device("meta"):
        model = _with_head(timm.create_model(source.name, pretrained=False), source)
    if source.weights != "none":
        check_memory(model, source)
        pretrained = source.weights == "pretrained"
        model = _pretrained(source) if pretrained else timm.create_model(source.name, pretrained=False)
        model = _with_head(model, source)
    if source.dense_task is not None:
        model = dense(model, source)
        new = (name for name, _ in model.named_parameters() if not name.startswith("backbone.body."))
        return Built(model, source, frozenset(new), own)
    replaced = own is not None and source.num_labels not in (None, own.num_classes)
    return Built(model, source, _classifier_names(model, own) if replaced else frozenset(), own)


def _pretrained_config(source: ModelSource):
    """timm's record of the architecture's weights; None where it never had any."""
    try:
        return get_pretrained_cfg(source.name, allow_unregistered=True)
    except RuntimeError as error:
        raise SourceError("timm has no weights called '{name}'.", _tags(source), name=shortened(source.name)) from error


def _tags(source: ModelSource) -> str:
    architecture = source.name.partition(".")[0]
    tagged = timm.list_models(f"{architecture}.*", pretrained=True)
    return say("It has {names}.", names=", ".join(tagged[:6])) if tagged else say("Leave out what follows the dot.")


def _with_head(model: Any, source: ModelSource) -> nn.Module:
    """The model with a new head where another number of classes is asked for.

    `create_model(…, num_classes=10)` would start the head as the architecture's own recipe does, which may suit a
    thousand classes: EfficientNet's weights are then ten times as large, and a short run ends 5 to 10 points lower.
    """
    if source.dense_task is None and source.num_labels not in (None, model.num_classes):
        model.reset_classifier(source.num_labels)
    return model


@hub_quiet()
def _pretrained(source: ModelSource) -> nn.Module:
    found = packaged.find(source)
    file = packaged.weights_file(found) if found else None
    if file is not None:
        model = timm.create_model(source.name, pretrained=False)
        _load_by_position(model, torch.load(file, map_location="cpu", weights_only=True), source)
        return model
    try:
        return timm.create_model(source.name, pretrained=True)
    except (OSError, RuntimeError) as error:
        cause = shortened(" ".join(str(error).split()), 120)
        raise SourceError(
            "The pretrained weights of timm:{name} are not available here ({kind}: {cause}).",
            packaged.offline_hint(source),
            name=source.name,
            kind=type(error).__name__,
            cause=cause,
        ) from error


def _load_by_position(model: nn.Module, weights: dict[str, torch.Tensor], source: ModelSource) -> None:
    """Copy weights whose names are another library's: the same tensors in the same order, every shape compared."""
    own = model.state_dict()
    shapes = [tuple(t.shape) for t in own.values()]
    if shapes != [tuple(t.shape) for t in weights.values()]:
        raise SourceError(
            "The packaged weights do not fit timm:{name} of timm {version}.", name=source.name, version=timm.__version__
        )
    model.load_state_dict(dict(zip(own, weights.values(), strict=True)))


def _classifier_names(model: nn.Module, config) -> frozenset[str]:
    """Parameters of the classifier that timm leaves out when the number of classes differs."""
    paths = config.classifier or ()
    paths = (paths,) if isinstance(paths, str) else tuple(paths)
    return frozenset(name for name, _ in model.named_parameters() if name.startswith(tuple(f"{p}." for p in paths)))
