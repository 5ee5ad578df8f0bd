"""Adapters in a model: PEFT builds them, and the base's parameters keep the names that they have without."""

from __future__ import annotations

import logging
import re
import warnings
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from torch import nn

from freezecore.adapter import Adapter, new_rows, parse_adapters, trained_tokens
from freezecore.adapter_targets import adapter_targets
from freezecore.errors import SourceError, shortened, told_if_missing
from freezecore.runtime.build.built import Built, device_for
from freezecore.runtime.quiet import quiet
from freezecore.sentences import say
from freezecore.tree import LayerTree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

EMPTY = (nn.ModuleDict, nn.ParameterDict)
NAME = "default"  # as PEFT calls an adapter that nobody names


def adapted(built: Built, tree: LayerTree, adapters: str) -> Built:
    """The same model with adapters in it, as PEFT puts them there; what trains of the base is as before.

    Args:
        tree: of the model without adapters.

    Raises:
        MissingLibrary: PEFT is not installed.
        RuleError, SourceError: a target names nothing, or nothing that can be adapted.
    """
    asked = parse_adapters(adapters)
    targets, tokens = adapter_targets(asked, tree), trained_tokens(asked)
    if tokens:
        path, table = _table_of_words(built.model, targets, tree)
        tree = _with_room(built, tokens, path, table.num_embeddings, tree)
    author = {id(p): p.requires_grad for p in built.model.parameters()}
    with _quiet(), device_for(built.source):
        for adapter in dict.fromkeys(targets.values()):
            _inject(built.model, adapter, [path for path, one in targets.items() if one == adapter], tree, tokens)
    _keep_names(built.model)
    for parameter in built.model.parameters():
        parameter.requires_grad_(author.get(id(parameter), True))
    return replace(built, base=tree)


def _table_of_words(model: nn.Module, targets: Mapping[str, Adapter], tree: LayerTree) -> tuple[str, nn.Embedding]:
    """The table that the model itself says takes its words, which is where PEFT looks for rows to train, and its path.

    Raises:
        SourceError: there is none, or an adapter joins it as well.
    """
    _peft()
    from peft.utils.other import _get_input_embeddings_name

    path = _get_input_embeddings_name(model, "embed_tokens") or ""
    table = dict(model.named_modules()).get(path)
    if not isinstance(table, nn.Embedding):
        raise SourceError("{source} has no table of words.", "Leave 'tokens' out.", source=shortened(tree.source))
    tied = (name for one in tree.parameters if f"{path}.weight" in one.names for name in one.names)
    if joined := next((name for name in (each.rpartition(".")[0] for each in tied) if name in targets), None):
        raise SourceError(
            "PEFT joins no matrices to '{name}', of which single rows train.",
            "Leave 'tokens' out, or let the adapter join other layers.",
            name=joined,
        )
    return path, table


def _with_room(built: Built, tokens: list[int], path: str, rows: int, tree: LayerTree) -> LayerTree:
    """The tree once the model's table of so many rows has room for these tokens, of which new ones follow its last.

    Raises:
        SourceError: they leave rows out, or the model's class cannot make its table larger.
    """
    added = new_rows(tokens, rows)
    if added is None:
        raise SourceError(
            "There is no token {token:,}: the table of words '{name}' has rows 0 to {last:,}.",
            "New tokens follow its last row, with none left out: they begin at {first}.",
            token=tokens[-1],
            name=path,
            last=rows - 1,
            first=rows,
        )
    if not added:
        return tree
    model: Any = built.model
    drawn = built.source.weights != "none"  # new rows are drawn around the mean of the others: of values there
    try:
        model.resize_token_embeddings(added.stop, mean_resizing=drawn)
    except (AttributeError, NotImplementedError) as error:
        raise SourceError(
            "{source} cannot make room for new tokens in its table of words.",
            "Name rows that it has: 0 to {last:,}.",
            source=shortened(tree.source),
            last=rows - 1,
        ) from error
    shapes = {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}
    resized = (replace(p, shape=shapes.get(p.name, p.shape)) for p in tree.parameters)
    note = say(
        "The table of words '{name}' is made larger for new tokens, from {rows:,} rows to {most:,}. PEFT saves all of "
        "it beside the adapter, unless told save_embedding_layers=False.",
        name=path,
        rows=rows,
        most=added.stop,
    )
    return replace(tree, parameters=tuple(resized), notes=(*tree.notes, note))


