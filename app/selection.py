"""What a link means: a tree, a mask, and what that costs; traces are asked for once and shared by all visitors."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace

from freezecore.estimate import Estimate, estimate

from app import analyst
from app.link import Link
from freezecore.errors import FreezeError
from freezecore.mask import Mask
from freezecore.resolve import resolve
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from freezecore.trace import Trace
from freezecore.tree import LayerTree
from freezecore.workload import Workload

TRACED_BATCH = 32
OPENING_RULES = "freeze all; train head"
MOST_TRACES = 32
SMALLEST_VOCABULARY = 1_000


@dataclass(frozen=True)
class Selection:
    """A model and what of it trains."""

    link: Link
    source: ModelSource
    tree: LayerTree
    spec: FreezeSpec
    mask: Mask

    @property
    def rules(self) -> str:
        return str(self.spec)


def source_of(link: Link) -> ModelSource:
    """The model that the link names, shapes only."""
    return ModelSource.parse(link.model, task=link.task, num_labels=link.labels)


def workload_of(link: Link) -> Workload:
    """The training step that the link describes."""
    return Workload(
        batch_size=link.batch,
        image_size=link.size,
        sequence_length=link.size,
        optimizer=link.optimizer,
        precision=link.precision,
        checkpointing=link.checkpointing,
        device=link.device,
    )


def select(link: Link, tree: LayerTree | None = None) -> Selection:
    """The link's model under its rules; without rules, its head alone trains.

    Raises:
        SourceError: the model cannot be opened.
        RuleError: the rules cannot be read, or hit nothing.
    """
    source = source_of(link)
    tree = tree or analyst.shared().tree(source)
    spec = FreezeSpec.parse(link.rules if link.rules is not None else opening(tree))
    return Selection(link, source, tree, spec, resolve(spec, tree))


def opening(tree: LayerTree) -> str:
    """The rules a model opens with: its head trains, or everything where no head was found."""
    return OPENING_RULES if tree.head else "train all"


def reads_text(tree: LayerTree) -> bool:
    """Whether it takes token ids: it has a table of embeddings with a row a word."""
    return any(
        p.kind == "embedding" and len(p.shape) == 2 and p.shape[0] >= SMALLEST_VOCABULARY for p in tree.parameters
    )


def trace_of(selection: Selection) -> Trace:
    """The training step of the link's workload, at a batch size from which every other one follows.

    Raises:
        TraceError: the step cannot be followed.
        WorkloadError: a size that the model refuses.
    """
    workload = replace(workload_of(selection.link), batch_size=TRACED_BATCH)
    known = _traces.read((selection.source, workload))
    if known is None:
        known = analyst.shared().trace(selection.source, workload)
        _traces.write((selection.source, workload), known)
    return known


def cost_of(selection: Selection) -> tuple[Trace, Estimate]:
    """What a training step of this selection costs; a mask of a new kind is measured once and then known."""
    trace = trace_of(selection)
    cost = estimate(trace, selection.mask, batch_size=selection.link.batch)
    if not cost.missing:
        return trace, cost
    workload = replace(workload_of(selection.link), batch_size=TRACED_BATCH)
    try:
        trace = analyst.shared().fill(selection.source, workload, cost.missing)
    except FreezeError:
        return trace, cost
    _traces.write((selection.source, workload), trace)
    return trace, estimate(trace, selection.mask, batch_size=selection.link.batch)


class _Recent:
    """The traces looked at last, shared by all threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[object, Trace] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, key: object) -> Trace | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def write(self, key: object, trace: Trace) -> None:
        with self._lock:
            self._kept[key] = trace
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


_traces = _Recent(MOST_TRACES)
