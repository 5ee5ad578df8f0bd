"""Build the module that a ModelSource names: shapes alone on the meta device, or random or pretrained weights."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from freezecore import model_file
from freezecore.cache import trees
from freezecore.errors import FreezeError, SourceError, shortened, told_if_missing
from freezecore.runtime import OLDEST, require_tested
from freezecore.runtime.build.built import Built, device_for
from freezecore.source import ModelSource
from freezecore.tree import LayerTree

MOST_TENSORS = 200_000  # the largest mixture of experts in transformers has some 60,000 when its experts are separate
MOST_SCALARS = 20 * 10**12


def build(source: ModelSource, *, allow_python: bool = True) -> Built:
    """Build what the source names.

    Args:
        allow_python: whether a `py:` source may run code of this machine's user; a server says no.

    Raises:
        SourceError: there is no such model, it cannot be built, or its weights cannot be had.
        MissingLibrary: a library is older than any that was tested.
    """
    if source.scheme != "py":
        require_tested(OLDEST)
    with _within_limits(source), _told(source):
        built = _build(source, allow_python)
        if source.adapter:
            from freezecore.runtime.build.adapter import adapted

            built = adapted(built, _base_tree(source.base, allow_python), source.adapter)
    built.model.train()
    return built


def meta(source: ModelSource, *, allow_python: bool = True) -> Built:
    """The same model without storage, whatever weights the source asks for."""
    return build(source.with_(weights="none"), allow_python=allow_python)


def _base_tree(base: ModelSource, allow_python: bool) -> LayerTree:
    """The tree of the model that adapters join."""
    if (kept := trees.stored(base)) is not None:
        return kept
    from freezecore.runtime.tree.layers import read_module

    built = meta(base, allow_python=allow_python)
    tree = read_module(built.model, str(base), new=built.new, own=True, notes=built.notes)
    trees.keep(base, tree)
    return tree


def _build(source: ModelSource, allow_python: bool) -> Built:
    if source.scheme == "timm":
        from freezecore.runtime.build.timm import build_timm

        return build_timm(source)
    if source.scheme == "torchvision":
        from freezecore.runtime.build.torchvision import build_torchvision

        return build_torchvision(source)
    if source.scheme in ("hf", "config"):
        from freezecore.runtime.build.transformers import build_transformers

        return build_transformers(source)
    if source.scheme == "py":
        return _build_python(source, allow_python)
    model_file.read(source.name)  # tells first what is wrong with the file itself
    raise SourceError(
        "'{source}' holds a model's layers and trace, but no module to build.",
        "Name the model's source, or call the function with the model object.",
        source=source,
    )


def _build_python(source: ModelSource, allow_python: bool) -> Built:
    if not allow_python:
        raise SourceError(
            "'{source}' would run Python code, which is switched off here.",
            "Save the model with fc.save(model, batch, 'model.json') and open file:model.json instead.",
            source=source,
        )
    module_name, colon, function_name = source.name.partition(":")
    module_name = module_name.removesuffix(".py")  # as a file's name is typed
    if not colon:
        raise SourceError("'{source}' names no function.", "Write py:package.module:function.", source=source)
    if (here := os.getcwd()) not in sys.path:  # an installed program's own folder is there in its place
        sys.path.append(here)
    try:
        function = getattr(importlib.import_module(module_name), function_name)
    except (ImportError, AttributeError) as error:
        raise SourceError(
            "'{source}' cannot be imported: {cause}.",
            "Start where the module can be imported, and check both names.",
            source=source,
            cause=shortened(str(error), 160),
        ) from error
    with device_for(source):
        model = function()
    if not isinstance(model, nn.Module):
        raise SourceError(
            "'{source}' returned {kind}, not an nn.Module.",
            "Name a function without arguments that returns the model.",
            source=source,
            kind=type(model).__name__,
        )
    return Built(model, source)


@contextmanager
def _told(source: ModelSource) -> Iterator[None]:
    """Whatever a constructor raises becomes one sentence: it is a library's code, or a person's own, on odd input."""
    try:
        with told_if_missing():
            yield
    except (FreezeError, KeyboardInterrupt):
        raise
    except RecursionError as error:
        raise SourceError(
            "'{source}' could not be built: it is nested too deeply, or contains itself.",
            "Check what it is made of: each part may hold only smaller ones.",
            source=source,
        ) from error
    except (Exception, SystemExit) as error:
        cause = shortened(" ".join(str(error).split()), 200) or "no reason given"
        raise SourceError(
            "'{source}' could not be built ({kind}: {cause}).",
            "The words in brackets are those of the code that builds it: check the value they name.",
            source=source,
            kind=type(error).__name__,
            cause=cause,
        ) from error


@contextmanager
def _within_limits(source: ModelSource) -> Iterator[None]:
    """Stop a constructor that goes on making parameters: a config may ask for any number of them."""
    count = scalars = 0

    def registered(module: nn.Module, name: str, parameter: nn.Parameter | None) -> None:
        nonlocal count, scalars
        if parameter is None:
            return
        count, scalars = count + 1, scalars + parameter.numel()
        if count > MOST_TENSORS or scalars > MOST_SCALARS:
            raise SourceError(
                "'{source}' asks for more than {tensors:,} tensors or {trillions} trillion parameters.",
                "Check the sizes in its config.",
                source=source,
                tensors=MOST_TENSORS,
                trillions=MOST_SCALARS // 10**12,
            )

    hook = register_module_parameter_registration_hook(registered)
    try:
        yield
    finally:
        hook.remove()
