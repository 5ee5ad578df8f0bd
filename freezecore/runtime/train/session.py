"""What many runs on one model and one data set share: the data, the model, its first weights, kept prefixes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from freezecore._resolve import resolve_phases
from freezecore.cache import trees
from freezecore.errors import ProbeError
from freezecore.mask import Mask
from freezecore.probe import Emit, ProbeRequest, silent
from freezecore.rates import ModelKind, model_kind
from freezecore.runtime import device as devices
from freezecore.runtime.build.built import Built
from freezecore.runtime.build.source import build
from freezecore.runtime.data.encode import encode
from freezecore.runtime.data.read import read
from freezecore.runtime.data.samples import Dataset, Raw
from freezecore.runtime.prefix import Prefix, PrefixCache
from freezecore.runtime.train.batches import Feed, call
from freezecore.runtime.train.scenes import SceneFeed
from freezecore.runtime.train.step import PlainStep
from freezecore.runtime.tree.adapted import adapted_tree
from freezecore.runtime.tree.layers import read_module
from freezecore.runtime.tree.marks import ADAPTER
from freezecore.source import TRAINED_TASKS, ModelSource
from freezecore.tree import LayerTree

LEAK = 1e-3  # share of the largest score that what follows a token may change: kernels round
MOST_OF_TRAINING = 1_000  # samples of the training data that are scored after a run


class Session:
    """A model and a data set, loaded once, on which runs with other selections, seeds and rates follow each other.

    Each run starts from the same weights as a process of its own would, so its numbers are the same.

    Attributes:
        tree: the model's layers, its new head included.
        data: the samples as the model takes them.
        before: predictions on the held-out samples before any training, by seed.
        prefixes: kept prefixes.
        training_scored: how many samples of the training data a run scores at its end.
        cuts, plain: verified cuts and what a step without them takes, by mask, batch size and optimizer.
    """

    def __init__(self, request: ProbeRequest, emit: Emit = silent, *, scores_training: bool = True) -> None:
        """Read the data and build the model; the selection is not looked at.

        `scores_training` is whether runs end with a score of the training samples too.

        Raises:
            FreezeError: no such model or data, or the two do not go together.
        """
        if request.source.quantize:
            raise ProbeError(
                "A base in {kind} is priced here, not trained.",
                "Try the adapter on the base as it is: leave 'quantize' out.",
                kind=request.source.quantize,
            )
        self.device = devices.choose(request.device)
        devices.keep_freed_memory(self.device)
        emit({"event": "phase", "phase": "data"})
        raw = read(request)
        self.source = headed(request.source, raw)
        emit({"event": "phase", "phase": "model"})
        torch.manual_seed(request.seed)
        built = build(self.source)
        self.model: nn.Module = built.model
        self.tree: LayerTree = _tree_of(built, str(request.source))
        self.data: Dataset = encode(raw, self.model, self.source, request)
        layout = self._to_device()
        feed = SceneFeed if raw.scenes else Feed
        self.train = feed(self.model, self.data.train, self.data, self.device, layout)
        self.test = feed(self.model, self.data.test, self.data, self.device, layout)
        if raw.continues:
            config: Any = self.model.config
            config.use_cache = False  # as trainers have it: what it keeps is for writing texts
            check_causal(self.test)
        self.before: dict[int, Tensor] = {}
        self.training_scored = min(len(self.train), MOST_OF_TRAINING) if scores_training else 0
        self.prefixes = PrefixCache()
        self.cuts: dict[object, Prefix] = {}
        self.plain: dict[object, PlainStep] = {}
        self._asked = (request.source, request.data)
        self._touched: dict[str, Tensor] = {}
        self._fresh = {request.seed: self._seeded(self.model, built.new)}

    def begin(self, request: ProbeRequest) -> list[tuple[int, Mask]]:
        """Put the model back to its first weights of the request's seed, and remember what the run will change.

        Returns:
            The run's masks, as `masks` has them.

        Raises:
            FreezeError: another model or other data, a rule that hits nothing, or nothing trains.
        """
        if (request.source, request.data) != self._asked:
            raise ProbeError(
                "This session holds {source} on {data}.",
                "Start another for other models and data.",
                source=self._asked[0],
                data=self._asked[1],
            )
        masks = self.masks(request)
        self._put_back(request.seed)
        self._remember(masks)
        return masks

    def masks(self, request: ProbeRequest) -> list[tuple[int, Mask]]:
        """The epoch from which each mask holds, and the mask.

        Raises:
            ProbeError: nothing trains in one of them.
        """
        masks = list(resolve_phases(request.spec, self.tree).items())
        for epoch, mask in masks:
            if not mask.trainable:
                raise ProbeError(
                    "All {count} parameters are frozen, so there is nothing to train."
                    if len(masks) == 1
                    else "All {count} parameters are frozen from epoch {epoch}, so there is nothing to train.",
                    "Add a rule such as 'train head'.",
                    count=len(self.tree.parameters),
                    epoch=epoch,
                )
        return masks

    @contextmanager
    def first_weights(self) -> Iterator[None]:
        """Inside, the model is as it was before the run that is under way."""
        tensors = self._tensors
        now = {name: tensors[name].detach().clone() for name in self._touched}
        _copy(self._touched, tensors)
        try:
            yield
        finally:
            _copy(now, tensors)

    @property
    def asked_source(self) -> ModelSource:
        """The source as the session was asked for with it."""
        return self._asked[0]

    @property
    def keeps_head(self) -> bool:
        """Whether the head is the model's own and knows its task."""
        return self.rates_kind == "language-model"

    @property
    def rates_kind(self) -> ModelKind:
        """Whose default learning rates suit it."""
        return model_kind(self.source, self.tree) if self.data.raw.continues else self.data.raw.kind

    @property
    def _tensors(self) -> dict[str, Tensor]:
        """Parameters and buffers by name."""
        return {**dict(self.model.named_parameters()), **dict(self.model.named_buffers())}

    def close(self) -> None:
        """Give kept prefixes back, on disk too."""
        self.prefixes.close()

    def _to_device(self) -> torch.memory_format:
        convolves = any(isinstance(module, nn.Conv2d) for module in self.model.modules())
        layout = torch.channels_last if convolves else torch.contiguous_format
        self.model.to(self.device).to(memory_format=layout)
        return layout

    def _seeded(self, model: nn.Module, new: frozenset[str]) -> dict[str, Tensor]:
        """Copies of the weights that a seed decides: those of the head and of adapters, or all where none are
        pretrained."""
        every = self.source.weights != "pretrained"
        named = model.named_parameters()
        return {n: t.detach().cpu().clone() for n, t in named if every or n in new or ADAPTER.search(n)}

    def _put_back(self, seed: int) -> None:
        """Undo the last run, and lay in this seed's fresh weights."""
        if seed not in self._fresh:
            torch.manual_seed(seed)
            built = build(self.source)
            self._fresh[seed] = self._seeded(built.model, built.new)
        _copy({**self._touched, **self._fresh[seed]}, self._tensors)

    def _remember(self, masks: list[tuple[int, Mask]]) -> None:
        """Copy what this run may change, before it does; on the host, where there is more room."""
        names = {name for _, mask in masks for name in mask.names()} | {name for name, _ in self.model.named_buffers()}
        tensors = self._tensors
        self._touched = {name: tensors[name].detach().cpu().clone() for name in names}


