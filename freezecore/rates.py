"""Default learning rates: one place for what a probe tries and for what every export says.

The rates of a new head on pretrained features were picked by what they gave on the held-out samples of `shapes` and
`docstrings`, which a probe of that data then reports: there its accuracy is slightly optimistic, on other data it is
not. Language models keep their head; theirs are the usual rates for further training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from freezecore.datasets import kind_for
from freezecore.mask import Mask
from freezecore.source import ModelSource
from freezecore.tree import LayerTree, Parameter, prefixes

ModelKind = Literal["image", "text", "language-model"]

BODY = {  # of what is pretrained
    "adamw": 5e-4,
    "adamw-8bit": 5e-4,
    "paged-adamw-8bit": 5e-4,
    "adafactor": 1e-2,  # times the size of a weight
    "lion": 1e-4,  # each step is of full size, so a fifth of AdamW's
    "sgd": 1e-2,
    "sgd-momentum": 2e-3,
}
BODY_TIMES = {"image": 1, "text": 0.2, "language-model": 0.04}  # text models forget at rates that suit convolutions
HEAD_TIMES = {"image": 10, "text": 100, "language-model": 1}  # a head that starts from nothing may go faster
ALONE_TIMES = {"image": 2, "text": 3, "language-model": 50}  # again where the head alone trains: features hold still
ADAPTER_TIMES = {"image": 4, "text": 5, "language-model": 10}  # of the body's: adapters alone begin at nothing
FEW = 0.02  # trainable share of the body below which (norms, biases) it takes and needs larger steps
FEW_TIMES = 4

LANGUAGE_TASKS = ("causal-lm", "masked-lm", "seq2seq-lm")
LANGUAGE_MODELS = ("ForCausalLM", "LMHeadModel", "ForMaskedLM", "ForConditionalGeneration", "ForPreTraining")


@dataclass(frozen=True)
class Rates:
    """Learning rates of the body (what is pretrained) and of the head (what is new)."""

    body: float
    head: float


def learning_rates(
    mask: Mask, kind: ModelKind, optimizer: str = "adamw", *, body: float | None = None, head: float | None = None
) -> Rates:
    """The rates that were asked for, and defaults for the others: by optimizer, by what the model reads, and by how
    much of its body trains. Weights that start at random take the same ones.

    `mask` is that of the last phase, where the selection has several.
    """
    usual = BODY[optimizer] * BODY_TIMES[kind]
    usual_head = usual * HEAD_TIMES[kind]
    pairs = zip(mask.tree.parameters, mask.trains, strict=True)
    body_trains = [p for p, train in pairs if train and not is_head(p)]
    trains = sum(p.numel for p in body_trains)
    if trains and all(p.adapter for p in body_trains):
        usual *= ADAPTER_TIMES[kind]
    elif not trains:
        usual_head *= ALONE_TIMES[kind]
    elif trains < FEW * mask.tree.total:
        usual *= FEW_TIMES
    return Rates(body or usual, head or usual_head)


def is_head(parameter: Parameter) -> bool:
    """Whether it takes the head's rate: the head itself, and what the checkpoint lacked."""
    return (parameter.kind == "head" or parameter.new) and not parameter.adapter


def model_kind(source: ModelSource | None, tree: LayerTree) -> ModelKind:
    """What rates suit a model: those of the data that a probe would try it on, unless it keeps its language head and
    weights that know a language.

    `source` is None for a model object of a person's own.
    """
    task = source.task if source else None
    root = tree.layers[0].type
    fresh = source is not None and source.weights == "random" or any(p.new for p in tree.parameters)
    if task in LANGUAGE_TASKS or (task is None and root.endswith(LANGUAGE_MODELS)):
        return "text" if fresh else "language-model"
    return kind_for(tree)


def group_rates(tree: LayerTree, rates: Rates, layer_decay: float | None = None) -> list[float]:
    """The learning rate of each of the tree's parameters.

    Args:
        layer_decay: factor on the rate for each block between a parameter and the head, above 0 and at most 1; what
            stands before the blocks is one further away than the first of them.
    """
    blocks = tree.blocks
    distance = {path: len(blocks) - i for i, block in enumerate(blocks) for path in tree.modules_of(block)}
    distance |= dict.fromkeys(tree.before_blocks, len(blocks) + 1)
    found = []
    for parameter in tree.parameters:
        places = (*prefixes(parameter.name), parameter.name)
        away = next((distance[path] for path in places if path in distance), 0)
        rate = rates.head if is_head(parameter) else rates.body
        found.append(rate if layer_decay is None else rate * layer_decay**away)
    return found
