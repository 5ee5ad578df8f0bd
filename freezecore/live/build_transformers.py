"""Build Hugging Face models by id, folder, model type or config file; code that a model brings never runs unasked."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
import transformers
from transformers import CONFIG_MAPPING, AutoConfig, PretrainedConfig
from transformers.models.auto import modeling_auto

from freezecore import packaged
from freezecore.errors import SourceError, did_you_mean, shortened
from freezecore.live.build import Built, check_memory, device_for
from freezecore.source import MOST_LABELS, ModelSource

REMOTE_CODE_VARIABLE = "FREEZE_EXPLORER_TRUST_REMOTE_CODE"
LARGEST_CONFIG = 8 * 2**20
MOST_REPEATS = 10_000  # of a layer, by a config's own field; the deepest model in use has some hundreds
REPEATED = re.compile(r"layer|depth|block|stage|expert|head", re.IGNORECASE)
TASK_CLASSES = {
    "base": "AutoModel",
    "sequence-classification": "AutoModelForSequenceClassification",
    "token-classification": "AutoModelForTokenClassification",
    "question-answering": "AutoModelForQuestionAnswering",
    "masked-lm": "AutoModelForMaskedLM",
    "causal-lm": "AutoModelForCausalLM",
    "seq2seq-lm": "AutoModelForSeq2SeqLM",
    "image-classification": "AutoModelForImageClassification",
    "semantic-segmentation": "AutoModelForSemanticSegmentation",
    "object-detection": "AutoModelForObjectDetection",
    "audio-classification": "AutoModelForAudioClassification",
    "ctc": "AutoModelForCTC",
    "speech-seq2seq": "AutoModelForSpeechSeq2Seq",
}
CLASSIFIERS = ("sequence-classification", "image-classification", "audio-classification", "token-classification")


def build_transformers(source: ModelSource) -> Built:
    """The model of an `hf:` or `config:` source.

    Raises:
        SourceError: no such model or config, a config out of range, weights that cannot be had, code that would run.
    """
    with _quiet():
        place = _place(source)
        config = _config(source, place)
        if source.num_labels is not None:
            config.num_labels = source.num_labels
        model_class = _model_class(source, config)
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
            f"'{shortened(str(source))}' describes a model without weights.",
            "Choose random weights (--weights random), or name a model with hf:.",
        )
    if found := packaged.find(source):
        packaged.weights_file(found)  # compares the digest
    with torch.device("meta"):
        check_memory(model_class._from_config(config), source)
    return _loaded(source, model_class, place, config, device_map=None)


def _loaded(source: ModelSource, model_class, place: str, config: PretrainedConfig, device_map: str | None) -> Built:
    """Load a checkpoint, or on the meta device only compare its names, and keep which names it lacks."""
    try:
        model, told = model_class.from_pretrained(
            place, config=config, device_map=device_map, output_loading_info=True, ignore_mismatched_sizes=True
        )
    except OSError as error:
        raise _absent(source, error) from error
    mismatched = {row[0] for row in told["mismatched_keys"]}
    return Built(model, source, frozenset(told["missing_keys"]) | mismatched, config)


def _place(source: ModelSource) -> str | None:
    """What the library's loaders take: a folder or an id; None for a bare config."""
    if source.scheme == "config":
        return None
    if _is_local(source.name):
        folder = Path(source.name).expanduser()
        if not (folder / "config.json").is_file():
            raise SourceError(f"There is no config.json in '{shortened(source.name)}'.", "Name the model's folder.")
        return str(folder)
    found = packaged.find(source)
    folder = packaged.root(found) if found else None
    return str(folder / found.folder) if folder else source.name


def _is_local(name: str) -> bool:
    return name.startswith((".", "/", "~", "\\")) or bool(re.match(r"[A-Za-z]:[\\/]", name))


def _has_weights(place: str) -> bool:
    """Whether the names in a checkpoint can be read without a download."""
    if Path(place).is_dir():
        return any(Path(place).glob("*.safetensors"))
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(place, "model.safetensors"), str)


def _config(source: ModelSource, place: str | None) -> PretrainedConfig:
    if place is not None and not Path(place).is_dir():
        return _hub_config(source, place)
    if place is None and not _is_file(source.name):
        return _default_config(source)
    path = Path(place) if place else Path(source.name).expanduser()
    data = _read_json(path / "config.json" if path.is_dir() else path)
    _check_sizes(data, source)
    kind = data.get("model_type")
    if kind in CONFIG_MAPPING:
        return CONFIG_MAPPING[kind].from_dict(data)
    if not data.get("auto_map"):
        raise SourceError(
            f"The config in '{shortened(source.name)}' names no model type that transformers knows"
            + (f": '{shortened(str(kind))}'." if kind else "."),
            did_you_mean(str(kind), CONFIG_MAPPING) if kind else "A config.json has a field 'model_type'.",
        )
    if not _trusts_remote_code():
        raise _refused_code(source)
    return AutoConfig.from_pretrained(path if path.is_dir() else path.parent, trust_remote_code=True)


