"""Build torchvision's models by name: classification, segmentation, detection and video.

torchvision builds other modules where no weights are asked for: a Faster R-CNN gets batch norms that train instead of
frozen ones, and all of its backbone trains; a DeepLab lacks its auxiliary head. So a model is built as it is with its
weights, also where only its shapes are wanted and no file is read. The tag behind the dot says which weights: a name of
the model's own enum (`resnet50.IMAGENET1K_V2`), one of its backbone's (`fasterrcnn_resnet50_fpn.IMAGENET1K_V1`, with a
new neck and head), or `random`, which asks torchvision for none.

How much of a detector's backbone trains is an argument of its function, `trainable_backbone_layers`: here all of it
does, and rules decide (`freezecore.trainable_layers` has what each number means).
"""

from __future__ import annotations

import inspect
import typing
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any
from unittest import mock

from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_buffer_registration_hook,
    register_module_parameter_registration_hook,
)
from torchvision.models import WeightsEnum, get_model_builder, list_models

from freezecore.errors import SourceError, did_you_mean, shortened
from freezecore.runtime.build.built import Built, check_memory
from freezecore.source import RANDOM, ModelSource

Builder = Callable[..., nn.Module]
LAYERS, MOBILENET_LAYERS = 5, 6  # of a backbone, for `trainable_backbone_layers`


def build_torchvision(source: ModelSource) -> Built:
    """The model with `source.num_labels` classes, or its own number; a detector counts the background as one.

    Raises:
        SourceError: torchvision has no such model or weights, or the weights cannot be had.
    """
    name, _, tag = source.name.partition(".")
    if name not in list_models():
        raise SourceError(
            "torchvision has no model called '{name}'.",
            did_you_mean(name, list_models()) or "Search the names with: freezecore models WORD",
            name=shortened(name),
        )
    builder = get_model_builder(name)
    options = _weights(source, builder, tag)
    with _quiet(), _without_storage(), _without_files():
        model, new = _built(builder, options, source)
    if source.weights == "none":
        return Built(model, source, new)
    check_memory(model, source)
    with _quiet(), nullcontext() if source.weights == "pretrained" else _without_files():
        try:
            model, new = _built(builder, options, source)
        except OSError as error:
            raise SourceError(
                "The pretrained weights of {source} are not available here ({kind}: {cause}).",
                "Without a network, choose random weights.",
                source=source,
                kind=type(error).__name__,
                cause=shortened(" ".join(str(error).split()), 120),
            ) from error
    return Built(model, source, new)


def _weights(source: ModelSource, builder: Builder, tag: str) -> dict[str, Any]:
    """The builder's arguments about weights."""
    parameters = inspect.signature(builder).parameters
    enums = {name: _enum(builder, name) for name in ("weights", "weights_backbone") if name in parameters}
    none: dict[str, Any] = dict.fromkeys(enums)
    if tag == RANDOM:
        if source.weights == "pretrained":
            raise SourceError("'{source}' names no weights.", "Leave .random out.", source=source)
        return none
    for name, enum in enums.items():
        if not tag or tag in enum.__members__:
            whole = MOBILENET_LAYERS if "mobilenet" in source.name else LAYERS
            layers = {"trainable_backbone_layers": whole} if "trainable_backbone_layers" in parameters else {}
            return none | {name: enum[tag or "DEFAULT"]} | layers
    known = [member for enum in enums.values() for member in enum.__members__]
    raise SourceError(
        "torchvision has no weights called '{tag}' for {name}.",
        did_you_mean(tag, known) or "It has {names}.",
        names=", ".join(known),
        tag=shortened(tag),
        name=source.name.partition(".")[0],
    )


def _enum(builder: Builder, argument: str) -> type[WeightsEnum]:
    """The enum of a builder's weights; of a model that can be quantized, that of the weights as they were trained."""
    found = typing.get_args(typing.get_type_hints(inspect.unwrap(builder))[argument])
    enums = [each for each in found if inspect.isclass(each) and issubclass(each, WeightsEnum)]
    return next(each for each in enums if "Quantized" not in each.__name__)


