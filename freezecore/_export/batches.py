"""Batches: what an exported training loop is fed, and how it gets a loss from that."""

from __future__ import annotations

from dataclasses import dataclass

from freezecore._export.plan import Plan
from freezecore.errors import ExportError

WITH_LOSS = ("LMHeadModel", "DoubleHeadsModel", "ForPreTraining")


@dataclass(frozen=True)
class Batch:
    """How one batch becomes a loss.

    Attributes:
        what: the loader's batches in words.
        unpacked: the loop's variables.
        loss: the expression of the loss.
        needs: import lines for it.
        dictionary: batches are dictionaries with `labels`, as Hugging Face models take them.
    """

    what: str
    unpacked: str
    loss: str
    needs: frozenset[str]
    dictionary: bool


PAIRS = Batch(
    "batches of (inputs, labels)",
    "inputs, labels",
    "nn.functional.cross_entropy(model(inputs), labels)",
    frozenset({"from torch import nn"}),
    False,
)
DICTIONARIES = Batch("batches as dictionaries with labels", "batch", "model(**batch).loss", frozenset(), True)


def batch_of(plan: Plan) -> Batch:
    """The batches that this model trains on.

    Raises:
        ExportError: the model has no head, so nothing gives a loss.
    """
    if plan.source.scheme not in ("hf", "config"):
        return PAIRS
    root = plan.tree.layers[0].type
    if "For" not in root and not root.endswith(WITH_LOSS):
        raise ExportError(
            "{source} as {root} has no head, so a training loop has no loss.",
            "Choose a task, such as sequence-classification, or export to pytorch.",
            source=plan.source,
            root=root,
        )
    return DICTIONARIES
