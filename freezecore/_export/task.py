"""ModelTask: what a model is for, by its library and the name of its class, as trainers and data loaders ask."""

from __future__ import annotations

from dataclasses import dataclass

from freezecore.errors import ExportError
from freezecore.source import ModelSource
from freezecore.trainer_parts import LANGUAGE_PARTS
from freezecore.tree import LayerTree

CAUSAL = ("ForCausalLM", "LMHeadModel")
WITH_LOSS = ("LMHeadModel", "DoubleHeadsModel", "ForPreTraining")  # beside every class with "For" in its name
CLASSIFIERS = tuple(f"For{what}Classification" for what in ("Sequence", "Image", "Token", "Audio"))


@dataclass(frozen=True)
class ModelTask:
    """What the model of this source, whose layers are `tree`, is for."""

    source: ModelSource
    tree: LayerTree

    @property
    def root(self) -> str:
        """The model's class."""
        return self.tree.layers[0].type

    @property
    def of_timm(self) -> bool:
        """Whether it is timm's, with its own head or none."""
        return self.source.scheme == "timm" and self.source.dense_task is None

    @property
    def of_torchvision(self) -> bool:
        """Whether it is torchvision's."""
        return self.source.scheme == "torchvision"

    @property
    def recognises(self) -> bool:
        """Whether it is one of torchvision's classifiers of pictures: their layers are of two dimensions, and nothing
        stands behind a backbone of its own."""
        pictures = any(p.kind != "head" and len(p.shape) == 4 for p in self.tree.parameters)
        dense = any(path.partition(".")[0] == "backbone" for path in self.tree.blocks) or self.root == "RAFT"
        return self.of_torchvision and pictures and not dense

    @property
    def of_transformers(self) -> bool:
        """Whether it is transformers'."""
        return self.source.scheme in ("hf", "config")

    @property
    def classifies(self) -> bool:
        """Whether it has a number of classes."""
        return self.of_timm or self.recognises or self.of_transformers and self.root.endswith(CLASSIFIERS)

    @property
    def has_loss(self) -> bool:
        """Whether a training loop knows its loss: it classifies pictures, or computes one of its own."""
        return (
            self.of_timm
            or self.recognises
            or self.of_transformers
            and ("For" in self.root or self.root.endswith(WITH_LOSS))
        )

    @property
    def dictionaries(self) -> bool:
        """Whether batches are dictionaries with labels, from which the model gives a loss, as Hugging Face models do.

        Raises:
            ExportError: the model has no head, so nothing gives a loss.
        """
        if self.of_transformers and not self.has_loss:
            raise ExportError(
                "{source} as {root} has no head, so a training loop has no loss.",
                "Choose a task, such as sequence-classification, or export to pytorch.",
                source=self.source,
                root=self.root,
            )
        return self.of_transformers

    @property
    def matches(self) -> bool:
        """Whether the model matches its answers to the objects of each picture, of which one has more than another."""
        kinds = tuple(f"For{what}" for what in ("ObjectDetection", "InstanceSegmentation", "UniversalSegmentation"))
        return self.of_transformers and self.root.endswith(kinds)

    @property
    def causal(self) -> bool:
        """Whether the model continues texts."""
        return self.root.endswith(CAUSAL)

    @property
    def masked(self) -> bool:
        """Whether the model fills gaps in texts."""
        return self.root.endswith("ForMaskedLM")

    @property
    def translates(self) -> bool:
        """Whether the model turns one text into another: an encoder of words, and a decoder."""
        ends = self.root.endswith(("ForConditionalGeneration", "MTModel", "LMHeadModel")) and not self.multimodal
        return ends and len(self.tree.towers) > 1 and self.source.task in (None, "seq2seq-lm") and not self.causal

    @property
    def multimodal(self) -> bool:
        """Whether the model continues texts from pictures or sound: one of several towers is its language model."""
        parts = {part for layer in self.tree.layers for part in layer.path.split(".")[:3]}
        return self.root.endswith("ForConditionalGeneration") and not parts.isdisjoint(LANGUAGE_PARTS)

    @property
    def data(self) -> str | None:
        """What its data are, of what an example can be given: `pictures` or `texts`."""
        if self.of_timm or self.recognises or self.of_transformers and self.root.endswith("ForImageClassification"):
            return "pictures"
        texts = self.root.endswith("ForSequenceClassification") or self.causal or self.masked or self.translates
        return "texts" if self.of_transformers and texts else None