def _built(builder: Builder, options: dict[str, Any], source: ModelSource) -> tuple[nn.Module, frozenset[str]]:
    """The model, and the names that its weights do not have."""
    labels = {} if source.num_labels is None else {"num_classes": source.num_labels}
    if options["weights"] is None:
        model = _called(builder, options | labels, source)
        backbone = options.get("weights_backbone") is not None
        new = (name for name, _ in model.named_parameters() if not name.startswith("backbone."))
        return model, frozenset(new) if backbone else frozenset()
    model = builder(**options)
    if not labels:
        return model, frozenset()
    with _without_files():
        extra = {"aux_loss": True} if getattr(model, "aux_classifier", None) is not None else {}
        other = _called(builder, dict.fromkeys(options) | labels | extra, source)
    return model, _with_head_of(model, other)


def _called(builder: Builder, options: dict[str, Any], source: ModelSource) -> nn.Module:
    try:
        return builder(**options)
    except TypeError as error:
        if "num_classes" not in options or "num_classes" not in str(error):
            raise
        raise SourceError(
            "{source} has no classifier, so it cannot have {count} labels.",
            "Leave the number of labels out, or name a task that the model has.",
            source=source.label,
            count=source.num_labels,
        ) from error


def _with_head_of(model: nn.Module, other: nn.Module) -> frozenset[str]:
    """Put into a model what differs in another of the same architecture with another number of classes: the layers
    that have a row for each class, and the numbers that the modules around them keep of it."""
    new: list[str] = []
    theirs = dict(other.named_modules())
    for path, module in list(model.named_modules()):
        twin = theirs.get(path)
        if twin is None:
            continue
        shapes = {name: tensor.shape for name, tensor in module.named_parameters(recurse=False)}
        if shapes and shapes != {name: tensor.shape for name, tensor in twin.named_parameters(recurse=False)}:
            if shapes.keys() == dict(twin.named_parameters(recurse=False)).keys():  # no frozen norm for a norm
                model.set_submodule(path, twin)
                new += [f"{path}.{name}" for name in shapes]
        elif not shapes:
            for name, value in vars(twin).items():
                if type(value) is int and type(vars(module).get(name)) is int:
                    setattr(module, name, value)
    return frozenset(new)


@contextmanager
def _without_files() -> Iterator[None]:
    """Build as with weights, and leave them as they were drawn."""
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(WeightsEnum, "get_state_dict", lambda *args, **kwargs: {}))
        stack.enter_context(mock.patch.object(nn.Module, "load_state_dict", lambda *args, **kwargs: None))
        yield


@contextmanager
def _without_storage() -> Iterator[None]:
    """Let go of each parameter and buffer as it is made.

    `torch.device("meta")` would do for most; but a RegNet computes its widths with tensors, which need values.
    """

    def parameter(module: nn.Module, name: str, made: nn.Parameter | None) -> nn.Parameter | None:
        return None if made is None else nn.Parameter(made.to("meta"), requires_grad=made.requires_grad)

    def buffer(module: nn.Module, name: str, made: Tensor | None) -> Tensor | None:
        return None if made is None else made.to("meta")

    on_parameter: Any = register_module_parameter_registration_hook  # typed for hooks that replace nothing
    on_buffer: Any = register_module_buffer_registration_hook
    hooks = [on_parameter(parameter), on_buffer(buffer)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def _quiet() -> Iterator[None]:
    """torchvision warns of its own defaults, and torch of initialising what has no storage."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def listed() -> list[tuple[str, str]]:
    """Names of all its models, each with the module that defines it."""
    return [(name, get_model_builder(name).__module__.rpartition(".")[2]) for name in list_models()]
