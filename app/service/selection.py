"""What a link means: a tree, a mask, and what that costs; traces are asked for once and shared by all visitors."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from app.link import Link
from app.service import analyst
from app.service.answer_cache import Recent
from freezecore._estimate import CurvePoint, Estimate, Price, depth_curve, estimate, full_estimate, prices
from freezecore._resolve import resolve
from freezecore._review import Finding, review
from freezecore._trace import Trace
from freezecore.datasets import kind_for
from freezecore.errors import FreezeError
from freezecore.mask import Mask
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from freezecore.tree import LayerTree
from freezecore.workload import Workload

TRACED_BATCH = 32
OPENING_RULES = "freeze all; train head"
MOST_TRACES = 32
MOST_SELECTIONS = 128
SELECTION_KEPT_S = 2.0  # one tick asks several times, and a file may have been edited since
COMPLETE = 2
FAILURE_KEPT_S = 20.0


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

    @property
    def workload(self) -> Workload:
        """The training step; raises where there is none of this size."""
        return workload_of(self.link, kind_for(self.tree) == "text")


@dataclass(frozen=True)
class Reference:
    """What every selection of a model and workload is seen beside; empty where the step cannot be followed."""

    trace: Trace | None = None
    points: tuple[CurvePoint, ...] = ()
    prices: Mapping[str, Price] = field(default_factory=dict)


def source_of(link: Link) -> ModelSource:
    """The model that the link names, shapes only."""
    return ModelSource.parse(link.model, task=link.task, num_labels=link.labels)


def workload_of(link: Link, text: bool = False) -> Workload:
    """The training step that the link describes; for a model that reads `text` its size counts tokens, else pixels.

    Raises:
        WorkloadError: there is no step of this size.
    """
    return Workload(
        batch_size=link.batch,
        image_size=None if text else link.size,
        sequence_length=link.size if text else None,
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
    key = (source, link.rules)
    known, until = _selections.read(key) or (None, 0.0)
    if known is None or time.monotonic() > until:
        tree = tree or analyst.shared().tree(source)
        if known is None or known.tree is not tree:
            spec = FreezeSpec.parse(link.rules if link.rules is not None else opening(tree))
            known = Selection(link, source, tree, spec, resolve(spec, tree))
        _selections.write(key, (known, time.monotonic() + SELECTION_KEPT_S))
    return replace(known, link=link)


def opening(tree: LayerTree) -> str:
    """The rules a model opens with: its head trains, or everything where no head was found."""
    return OPENING_RULES if tree.head else "train all"


def is_traced(selection: Selection) -> bool:
    """Whether the cost is known at once; if not, the trace is being made in the background from now on."""
    return _traces.read(_key(selection)) is not None or _pending(selection).done()


def cost_of(selection: Selection) -> tuple[Trace, Estimate]:
    """What a training step of this selection costs; a mask of a new kind is measured once and then known.

    Raises:
        TraceError: the step cannot be followed.
        WorkloadError: a size that the model refuses.
    """
    key = _key(selection)
    trace = _traces.read(key) or _pending(selection).result()
    cost = _estimated(trace, selection)
    if not cost.missing:
        return trace, cost
    try:
        trace = analyst.shared().fill(*key, cost.missing)
    except FreezeError:
        return trace, cost
    _traces.write(key, trace)
    return trace, _estimated(trace, selection)


def _estimated(trace: Trace, selection: Selection) -> Estimate:
    batch = selection.link.batch
    about = ("cost", id(trace), selection.rules, batch)
    return _known(about, trace, lambda: estimate(trace, selection.mask, batch_size=batch))


def step_of(link: Link) -> tuple[ModelSource, Workload]:
    """The step that is traced for a link of the model's own size: any batch size follows from one."""
    return source_of(link), replace(workload_of(link), batch_size=TRACED_BATCH)


def _key(selection: Selection) -> tuple[ModelSource, Workload]:
    return selection.source, replace(selection.workload, batch_size=TRACED_BATCH)


def _pending(selection: Selection) -> Future:
    """The trace on its way; one that failed is asked for again after a while, since files and networks change."""
    key = _key(selection)
    with _asking:
        future, begun = _futures.read(key) or (None, 0.0)
        failed = future is not None and future.done() and future.exception() is not None
        if future is None or (failed and time.monotonic() - begun > FAILURE_KEPT_S):
            future = _background.submit(_traced, key)
            _futures.write(key, (future, time.monotonic()))
        return future


def _traced(key: tuple[ModelSource, Workload]) -> Trace:
    trace = analyst.shared().trace(*key)
    _traces.write(key, trace)
    return trace


def findings_of(selection: Selection, fixes: bool = True) -> tuple[Finding, ...]:
    """What can be said against the selection, worst first; without `fixes` only what is wrong, much sooner."""
    return review(
        selection.tree,
        selection.mask,
        spec=selection.spec,
        workload=selection.workload,
        source=selection.source,
        prices=dict(reference_of(selection).prices),
        fixes=fixes,
    )


def full_of(selection: Selection, trace: Trace) -> Estimate:
    """What training everything costs."""
    batch = selection.link.batch
    return _known(("full", id(trace), batch), trace, lambda: full_estimate(trace, selection.tree, batch_size=batch))


def reference_of(selection: Selection) -> Reference:
    """What is the same for every selection of a model and workload; empty until it was made, in the background."""
    future = _referring(selection)
    return future.result() if future and future.done() else Reference()


def stage_of(selection: Selection) -> int:
    """How much is known: 0 nothing of the cost, 1 the cost of a selection, 2 the depth curve and prices as well.

    What is missing is being made in the background from now on.
    """
    if not is_traced(selection):
        return 0
    future = _referring(selection)
    return COMPLETE if future is None or future.done() else 1


def _referring(selection: Selection) -> Future | None:
    """The reference on its way; None where the step was not followed."""
    trace = _traces.read(_key(selection))
    if trace is None:
        return None
    about = (selection.source, selection.workload, id(trace))
    with _asking:
        future = _references.read(about)
        if future is None:
            future = _background.submit(_referred, trace, selection)
            _references.write(about, future)
        return future


def _referred(trace: Trace, selection: Selection) -> Reference:
    tree, batch = selection.tree, selection.link.batch
    outer = [layer.path for layer in tree.layers if layer.path and "." not in layer.path and layer.parameters]
    paths = dict.fromkeys((*outer, *tree.blocks))
    try:
        points = depth_curve(trace, tree, batch_size=batch)
        return Reference(trace, points, prices(trace, tree, paths, batch_size=batch))
    except FreezeError:  # the cost of the selection, asked for at the same time, says what is wrong
        return Reference(trace)


def _known(key: tuple, trace: Trace, make: Callable[[], Any]) -> Any:
    """What `make` made for this trace, now or before."""
    known = _estimates.read(key)
    if known is None or known[0] is not trace:
        known = (trace, make())
        _estimates.write(key, known)
    return known[1]


_selections = Recent(MOST_SELECTIONS)
_traces = Recent(MOST_TRACES)
_futures = Recent(MOST_TRACES)
_asking = threading.Lock()
_background = ThreadPoolExecutor(4, thread_name_prefix="trace")
_references = Recent(MOST_TRACES)
_estimates = Recent(MOST_SELECTIONS)
