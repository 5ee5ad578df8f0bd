"""The gallery: models worth opening first, grouped; every other model is one line of text away."""

from __future__ import annotations

from dataclasses import dataclass

from app import state
from app.link import DEFAULT_MODEL, Link
from app.service import selection
from freezecore.errors import shortened
from freezecore.source import ModelSource
from freezecore.workload import Workload


@dataclass(frozen=True)
class Shown:
    """A model of the gallery: its source, the name people know it by, and what builds it."""

    source: str
    name: str
    group: str
    task: str | None = None
    labels: int | None = None


CLASSIFIER = {"task": "sequence-classification", "labels": 2}
MODELS: tuple[Shown, ...] = (
    Shown(DEFAULT_MODEL, "EfficientNet-Lite0", "image"),
    Shown("timm:resnet18", "ResNet-18", "image"),
    Shown("timm:resnet50", "ResNet-50", "image"),
    Shown("timm:mobilenetv3_large_100", "MobileNetV3-Large", "image"),
    Shown("timm:convnext_tiny", "ConvNeXt-Tiny", "image"),
    Shown("timm:vit_small_patch16_224", "ViT-Small/16", "image"),
    Shown("timm:vit_base_patch16_224", "ViT-Base/16", "image"),
    Shown("timm:swin_tiny_patch4_window7_224", "Swin-Tiny", "image"),
    Shown("config:bert", "BERT-base", "text", **CLASSIFIER),
    Shown("hf:sentence-transformers/all-MiniLM-L6-v2", "MiniLM-L6", "text", **CLASSIFIER),
    Shown("config:roberta", "RoBERTa-base", "text", **CLASSIFIER),
    Shown("config:distilbert", "DistilBERT", "text", **CLASSIFIER),
    Shown("config:deberta-v2", "DeBERTa-v2", "text", **CLASSIFIER),
    Shown("config:electra", "ELECTRA", "text", **CLASSIFIER),
    Shown("config:gpt2", "GPT-2", "language", task="causal-lm"),
    Shown("config:llama", "Llama", "language", task="causal-lm"),
    Shown("config:qwen2", "Qwen2", "language", task="causal-lm"),
    Shown("config:t5", "T5", "towers", task="seq2seq-lm"),
    Shown("config:clip", "CLIP", "towers", task="base"),
    Shown("config:whisper", "Whisper", "towers", task="speech-seq2seq"),
)
BY_SOURCE = {shown.source: shown for shown in MODELS}
FIRST = (DEFAULT_MODEL, "timm:resnet18", "config:bert")


def name_of(source: str) -> str:
    """The name people know a source by; the source itself where the gallery does not have it."""
    shown = BY_SOURCE.get(source)
    return shown.name if shown else shortened(source, 40)


def steps() -> list[tuple[ModelSource, Workload]]:
    """What the page asks about each of them when it is opened from the gallery, in its order."""
    links = [Link(model=shown.source, task=shown.task, labels=shown.labels) for shown in MODELS]
    return [selection.step_of(link) for link in links]


def open_source(source: str) -> None:
    """Turn the page to a model, as the gallery opens it."""
    shown = BY_SOURCE.get(source)
    state.open_model(source, shown.task if shown else None, shown.labels if shown else None)
