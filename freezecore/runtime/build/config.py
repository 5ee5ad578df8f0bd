"""Configs of Hugging Face models: by model type, file, folder or hub id, their sizes checked before any use."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import transformers
from huggingface_hub import is_offline_mode
from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled
from transformers import CONFIG_MAPPING, AutoConfig, PretrainedConfig

from freezecore import hub_configs, packaged
from freezecore.cache import uploads
from freezecore.errors import NotFetched, SourceError, did_you_mean, shortened
from freezecore.runtime.quiet import hub_quiet
from freezecore.sentences import say
from freezecore.source import MOST_LABELS, ModelSource

REMOTE_CODE_VARIABLE = "FREEZE_EXPLORER_TRUST_REMOTE_CODE"
LARGEST_CONFIG = 8 * 2**20
MOST_LAYERS = 2_000  # the deepest model in use has some hundreds; so many are built in about ten seconds
MOST_REPEATS = 10_000  # of anything else that is built as often as a config's field says
DEEP = re.compile(r"^(?:num|n)_(?:\w+_)?(?:layers?|blocks)$")
COUNTED = re.compile(r"^(?:num|n)_(?:\w+_)?(?:layers?|labels|experts|blocks)$")
REPEATED = re.compile(r"layer|depth|block|stage|expert|head", re.IGNORECASE)


def read_config(source: ModelSource, place: str | None) -> tuple[PretrainedConfig, tuple[str, ...]]:
    """The source's config, with its number of labels and a padding token, and what to say of how it was read.

    Args:
        place: what `place_of` answered.

    Raises:
        SourceError: there is none, it is none, its sizes are out of range, or it wants code to run.
    """
    config, notes = _read(source, place)
    if source.num_labels is not None:
        config.num_labels = source.num_labels
    _pad(config)
    return config, notes


def _read(source: ModelSource, place: str | None) -> tuple[PretrainedConfig, tuple[str, ...]]:
    if place is not None and not Path(place).is_dir():
        return _hub_config(source, place)
    if place is None and not _is_file(source.name):
        return _default_config(source), ()
    path = Path(place) if place else uploads.place_of(source.name)
    data = _read_json(path / "config.json" if path.is_dir() else path)
    _check_sizes(data, source)
    if found := _known(data):
        return found
    kind = data.get("model_type")
    if not data.get("auto_map"):
        raise SourceError(
            "The config in '{name}' names no model type that transformers knows: '{kind}'."
            if kind
            else "The config in '{name}' names no model type that transformers knows.",
            (did_you_mean(str(kind), CONFIG_MAPPING) or "Search the types with: freezecore models WORD")
            if kind
            else "A config.json has a field 'model_type'.",
            name=shortened(source.name),
            kind=shortened(str(kind)),
        )
    if not trusts_remote_code():
        raise _refused_code(source)
    return AutoConfig.from_pretrained(path if path.is_dir() else path.parent, trust_remote_code=True), ()


def _known(data: dict) -> tuple[PretrainedConfig, tuple[str, ...]] | None:
    """The config by its model type, else by a class of the library's that it names: Kimi-K2 is a DeepseekV3ForCausalLM.

    Code that a model brings is preferred to the second, where it may run.
    """
    kind = data.get("model_type")
    if isinstance(kind, str) and kind in CONFIG_MAPPING:
        return CONFIG_MAPPING[kind].from_dict(data), _unheard(data, kind)
    if data.get("auto_map") and trusts_remote_code():
        return None
    model_class = named_class(data.get("architectures"))
    if model_class is None or model_class.config_class is None:
        return None
    config = model_class.config_class.from_dict({key: value for key, value in data.items() if key != "model_type"})
    note = say(
        "transformers knows no model type '{kind}'; opened as '{known}', for the config names its class {name}."
        if kind
        else "The config names no model type; opened as '{known}', for it names the class {name}.",
        kind=shortened(str(kind)),
        known=config.model_type,
        name=model_class.__name__,
    )
    return config, (note,)


def _unheard(data: dict, kind: str) -> tuple[str, ...]:
    """That a config names a class which the library does not have, so that its model type may be another's."""
    listed = data.get("architectures")
    named = [each for each in listed if isinstance(each, str) and each] if isinstance(listed, list) else []
    of_torch = [re.sub("^(?:TF|Flax)", "", each) for each in named]
    if not named or data.get("auto_map") or any(hasattr(transformers, each) for each in of_torch):
        return ()
    return (
        say(
            "The config names the class {name}, which transformers does not have; opened by its model type '{kind}'.",
            name=shortened(named[0]),
            kind=kind,
        ),
    )


def named_class(architectures: object) -> type[transformers.PreTrainedModel] | None:
    """The first of these names that is a model class of the library."""
    for name in architectures if isinstance(architectures, list) else ():
        found = getattr(transformers, name, None) if isinstance(name, str) and name else None
        if isinstance(found, type) and issubclass(found, transformers.PreTrainedModel):
            return found
    return None


@hub_quiet()
def _hub_config(source: ModelSource, place: str) -> tuple[PretrainedConfig, tuple[str, ...]]:
    if source.weights != "pretrained" and (kept := hub_configs.find(place)):
        return CONFIG_MAPPING[kept.config["model_type"]].from_dict(kept.config), ()
    try:
        found = _known(PretrainedConfig.get_config_dict(place)[0])
        found = found or (AutoConfig.from_pretrained(place, trust_remote_code=trusts_remote_code()), ())
    except OSError as error:
        hint = packaged.offline_hint(source) if hub_configs.find(place) else packaged.offline_config_hint()
        raise absent(source, error, hint) from error
    except ValueError as error:
        raise (_refused_code(source) if "trust_remote_code" in str(error) else error) from error
    _check_sizes(found[0].to_dict(), source)
    return found


