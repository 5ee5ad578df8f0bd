"""What a model's author froze, told apart from what a person froze since: the class is built anew, without weights."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Iterator

import torch
from torch import nn

_known: weakref.WeakKeyDictionary[nn.Module, frozenset[str]] = weakref.WeakKeyDictionary()


def author_frozen(model: nn.Module) -> frozenset[str]:
    """Names that are frozen in a new model of the same class and configuration, such as Whisper's positions.

    timm's and transformers' models are built anew on the meta device, wherever they stand inside a person's own.
    Whatever is frozen elsewhere was frozen by the person whose model it is.
    """
    if model not in _known:
        here = {name for name, _ in model.named_parameters()}
        anew = {f"{path}.{name}".lstrip(".") for path, part in _library_models(model) for name in _frozen_anew(part)}
        _known[model] = frozenset(here & anew)
    return _known[model]


def _library_models(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The outermost modules that timm or transformers can build again, with their paths."""
    found: list[str] = []
    for path, module in model.named_modules():  # each once, also where one contains itself
        if not any(path.startswith(f"{outer}.") or not outer for outer in found) and _builder(module) is not None:
            found.append(path)
            yield path, module


def _builder(model: nn.Module):
    """How to build a new model like this one; None where no library knows."""
    transformers, timm = sys.modules.get("transformers"), sys.modules.get("timm")  # else no model of theirs is here
    if transformers is not None and isinstance(model, transformers.PreTrainedModel):
        return lambda: type(model)(model.config)
    name = (getattr(model, "pretrained_cfg", None) or {}).get("architecture")
    if timm is not None and name and type(model).__module__.startswith("timm.") and timm.is_model(name):
        return lambda: timm.create_model(name)
    return None


def _frozen_anew(model: nn.Module) -> list[str]:
    build = _builder(model)
    try:
        with torch.device("meta"):
            return [name for name, parameter in build().named_parameters() if not parameter.requires_grad]
    except Exception:  # a subclass that wants arguments nobody knows: then it is the person's own
        return []
