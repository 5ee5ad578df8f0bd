"""The gallery: models worth opening first, grouped; every other model is one line of text away."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from freezecore.cache import uploads
from freezecore.errors import shortened
from freezecore.model_lookup import parameters
from freezecore.packaged import DEFAULT_TEXT_SOURCE
from freezecore.report import count_text
from freezecore.source import ModelSource
from freezecore.workload import Workload

from ..link import DEFAULT_MODEL, Link
from . import selection


@dataclass(frozen=True)
class GalleryModel:
    """A model of the gallery: its source, the name people know it by, and what builds it."""

    source: str
    name: str
    group: str
    task: str | None = None
    labels: int | None = None


CLASSIFIER = {"task": "sequence-classification", "labels": 2}
MODELS: tuple[GalleryModel, ...] = (
    GalleryModel(DEFAULT_MODEL, "EfficientNet-Lite0", "image"),
    GalleryModel("timm:resnet18", "ResNet-18", "image"),
    GalleryModel("timm:resnet50", "ResNet-50", "image"),
    GalleryModel("timm:mobilenetv3_large_100", "MobileNetV3-Large", "image"),
    GalleryModel("timm:convnext_tiny", "ConvNeXt-Tiny", "image"),
    GalleryModel("timm:tf_efficientnetv2_s", "EfficientNetV2-S", "image"),
    GalleryModel("timm:vit_small_patch16_224", "ViT-Small/16", "image"),
    GalleryModel("timm:vit_base_patch16_224", "ViT-Base/16", "image"),
    GalleryModel("timm:swin_tiny_patch4_window7_224", "Swin-Tiny", "image"),
    GalleryModel("config:bert", "BERT-base", "text", **CLASSIFIER),
    GalleryModel(DEFAULT_TEXT_SOURCE, "MiniLM-L6", "text", **CLASSIFIER),
    GalleryModel("config:roberta", "RoBERTa-base", "text", **CLASSIFIER),
    GalleryModel("config:distilbert", "DistilBERT", "text", **CLASSIFIER),
    GalleryModel("hf:microsoft/deberta-v3-base", "DeBERTa-v3-base", "text", **CLASSIFIER),
    GalleryModel("hf:microsoft/deberta-v3-small", "DeBERTa-v3-small", "text", **CLASSIFIER),
    GalleryModel("hf:answerdotai/ModernBERT-base", "ModernBERT-base", "text", **CLASSIFIER),
    GalleryModel("config:electra", "ELECTRA", "text", **CLASSIFIER),
    GalleryModel("config:gpt2", "GPT-2", "language", task="causal-lm"),
    GalleryModel("hf:meta-llama/Llama-3.2-1B", "Llama 3.2 1B", "language", task="causal-lm"),
    GalleryModel("hf:Qwen/Qwen3-0.6B", "Qwen3 0.6B", "language", task="causal-lm"),
    GalleryModel("config:t5", "T5", "towers", task="seq2seq-lm"),
    GalleryModel("config:clip", "CLIP", "towers", task="base"),
    GalleryModel("hf:openai/whisper-small", "Whisper-small", "towers", task="speech-seq2seq"),
)
BY_SOURCE = {model.source: model for model in MODELS}
FIRST = (DEFAULT_MODEL, "timm:resnet18", "config:bert")


def name_of(source: str) -> str:
    """The name people know a source by: of an upload its class, of another file the file's, else the source itself."""
    model = BY_SOURCE.get(source)
    scheme, _, place = source.partition(":")
    if model or not (scheme == "file" or uploads.NAME.fullmatch(place)):
        return model.name if model else shortened(source, 40)
    return shortened(uploads.title(place) or PurePath(place).name.removesuffix(".json"), 40)


def named(source: str) -> str:
    """The name with its size where that is known: `BERT-base · 109 M`."""
    count = parameters(source)
    return f"{name_of(source)} · {count_text(count)}" if count else name_of(source)


def steps() -> list[tuple[ModelSource, Workload]]:
    """What the page asks about each of them when it is opened from the gallery, in its order."""
    return [selection.step_of(Link(model=model.source, task=model.task, labels=model.labels)) for model in MODELS]
