"""Build Hugging Face models by id, folder, model type or config file; code that a model brings never runs unasked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
import transformers
from huggingface_hub import constants
from huggingface_hub.errors import OfflineModeIsEnabled
from transformers import PretrainedConfig
from transformers.dynamic_module_utils import get_class_from_dynamic_module
from transformers.models.auto import modeling_auto

from freezecore import packaged
from freezecore.errors import SourceError
from freezecore.runtime.build.built import Built, check_memory, device_for
from freezecore.runtime.build.config import absent, is_offline, named_class, place_of, read_config, trusts_remote_code
from freezecore.runtime.quiet import hub_quiet
from freezecore.source import ENCODERS, TASKS, ModelSource

CLASSIFIERS = ("sequence-classification", "image-classification", "audio-classification", "token-classification")


def build_transformers(source: ModelSource) -> Built:
    """The model of an `hf:` or `config:` source.

    Raises:
        SourceError: no such model or config, a config out of range, weights that cannot be had, code that would run.
    """
    with _quiet(), _without_network(source):
        place = place_of(source)
        config, notes = read_config(source, place)
        model_class = _class_of_its_own(source, place, config) or _model_class(source, config)
        if model_class.__name__ in ENCODERS:
            config.is_decoder = True  # else it would see the words that it is to predict
        return replace(_built(source, place, config, model_class), notes=notes)


def _built(source: ModelSource, place: str | None, config: PretrainedConfig, model_class) -> Built:
    if source.weights == "pretrained":
        return _pretrained(source, place, config, model_class)
    if source.weights == "none" and place is not None and _has_weights(place):
        return _loaded(source, model_class, place, config, device_map="meta")
    with torch.device("meta"):
        model = model_class._from_config(config)
    if source.weights == "random":
        check_memory(model, source)
        with device_for(source):
            model = model_class._from_config(config)
    return Built(model, source, frozenset(), config)


def _pretrained(source: ModelSource, place: str | None, config: PretrainedConfig, model_class) -> Built:
    if place is None:
        raise SourceError(
            "'{source}' describes a model without weights.",
            "Choose random weights (--weights random), or name a model with hf:.",
            source=source,
        )
    if found := packaged.find(source):
        packaged.weights_file(found)  # compares the digest
    with torch.device("meta"):
        check_memory(model_class._from_config(config), source)
    return _loaded(source, model_class, place, config, device_map=None)


@hub_quiet()
def _loaded(source: ModelSource, model_class, place: str, config: PretrainedConfig, device_map: str | None) -> Built:
    """Load a checkpoint, or on the meta device only compare its names, and keep which names it lacks."""
    try:
        model, told = model_class.from_pretrained(
            place, config=config, device_map=device_map, output_loading_info=True, ignore_mismatched_sizes=True
        )
    except OSError as error:
        raise absent(source, error, packaged.offline_hint(source)) from error
    mismatched = {row[0] for row in told["mismatched_keys"]}
    return Built(model, source, frozenset(told["missing_keys"]) | mismatched, config)


def _has_weights(place: str) -> bool:
    """Whether the names in a checkpoint can be read without a download."""
    if Path(place).is_dir():
        return any(Path(place).glob("*.safetensors"))
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(place, "model.safetensors"), str)


def _class_of_its_own(source: ModelSource, place: str | None, config: PretrainedConfig):
    """The class that the model's repository brings as code, where the owner of this machine lets such code run."""
    own = getattr(config, "auto_map", None) or {}
    if place is None or not trusts_remote_code():
        return None
    wanted = (TASKS[source.task],) if source.task else tuple(name for name in own if name.startswith("AutoModel"))
    named = next((own[name] for name in wanted if name in own), None)
    return get_class_from_dynamic_module(named, place) if named else None


def _model_class(source: ModelSource, config: PretrainedConfig):
    """The class to build: by task, else by number of labels, else the config's own architecture, else the base."""
    kind = type(config)
    if source.task is not None:
        auto = getattr(modeling_auto, TASKS[source.task])
        if not _offers(TASKS[source.task], kind):
            able = [task for task, name in TASKS.items() if _offers(name, kind)]
            raise SourceError(
                "{source} has no model for the task '{task}'.",
                "It has {names}." if able else "Leave the task out.",
                names=", ".join(able),
                source=source.label,
                task=source.task,
            )
        return _concrete(auto, config)
    if source.num_labels is not None:
        for task in CLASSIFIERS:
            if _offers(TASKS[task], kind):
                return _concrete(getattr(modeling_auto, TASKS[task]), config)
        raise SourceError(
            "{source} has no classifier, so it cannot have {count} labels.",
            "Leave the number of labels out, or name a task that the model has.",
            source=source.label,
            count=source.num_labels,
        )
    if named := named_class(config.architectures):
        return named
    for name in ("AutoModel", *(n for n in dir(modeling_auto) if n.startswith("AutoModelFor"))):
        if _offers(name, kind):
            return _concrete(getattr(modeling_auto, name), config)
    raise SourceError(
        "transformers can read the config of {source}, but has no model class for it.",
        "It describes a part of a model: name the whole one.",
        source=source.label,
    )


def _offers(auto_name: str, kind: type) -> bool:
    """Whether an auto class has a model; where two types share a config, asking `in` knows one of them alone."""
    return getattr(getattr(modeling_auto, auto_name), "_model_mapping", {}).get(kind, None) is not None


def _concrete(auto, config: PretrainedConfig):
    """The model class that an auto class stands for; some types list several, of which the config may name one."""
    found = auto._model_mapping[type(config)]
    if not isinstance(found, (list, tuple)):
        return found
    by_name = {each.__name__: each for each in found}
    return next((by_name[name] for name in config.architectures or () if name in by_name), found[0])


@contextmanager
def _without_network(source: ModelSource) -> Iterator[None]:
    """A `config:` source never asks the network, though some configs name another model that holds a part of theirs."""
    known = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = known or source.scheme == "config"
    try:
        yield
    except (OfflineModeIsEnabled, OSError) as error:
        if source.scheme != "config" or not is_offline(error):
            raise
        raise SourceError(
            "The config of '{source}' names another model of the Hugging Face Hub, which is not asked for it.",
            "Write that model's own config into it, as 'backbone_config', and leave 'backbone' out.",
            source=source,
        ) from error
    finally:
        constants.HF_HUB_OFFLINE = known


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library's progress bars and load reports off the terminal; what they say is in the result."""
    log = transformers.utils.logging
    level, bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        yield
    finally:
        log.set_verbosity(level)
        if bars:
            log.enable_progress_bar()