@torch.no_grad()
def _copy(values: dict[str, Tensor], tensors: dict[str, Tensor]) -> None:
    for name, value in values.items():
        tensors[name].copy_(value)


def _tree_of(built: Built, label: str) -> LayerTree:
    """The module's tree; one that was kept for its source is taken when it names the same tensors, with the marks
    that depend on the weights made anew."""
    kept = trees.stored(built.source)
    found = {name: (tuple(p.shape), str(p.dtype).removeprefix("torch.")) for name, p in built.model.named_parameters()}
    if kept is None or found != {p.name: (p.shape, p.dtype) for p in kept.parameters}:
        own = adapted_tree(built.model, built.base, built.source) if built.base else None
        tree = own or read_module(built.model, label, new=built.new)
        trees.keep(built.source, tree)
        return tree
    frozen = {name for name, parameter in built.model.named_parameters() if not parameter.requires_grad}
    marked = (replace(p, new=p.name in built.new, frozen_by_author=p.name in frozen) for p in kept.parameters)
    return replace(kept, source=label, parameters=tuple(marked))


def headed(source: ModelSource, raw: Raw) -> ModelSource:
    """The same source with a new head for this data, or with its own where texts are to be continued; its weights are
    real ones unless it asks for others.

    Raises:
        ProbeError: the source was opened for a task that cannot be trained here.
    """
    outputs = len(raw.classes) or 1
    if source.weights == "none":
        source = source.with_(weights="pretrained")
    if source.scheme in ("timm", "torchvision", "py"):
        return source.with_(num_labels=outputs)
    if raw.continues:
        return source.with_(task="causal-lm", num_labels=None)
    of_texts = "token-classification" if raw.target == "tags" else "sequence-classification"
    task = of_texts if raw.kind == "text" else "image-classification"
    if source.task not in (None, task):
        raise ProbeError(
            "{source} was opened for {task}, and {data} trains {fitting}."
            if source.task in TRAINED_TASKS
            else "{source} was opened for {task}, which is not trained here.",
            "Trained are {tasks}; the head of another task can be priced and exported.",
            source=source.label,
            task=source.task,
            data=raw.name,
            fitting=task,
            tasks=", ".join(TRAINED_TASKS),
        )
    return source.with_(task=task, num_labels=outputs)


@torch.no_grad()
def check_causal(feed: Feed) -> None:
    """Raise ProbeError where what the model says of a token depends on those that follow: it would read its answers."""
    batch = feed.batch(torch.zeros(1, dtype=torch.int64, device=feed.device))
    shown = int(batch["attention_mask"].sum())
    other = {**batch, "input_ids": batch["input_ids"].clone()}
    other["input_ids"][0, shown - 1] = batch["input_ids"][0, 0]
    was_training = feed.model.training
    feed.model.eval()
    one, two = (call(feed.model, inputs, 3)[0, : shown - 1].float() for inputs in (batch, other))
    feed.model.train(was_training)
    if one.numel() and float((one - two).abs().max()) > LEAK * float(one.abs().max()):
        raise ProbeError(
            "{model} sees the tokens that it is to predict, so its loss would say nothing.",
            "Choose a model that reads from left to right.",
            model=type(feed.model).__name__,
        )
