"""What people type when they look for a model: a name, a Hub address, an id, or the line of code that loads it."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from freezecore import catalog, hub_configs
from freezecore.catalog import ModelName
from freezecore.errors import SourceError, nearest
from freezecore.source import MOST_LABELS, TASKS, ModelSource

ADDRESS = re.compile(r"^(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/(?:timm/)?([\w.-]+(?:/[\w.-]+)?)", re.ASCII)
HUB_ID = re.compile(r"^(?!\.)[\w.-]+/[\w.-]+$", re.ASCII)
TASK_OF_CLASS = {name: task for task, name in TASKS.items()}
LABELS = ("num_labels", "num_classes")
OF_TORCHVISION = ("models", "torchvision", "detection", "segmentation", "video")  # where its functions stand
SEPARATORS = re.compile(r"[\s_\-./]+")
PATH = re.compile(r"^(?:\.{0,2}[/\\]|~|[a-z]:[/\\])|\.(?:json|pth?|bin|ckpt|onnx|py|safetensors)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NamedModel:
    """A model that a text names without a doubt, and what the text says of its task and classes."""

    source: str
    task: str | None = None
    labels: int | None = None


def named(text: str) -> NamedModel | None:
    """The model that a source, a Hub address, a Hub id or a pasted line names; None for mere words.

    `AutoModelForSequenceClassification.from_pretrained("microsoft/deberta-v3-base", num_labels=5)`,
    `timm.create_model("resnet50", num_classes=3)` and `torchvision.models.resnet18()` are such lines.
    """
    text = text.strip()
    if "(" in text and (found := _from_code(text)):
        return found
    if address := ADDRESS.match(text):
        return NamedModel(_hub_source(address[1], timm="/timm/" in text))
    try:
        return NamedModel(str(ModelSource.parse(text)))
    except SourceError:
        if HUB_ID.match(text):
            return NamedModel(_hub_source(text.removeprefix("timm/"), timm=text.startswith("timm/")))
        return None


def is_path(text: str) -> bool:
    """Whether these words are where a file lies, and so no model's name, whatever they look like."""
    return PATH.search(text.strip()) is not None


def matches(text: str, preferred: Sequence[str] = (), most: int = 6) -> list[ModelName]:
    """Models that these words may mean, the likeliest first: whole names, then beginnings, then parts, then likenesses.

    Of models that match alike, `preferred` sources come first, and those with published sizes before bare model types,
    as people mean `bert-base-uncased` by `bert`.
    """
    words = SEPARATORS.sub(" ", text.lower().split(":")[-1]).split()
    if not words:
        return []
    everything = _everything()
    wanted = "".join(words)
    rank_of = {source: rank for rank, source in enumerate(preferred)}
    scored = []
    for at, model in enumerate(everything):
        name = model.source.partition(":")[2].lower()
        short = SEPARATORS.sub("", name.rpartition("/")[2])
        whole = SEPARATORS.sub("", name)
        if all(word in whole or word in short for word in words):
            bare = model.source.startswith("config:")  # a type, not a model: never what a whole name means
            closeness = 0 if wanted in (short, whole) and not bare else 1 if short.startswith(wanted) else 2
            scored.append((closeness, rank_of.get(model.source, len(rank_of)), bare, at, model))
    if scored:
        return [row[-1] for row in sorted(scored, key=lambda row: row[:-1])[:most]]
    by_name = {model.source.partition(":")[2]: model for model in reversed(everything)}  # of one name, the first
    by_short = {name.rpartition("/")[2].lower(): model for name, model in by_name.items()}
    return [by_short[name] for name in nearest(" ".join(words).replace(" ", "-"), by_short, most)]


def parameters(source: str) -> int | None:
    """How many scalars a model has by the lists that are kept here; None where it is in none of them."""
    return _sizes().get(source)


@functools.cache
def _sizes() -> dict[str, int | None]:
    return {model.source: model.parameters for model in _everything()}


@functools.cache
def _everything() -> list[ModelName]:
    return hub_configs.before(catalog.read())


def _hub_source(name: str, timm: bool) -> str:
    return f"timm:{name}" if timm else f"hf:{_with_organisation(name)}"


def _with_organisation(name: str) -> str:
    """The Hub's present id of a model that it once listed without an organisation (`bert-base-uncased`), where it is
    one of those kept here: that opens without a network."""
    known = [each.hub_id for each in hub_configs.read() if each.hub_id.rpartition("/")[2] == name]
    return known[0] if len(known) == 1 else name


def _from_code(text: str) -> NamedModel | None:
    """What the first call in a line of code loads."""
    try:
        calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    for call in calls:
        if found := _loaded_by(call):
            return found
    return None


def _loaded_by(call: ast.Call) -> NamedModel | None:
    of, _, function = ast.unparse(call.func).rpartition(".")
    first = call.args[0] if call.args else None
    name = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""
    given = {each.arg: each.value.value for each in call.keywords if isinstance(each.value, ast.Constant)}
    stated = next((given[key] for key in LABELS if key in given), None)
    labels = stated if type(stated) is int and 1 <= stated <= MOST_LABELS else None
    if function == "from_pretrained" and name:
        task = TASK_OF_CLASS.get(of.rpartition(".")[2])
        return NamedModel(_hub_source(name, False), task if task != "base" else None, labels)
    if function == "create_model" and name:
        return NamedModel(
            _hub_source(name.removeprefix("hf_hub:timm/").removeprefix("hf-hub:timm/"), True), None, labels
        )
    if of.rpartition(".")[2] in OF_TORCHVISION:
        wanted = name if function == "get_model" and name else function
        if any(model.source == f"torchvision:{wanted}" for model in catalog.read()):
            return NamedModel(f"torchvision:{wanted}", None, labels)
    return None
