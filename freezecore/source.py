"""ModelSource: which model, said in one line of text; nothing is imported, built or fetched here."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from freezecore.arguments import checked
from freezecore.errors import SourceError, did_you_mean, none_called, shortened
from freezecore.sentences import say

Weights = Literal["pretrained", "random", "none"]
WEIGHTS: tuple[str, ...] = ("pretrained", "random", "none")
SCHEMES = {
    "timm": "a timm architecture, such as timm:resnet18",
    "torchvision": "a model of torchvision, such as torchvision:resnet50",
    "hf": "a Hugging Face model id or a local folder, such as hf:google-bert/bert-base-uncased or hf:./folder",
    "config": "a Hugging Face model type or config file, such as config:bert or config:./config.json",
    "file": "a file written by fc.save, such as file:model.json",
    "py": "a function that returns a module, such as py:package.module:function",
}
TASKS = {  # of Hugging Face, each with the auto class that builds its model
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
    "image-text-to-text": "AutoModelForImageTextToText",
    "multimodal-lm": "AutoModelForMultimodalLM",
    "visual-question-answering": "AutoModelForVisualQuestionAnswering",
    "document-question-answering": "AutoModelForDocumentQuestionAnswering",
    "table-question-answering": "AutoModelForTableQuestionAnswering",
    "multiple-choice": "AutoModelForMultipleChoice",
    "next-sentence-prediction": "AutoModelForNextSentencePrediction",
    "video-classification": "AutoModelForVideoClassification",
    "image-segmentation": "AutoModelForImageSegmentation",
    "instance-segmentation": "AutoModelForInstanceSegmentation",
    "universal-segmentation": "AutoModelForUniversalSegmentation",
    "depth-estimation": "AutoModelForDepthEstimation",
    "image-to-image": "AutoModelForImageToImage",
    "masked-image-modeling": "AutoModelForMaskedImageModeling",
    "keypoint-detection": "AutoModelForKeypointDetection",
    "zero-shot-image-classification": "AutoModelForZeroShotImageClassification",
    "zero-shot-object-detection": "AutoModelForZeroShotObjectDetection",
    "audio-frame-classification": "AutoModelForAudioFrameClassification",
    "audio-xvector": "AutoModelForAudioXVector",
    "text-to-spectrogram": "AutoModelForTextToSpectrogram",
    "text-to-waveform": "AutoModelForTextToWaveform",
    "time-series-prediction": "AutoModelForTimeSeriesPrediction",
}
QUANTIZED = {"nf4": 4, "int8": 8}  # how a frozen base's linear layers may be kept, and in how many bits a weight
TRAINED_TASKS = ("sequence-classification", "token-classification", "causal-lm", "image-classification")
DENSE_TASKS = ("object-detection", "semantic-segmentation")  # for which timm's bodies get heads of torchvision's
ENCODERS = tuple(  # of transformers, which see the words to come unless their config says `is_decoder`
    f"{name}{head}"
    for head, names in {
        "LMHeadModel": ("Bert",),
        "Decoder": ("BertGeneration",),
        "ModelWithLMHead": ("Reformer",),
        "ForCausalLM": (
            *("BigBird", "Camembert", "Data2VecText", "Electra", "Ernie", "MegatronBert", "RemBert", "Roberta"),
            *("RobertaPreLayerNorm", "RoCBert", "RoFormer", "XLMRoberta", "XLMRobertaXL", "Xmod"),
        ),
    }.items()
    for name in names
)
RANDOM = "random"  # behind the dot of a torchvision model: as torchvision builds it where no weights are asked for
LONGEST = 300
NAMED = 13  # tasks that a sentence lists
MOST_LABELS = 100_000


@dataclass(frozen=True)
class ModelSource:
    """A model to open, as a person writes it.

    Attributes:
        scheme: where it comes from, a key of `SCHEMES`.
        name: what stands after the colon.
        weights: `pretrained`, `random`, or `none` (shapes only, on the meta device). torchvision's own names of weights
            stand behind a dot in `name`, as timm's tags do.
        task: which Hugging Face auto class builds it; None lets the library's own architecture decide.
        num_labels: outputs of the classifier; None keeps the model's own.
        adapter: matrices that train beside the model's weights, in the words of `freezecore.adapter`; None for none.
        quantize: how the base's linear layers are kept, a key of `QUANTIZED`; None as they are.
    """

    scheme: str
    name: str
    weights: Weights = "none"
    task: str | None = None
    num_labels: int | None = None
    adapter: str | None = None
    quantize: str | None = None

    def __post_init__(self) -> None:
        if self.scheme == "torchvision" and self.weights == "random" and "." not in self.name:
            object.__setattr__(self, "name", f"{self.name}.{RANDOM}")

    @classmethod
    @checked
    def parse(
        cls,
        text: str,
        *,
        weights: str = "none",
        task: str | None = None,
        num_labels: int | None = None,
        adapter: str | None = None,
        quantize: str | None = None,
    ) -> ModelSource:
        """Read `SCHEME:NAME`.

        Raises:
            SourceError: the text names no scheme, or an option is out of range.
            RuleError: an adapter's selector cannot be read.
        """
        scheme, name = _scheme_and_name(text)
        if scheme == "torchvision" and weights not in WEIGHTS:  # a name of its weights' enum
            name, weights = f"{name.partition('.')[0]}.{weights.rpartition('.')[2]}", "pretrained"
        if weights not in WEIGHTS:
            raise SourceError(
                "Weights cannot be '{weights}'.", "Write pretrained, random or none.", weights=shortened(weights)
            )
        if task is not None and task not in TASKS:
            raise SourceError(
                "There is no task called '{task}'.",
                did_you_mean(task, TASKS) or ", ".join((*list(TASKS)[:NAMED], "…")),
                task=shortened(task),
            )
        if num_labels is not None and not 1 <= num_labels <= MOST_LABELS:
            raise SourceError(
                "{count} labels are out of range.", "Choose between 1 and {most:,}.", count=num_labels, most=MOST_LABELS
            )
        if quantize is not None and quantize not in QUANTIZED:
            raise none_called(SourceError, "Nothing is quantized to '{name}'.", quantize, QUANTIZED)
        if scheme == "file" and (adapter or quantize):
            raise SourceError(
                "'{text}' holds the step of a model as it was saved, without the adapter that is asked for.",
                "Save the model with its adapter, or name the model's source.",
                text=shortened(text.strip()),
            )
        return cls(scheme, name, cast(Weights, weights), task, num_labels, _adapters(adapter), quantize)

    def with_(self, **changes) -> ModelSource:
        """The same source with some fields replaced."""
        return replace(self, **changes)

    @property
    def base(self) -> ModelSource:
        """The same model as it is without adapter and quantization."""
        return self.with_(adapter=None, quantize=None)

    @property
    def options(self) -> dict[str, Any]:
        """What else tells which model it is, weights apart: as keywords of `parse`, those that are not None."""
        named = {name: getattr(self, name) for name in ("task", "num_labels", "adapter", "quantize")}
        return {name: value for name, value in named.items() if value is not None}

    @property
    def dense_task(self) -> str | None:
        """Which of `DENSE_TASKS` the model is for, where its name or task says so outside of Hugging Face's."""
        if self.scheme == "torchvision":
            segments = self.name.startswith(("fcn_", "deeplabv3_", "lraspp_"))
            detects = self.name.startswith(("ssd", "fasterrcnn_", "maskrcnn_", "keypointrcnn_", "retinanet_", "fcos_"))
            return DENSE_TASKS[1] if segments else DENSE_TASKS[0] if detects else None
        return self.task if self.scheme == "timm" and self.task in DENSE_TASKS else None

    @property
    def label(self) -> str:
        """The short name a sentence uses: `resnet18`, `bert-base-uncased`."""
        return re.split(r"[/\\]", self.name.rstrip("/\\"))[-1] or self.name

    def __str__(self) -> str:
        return f"{self.scheme}:{self.name}"