def _hub_config(source: ModelSource, place: str) -> PretrainedConfig:
    try:
        config = AutoConfig.from_pretrained(place, trust_remote_code=_trusts_remote_code())
    except OSError as error:
        raise _absent(source, error) from error
    except ValueError as error:
        raise (_refused_code(source) if "trust_remote_code" in str(error) else error) from error
    _check_sizes(config.to_dict(), source)
    return config


def _default_config(source: ModelSource) -> PretrainedConfig:
    for kind in (source.name, source.name.replace("-", "_"), source.name.replace("_", "-")):
        if kind in CONFIG_MAPPING:
            return CONFIG_MAPPING[kind]()
    raise SourceError(
        f"transformers has no model type called '{shortened(source.name)}'.",
        did_you_mean(source.name, CONFIG_MAPPING) or "Search the types with: freezecore models WORD",
    )


def _is_file(name: str) -> bool:
    return _is_local(name) or name.endswith(".json")


def _read_json(path: Path) -> dict:
    try:
        if path.stat().st_size > LARGEST_CONFIG:
            raise SourceError(f"'{shortened(path.name)}' is too large for a config: {path.stat().st_size:,} bytes.")
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceError(f"'{shortened(str(path))}' cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise SourceError(f"'{shortened(path.name)}' is no JSON: {shortened(str(error))}.") from error
    if not isinstance(data, dict):
        raise SourceError(f"'{shortened(path.name)}' is no config: it holds a {type(data).__name__}.")
    return data


def _check_sizes(data: dict, source: ModelSource, depth: int = 0) -> None:
    """Refuse counts that a constructor would loop over for hours, before any constructor sees them."""
    for key, value in data.items():
        if isinstance(value, dict) and depth < 8:
            _check_sizes(value, source, depth + 1)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            continue
        most = (
            MOST_LABELS if "label" in key else MOST_REPEATS if REPEATED.search(key) and "head_dim" not in key else None
        )
        if most is not None and value > most:
            raise SourceError(
                f"The config of '{shortened(str(source))}' has {shortened(key)} = {value:,}.",
                f"At most {most:,} are built; check the field.",
            )


def _model_class(source: ModelSource, config: PretrainedConfig):
    """The class to build: by task, else by number of labels, else the config's own architecture, else the base."""
    kind = type(config)
    if source.task is not None:
        auto = getattr(modeling_auto, TASK_CLASSES[source.task])
        if kind not in auto._model_mapping:
            able = [task for task, name in TASK_CLASSES.items() if _offers(name, kind)]
            raise SourceError(
                f"{source.label} has no model for the task '{source.task}'.",
                "It has " + ", ".join(able) + "." if able else "",
            )
        return _concrete(auto, config)
    if source.num_labels is not None:
        for task in CLASSIFIERS:
            if _offers(TASK_CLASSES[task], kind):
                return _concrete(getattr(modeling_auto, TASK_CLASSES[task]), config)
        raise SourceError(f"{source.label} has no classifier, so it cannot have {source.num_labels} labels.")
    named = getattr(transformers, (config.architectures or [""])[0] or " ", None)
    if named is not None and issubclass(named, transformers.PreTrainedModel):
        return named
    for name in ("AutoModel", *(n for n in dir(modeling_auto) if n.startswith("AutoModelFor"))):
        if _offers(name, kind):
            return _concrete(getattr(modeling_auto, name), config)
    raise SourceError(f"transformers can read the config of {source.label}, but has no model class for it.")


def _offers(auto_name: str, kind: type) -> bool:
    return kind in getattr(getattr(modeling_auto, auto_name), "_model_mapping", {})


def _concrete(auto, config: PretrainedConfig):
    """The model class that an auto class stands for; some types list several, of which the config may name one."""
    found = auto._model_mapping[type(config)]
    if not isinstance(found, (list, tuple)):
        return found
    by_name = {each.__name__: each for each in found}
    return next((by_name[name] for name in config.architectures or () if name in by_name), found[0])


def _trusts_remote_code() -> bool:
    return os.environ.get(REMOTE_CODE_VARIABLE) == "1"


def _refused_code(source: ModelSource) -> SourceError:
    return SourceError(
        f"'{shortened(str(source))}' brings its own Python code, which is not run here.",
        f"The owner of this machine can allow it by setting {REMOTE_CODE_VARIABLE}=1.",
    )


def _absent(source: ModelSource, error: OSError) -> SourceError:
    cause = shortened(" ".join(str(error).split()), 120)
    return SourceError(f"'{shortened(str(source))}' cannot be had here ({cause}).", packaged.offline_hint())


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