def _inject(model: nn.Module, adapter: Adapter, paths: list[str], tree: LayerTree, tokens: list[int]) -> None:
    peft = _peft()
    tensors = [path for path in paths if path in tree.index]
    modules = "|".join(re.escape(path) for path in paths if path not in tree.index)
    config = peft.LoraConfig(
        r=adapter.r,
        lora_alpha=adapter.alpha,
        lora_dropout=adapter.dropout,
        use_rslora=adapter.rslora,
        use_dora=adapter.dora,
        target_modules=modules or [],
        target_parameters=tensors or None,
        trainable_token_indices=tokens or None,  # in one of several is enough: PEFT puts them in once
    )
    with _as_said():
        peft.inject_adapter_in_model(config, model, NAME)
    peft.tuners.tuners_utils.cast_adapter_dtype(model, NAME)  # as `get_peft_model` does


@contextmanager
def _as_said() -> Iterator[None]:
    """Targets here are of this very model: PEFT would take them for names of an older transformers, whose experts stood
    apart, and makes of whole paths the ends that they have in every block (`freezecore.peft_experts`).
    """
    from peft.utils import transformers_weight_conversion as conversion

    theirs = conversion.convert_peft_config_for_transformers
    conversion.convert_peft_config_for_transformers = lambda *args, **kwargs: None
    try:
        yield
    finally:
        conversion.convert_peft_config_for_transformers = theirs


def _peft() -> Any:
    # PEFT imports bitsandbytes where it is installed, which speaks of kernels
    with told_if_missing(), quiet("bitsandbytes", logging.ERROR):
        import peft
    return peft


def _keep_names(model: nn.Module) -> None:
    """Let the layers that PEFT put around others hold those' parameters under the names that they had.

    `query.base_layer.weight` is `query.weight` again: the layer inside is kept as a plain attribute, as PEFT calls it,
    and its parameters (the same objects) are registered with the layer around it. So rules, optimizers, checkpoints
    and everything else find the base's names, beside `query.lora_A.default.weight`.
    """
    from peft.tuners.tuners_utils import BaseTunerLayer
    from peft.utils import TrainableTokensWrapper

    layers: list[Any] = [module for module in model.modules() if isinstance(module, BaseTunerLayer)]
    for layer in reversed(layers):  # the innermost of several around one first
        inside: Any = layer._modules.get("base_layer")
        if inside is None:
            continue
        held = inside._parameters
        layer._parameters.update(held)
        layer._buffers.update(inside._buffers)
        if isinstance(inside, BaseTunerLayer):
            held.clear()
        else:
            layer._modules.pop("base_layer")
            vars(layer)["base_layer"] = inside
            layer._modules.update({name: child for name, child in inside._modules.items() if child is not None})
    for table in [module for module in model.modules() if isinstance(module, TrainableTokensWrapper)]:
        held = table.token_adapter._parameters
        table._parameters.update(held)
        held.clear()
        table.__class__ = _with_merged_weight(type(table))
    for layer in layers:
        for name in [name for name, held in layer._modules.items() if isinstance(held, EMPTY) and not len(held)]:
            vars(layer)[name] = layer._modules.pop(name)  # PEFT makes room for adapters of every kind


def _with_merged_weight(kind: type) -> type:
    """PEFT's class, whose `weight` is still the table with its trained rows, though a parameter has that name."""
    merged = property(lambda self: self.token_adapter.get_merged_weights(self.token_adapter.active_adapters))
    return type(kind.__name__, (kind,), {"weight": merged, "__module__": kind.__module__})


@contextmanager
def _quiet() -> Iterator[None]:
    """PEFT warns of what it sets itself, such as the orientation of a `Conv1D`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