def _adapters(text: str | None) -> str | None:
    """Adapters in their plain words, so that equal ones are written alike."""
    if not text:
        return None
    from freezecore.adapter import parse_adapters, print_adapters  # which reads selectors: only where there are some

    return print_adapters(parse_adapters(text))


def _scheme_and_name(text: str) -> tuple[str, str]:
    text = text.strip()
    if len(text) > LONGEST or not text.isprintable():
        raise SourceError("'{text}' is no model source.", "Write something like timm:resnet18.", text=shortened(text))
    scheme, colon, name = text.partition(":")
    if not colon or not name.strip():
        raise SourceError(
            "'{text}' does not say where the model comes from.",
            _with_a_scheme(text),
            text=shortened(text),
        )
    if scheme not in SCHEMES:
        raise SourceError(
            "There is no kind of source called '{scheme}'.",
            did_you_mean(scheme, SCHEMES) or "Write one of {names}.",
            names=", ".join(f"{key}:…" for key in SCHEMES),
            scheme=shortened(scheme),
        )
    return scheme, name.strip()


def _with_a_scheme(text: str) -> str:
    """What a text without a scheme is likely to have meant."""
    name = shortened(text)
    if not text or ":" in text:
        return say("Write something like timm:resnet18.")
    if name.endswith(".json"):
        return say("Did you mean 'file:{name}', as fc.save writes it, or 'config:{name}'?", name=name)
    if name.endswith(".py"):
        return say("Write 'py:{module}:NAME', where NAME makes the model.", module=name.removesuffix(".py"))
    return say("Did you mean 'timm:{text}' or 'hf:{text}'?", text=name)