def _default_config(source: ModelSource) -> PretrainedConfig:
    for kind in (source.name, source.name.replace("-", "_"), source.name.replace("_", "-")):
        if kind in CONFIG_MAPPING:
            return CONFIG_MAPPING[kind]()
    raise SourceError(
        "transformers has no model type called '{name}'.",
        did_you_mean(source.name, CONFIG_MAPPING) or "Search the types with: freezecore models WORD",
        name=shortened(source.name),
    )


def place_of(source: ModelSource) -> str | None:
    """What the library's loaders take: a folder or an id; None for a bare config."""
    if source.scheme == "config":
        return None
    if _is_local(source.name):
        folder = uploads.place_of(source.name)
        if not (folder / "config.json").is_file():
            raise SourceError(
                "There is no config.json in '{name}'.", "Name the model's folder.", name=shortened(source.name)
            )
        return str(folder)
    found = packaged.find(source)
    root = packaged.root(found) if found else None
    return str(root / found.folder) if found and root else source.name


def _is_local(name: str) -> bool:
    return name.startswith((".", "/", "~", "\\")) or bool(re.match(r"[A-Za-z]:[\\/]", name))


def _is_file(name: str) -> bool:
    return _is_local(name) or name.endswith(".json")


def _read_json(path: Path) -> dict:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_CONFIG + 1)  # no further: a device has no end
        if len(content) > LARGEST_CONFIG:
            raise SourceError(
                "'{name}' is too large for a config: {size:,} bytes.",
                "Name the model's config.json, not its weights or tokenizer.",
                name=shortened(path.name),
                size=max(path.stat().st_size, len(content)),
            )
        data = json.loads(content.decode("utf-8"))
    except OSError as error:
        hint = say("Check the path, or name a model type such as config:bert.")
        raise SourceError(
            "'{path}' cannot be read: {cause}.", hint, path=shortened(str(path)), cause=error.strerror
        ) from error
    except (ValueError, RecursionError) as error:
        raise SourceError(
            "'{name}' is no JSON: {cause}.",
            "A config.json is UTF-8 text that begins with a brace; download it again if it is cut off.",
            name=shortened(path.name),
            cause=shortened(str(error)),
        ) from error
    if not isinstance(data, dict):
        raise SourceError(
            "'{name}' is no config: it holds a {kind}.",
            "A config.json is one JSON object with a field 'model_type'.",
            name=shortened(path.name),
            kind=type(data).__name__,
        )
    return data


def _check_sizes(data: dict, source: ModelSource, depth: int = 0) -> None:
    """Refuse counts that a constructor would loop over for hours, before any constructor sees them."""
    for key, value in data.items():
        if isinstance(value, dict) and depth < 8:
            _check_sizes(value, source, depth + 1)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            continue
        if value < 0 and COUNTED.search(key):
            raise SourceError(
                "The config of '{source}' has {key} = {value:,}.",
                "A count cannot be negative; check the field.",
                source=source,
                key=shortened(key),
                value=value,
            )
        most = _most(key)
        if most is not None and value > most:
            raise SourceError(
                "The config of '{source}' has {key} = {value}.",
                "At most {most:,} are built; check the field.",
                source=source,
                key=shortened(key),
                value=_written(value),
                most=most,
            )


def _most(key: str) -> int | None:
    """The most that a count of this name may be; None where it counts nothing that is built."""
    if "label" in key:
        return MOST_LABELS
    if DEEP.search(key):
        return MOST_LAYERS
    return MOST_REPEATS if REPEATED.search(key) and "head_dim" not in key else None


def _written(number: float) -> str:
    return f"{number:,}" if number < 1e15 else f"{number:g}"


def _pad(config: PretrainedConfig) -> None:
    """Name a padding token where a text model's config has none: its classifier refuses batches without one."""
    try:
        text = config.get_text_config()
    except ValueError:  # it has several texts
        return
    if hasattr(text, "vocab_size") and getattr(text, "pad_token_id", None) is None:
        end = getattr(text, "eos_token_id", None)
        end = (end[0] if isinstance(end, list) and end else end) or 0
        known = isinstance(end, int) and isinstance(text.vocab_size, int) and end < text.vocab_size
        config.pad_token_id = text.pad_token_id = end if known else 0


def trusts_remote_code() -> bool:
    """Whether the owner of this machine lets code of a model's repository run."""
    return os.environ.get(REMOTE_CODE_VARIABLE) == "1"


def _refused_code(source: ModelSource) -> SourceError:
    return SourceError(
        "'{source}' brings its own Python code, which is not run here.",
        "The owner of this machine can allow it by setting {variable}=1.",
        source=source,
        variable=REMOTE_CODE_VARIABLE,
    )


def is_offline(error: BaseException | None) -> bool:
    """Whether what went wrong comes from a network that was not to be asked, or did not answer."""
    while error is not None:
        if isinstance(error, (OfflineModeIsEnabled, LocalEntryNotFoundError)):
            return True
        error = error.__cause__ or error.__context__
    return False


def absent(source: ModelSource, error: OSError, hint: str) -> SourceError:
    """What to say when a hub's file is neither cached nor reachable."""
    if is_offline_mode() and source.weights == "none" and not _is_local(source.name):
        return NotFetched(
            "'{source}' is not kept here, and the Hugging Face Hub was not asked for it.",
            hint,
            source=source,
        )
    if is_offline(error):
        return SourceError(
            "'{source}' is not kept here, and the Hugging Face Hub cannot be reached.", hint, source=source
        )
    cause = shortened(" ".join(str(error).split()), 120)
    return SourceError("'{source}' is not available here ({cause}).", hint, source=source, cause=cause)
