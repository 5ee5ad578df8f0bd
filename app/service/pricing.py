"""What a selection costs: the one place where the page asks for a price.

A model's training step is traced once, in the background, and shared by all visitors; from its trace follows the cost
of every selection.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any

from freezecore._estimate import (
    AnyEstimate,
    CurvePoint,
    Estimate,
    Price,
    Pricer,
    Timeline,
    costliest,
    depth_curve,
    estimate,
    full_estimate,
    part_prices,
    prices,
    timeline,
)
from freezecore._estimate.at_rank import trace_at_rank
from freezecore._estimate.budget import CardFit, fits
from freezecore._trace import Trace
from freezecore.cache.memory import Recent
from freezecore.datasets import kind_for
from freezecore.errors import FreezeError
from freezecore.mask import Mask
from freezecore.source import ModelSource
from freezecore.workload import Workload

from ..link import Link
from . import backend
from .expected import ForwardWork
from .ranks import at_any_rank
from .selection import MOST_SELECTIONS, ModelSelection, select, source_of, step_of

MOST_TRACES = 32
COMPLETE = 2
ID_BYTES = 8  # of a token's number, an int64
PICTURE_SCHEMES = ("timm", "torchvision")
COLOURS, FLOAT_BYTES = 3, 4  # of a picture, and of each of its values
FAILURE_KEPT_S = 20.0
PRICED_TOGETHER = 12  # paths: what a page without threads does between two questions


@dataclass(frozen=True)
class KnownCost:
    """What is known of a selection's cost; nothing while its training step is being traced, or cannot be.

    Of a schedule it is the cost of its dearest phase: what trains in it is `mask`, from this `epoch` on. With a fault
    the estimates, if any, are an earlier selection's.
    """

    trace: Trace | None = None
    cost: AnyEstimate | None = None
    full: AnyEstimate | None = None
    mask: Mask | None = None
    epoch: int = 0
    fault: FreezeError | None = None

    @property
    def has_peak(self) -> bool:
        return self.cost is not None and self.cost.known

    @property
    def is_awaited(self) -> bool:
        """Whether the step is still being traced."""
        return self.cost is None and self.fault is None


@dataclass(frozen=True)
class Reference:
    """What every selection of a model and workload is seen beside; empty where the step cannot be traced."""

    trace: Trace | None = None
    points: tuple[CurvePoint, ...] = ()
    prices: Mapping[str, Price] = field(default_factory=dict)
    part_points: Mapping[str, tuple[CurvePoint, ...]] = field(default_factory=dict)
    part_prices: Mapping[str, Price] = field(default_factory=dict)


NO_REFERENCE = Reference()


def known_cost(selection: ModelSelection, beside_full: bool = True) -> KnownCost:
    """What is known by now, without waiting; `beside_full` also says what training everything costs, and has the
    reference made: what is only listed beside a selection has no chart that would show one."""
    if not (stage_of(selection) if beside_full else _is_followed(selection)):
        return KnownCost()
    try:
        trace, cost, epoch = cost_of(selection)
        full = full_of(selection, trace) if beside_full else None
        return KnownCost(trace, cost, full, selection.phases[epoch], epoch)
    except FreezeError as error:
        return KnownCost(fault=error)


def cost_of(selection: ModelSelection) -> tuple[Trace, AnyEstimate, int]:
    """What a training step of this selection costs; a mask of a new kind is measured once and then known.

    Of a schedule, what its dearest phase costs, and from which epoch on that is.

    Raises:
        TraceError: the step cannot be traced.
        WorkloadError: a size that the model refuses.
    """
    key = _traced_step(selection)
    phases, batch = selection.phases, selection.link.batch
    trace = _traces.read(key) or _trace_future(selection).result()
    pricer = Pricer(trace, lambda _, missing: _filled(*key, missing))
    try:
        about = _cost_key(trace, selection)
        cost, epoch = _remembered(
            about, trace, lambda: _dearest(phases, lambda mask: pricer.estimate(mask, batch_size=batch))
        )
    except FreezeError:  # what is missing could not be measured
        return trace, *_dearest(phases, lambda mask: estimate(trace, mask, batch_size=batch))
    if pricer.trace is not trace:
        _traces.write(key, pricer.trace)
    return pricer.trace, cost, epoch


def _dearest(phases: Mapping[int, Mask], price: Callable[[Mask], AnyEstimate]) -> tuple[AnyEstimate, int]:
    """The estimate with the highest peak, or one whose peak is unknown, and the epoch that its phase begins with."""
    costs = {epoch: price(mask) for epoch, mask in phases.items()}
    epoch = costliest(costs)
    return costs[epoch], epoch


def full_of(selection: ModelSelection, trace: Trace) -> AnyEstimate:
    """What training everything costs."""
    batch = selection.link.batch
    key = ("full", id(trace), batch)
    return _remembered(key, trace, lambda: full_estimate(trace, selection.tree, batch_size=batch))


def fit_of(selection: ModelSelection, known: KnownCost) -> CardFit:
    """How a selection whose peak is known fits on its card, with the largest batch that does: some more estimates."""
    trace, card, batch = known.trace, selection.card, selection.link.batch
    mask = known.mask or selection.mask
    return _remembered(
        ("fit", id(trace), selection.rules, batch, card),
        trace,
        lambda: fits(trace, mask, batch_size=batch, cards=(card,), cost=known.cost)[0],
    )


def told_cost(selection: ModelSelection, step: tuple[Trace, Reference], cost: Estimate, fit: CardFit | None) -> None:
    """Take what a selection of one phase costs in this step, and how it fits on its card, as another has found it."""
    trace, card, batch = step[0], selection.card, selection.link.batch
    _estimates.write(_cost_key(trace, selection), (trace, (cost, 0)))
    if fit:
        _estimates.write(("fit", id(trace), selection.rules, batch, card), (trace, fit))


def known_step(selection: ModelSelection) -> tuple[Trace, Reference] | None:
    """The trace and the reference that price a selection; None until both are there. Nothing is begun."""
    trace = _traces.read(_traced_step(selection))
    future = _references.read((selection.source, selection.workload, id(trace))) if trace else None
    return (trace, future.result()) if trace and future and future.done() else None


def is_priced(selection: ModelSelection) -> bool:
    """Whether its cost is remembered."""
    trace = _traces.read(_traced_step(selection))
    return trace is not None and (_estimates.read(_cost_key(trace, selection)) or (None,))[0] is trace


def _cost_key(trace: Trace, selection: ModelSelection) -> tuple:
    return "cost", id(trace), selection.rules, selection.link.batch


def timelines_of(selection: ModelSelection) -> tuple[Timeline, Timeline, Estimate] | None:
    """What is alive through a step of this selection, the same when everything trains, and what the first costs; None
    where that is unknown.

    Raises:
        FreezeError: what `cost_of` raises.
    """
    trace, cost, epoch = cost_of(selection)
    if not (cost.known and full_of(selection, trace).known):
        return None
    batch, mask, author = selection.link.batch, selection.phases[epoch], Mask.as_author(selection.tree)
    about = ("timeline", id(trace), selection.rules, batch)
    told, full = _remembered(
        about, trace, lambda: tuple(timeline(trace, one, batch_size=batch) for one in (mask, author))
    )
    return told, full, cost


def reference_of(selection: ModelSelection) -> Reference:
    """What is the same for every selection of a model and workload; empty until it was made, in the background."""
    future = _reference_future(selection)
    return future.result() if future and future.done() else NO_REFERENCE


def stage_of(selection: ModelSelection) -> int:
    """How much is known: 0 nothing of the cost, 1 the cost of a selection, 2 the depth curve and prices as well.

    What is missing is being made in the background from now on.
    """
    if not _is_followed(selection):
        return 0
    future = _reference_future(selection)
    return COMPLETE if future is None or future.done() else 1


def _is_followed(selection: ModelSelection) -> bool:
    """Whether its step was traced, or could not be; it is being traced from now on."""
    return _traces.read(_traced_step(selection)) is not None or _trace_future(selection).done()


def is_traced(selection: ModelSelection) -> bool:
    """Whether its step was traced; nothing is begun where it was not."""
    return _traces.read(_traced_step(selection)) is not None


def own_tokens(link: Link) -> int | None:
    """How many tokens a text model's training step takes where the link asks for no size; None until it was traced."""
    trace = _traces.read(step_of(replace(link, size=None)))
    if trace is None or not trace.batch:
        return None
    tree = select(replace(link, rules=None)).tree  # whatever is wrong with the rules is told beside their box
    only_text = kind_for(tree) == "text" and len(tree.towers) == 1
    return trace.amounts[trace.batch[0]].linear // ID_BYTES if only_text else None


def own_pixels(link: Link) -> int | None:
    """The side of the square pictures that a step of a picture model takes where the link asks for no size; None
    until it was traced, and where pictures are no such squares of three colours."""
    trace = _traces.read(step_of(replace(link, size=None)))
    if trace is None or not trace.batch or source_of(link).scheme not in PICTURE_SCHEMES:
        return None
    values, rest = divmod(trace.amounts[trace.batch[0]].linear, COLOURS * FLOAT_BYTES)
    side = math.isqrt(values)
    return side if side and not rest and side * side == values else None


def forward_work(selection: ModelSelection) -> ForwardWork | None:
    """What one sample takes forward, from the step that was traced; None where it was not."""
    known = known_cost(selection) if is_traced(selection) else KnownCost()
    if known.cost is None or not known.has_peak:
        return None
    text, size = kind_for(selection.tree) == "text", selection.link.size
    fixed = not text and any(p.kind == "embedding" for p in selection.tree.parameters)
    if size is None and not fixed:
        size = own_tokens(selection.link) if text else _own_pixels(selection)
    return ForwardWork(known.cost.flops_forward / selection.link.batch, None if fixed else size, text)


def _own_pixels(selection: ModelSelection) -> int | None:
    """A side of the pictures that the step was traced with."""
    trace = _traces.read(_traced_step(selection))
    if trace is None or not trace.batch:
        return None
    return round(math.sqrt(trace.amounts[trace.batch[0]].linear / (COLOURS * FLOAT_BYTES)))


def _traced_step(selection: ModelSelection) -> tuple[ModelSource, Workload]:
    """The step whose trace prices this selection; at its own batch size, where a model runs differently at each."""
    key, batch = selection.traced_step, selection.link.batch
    trace = _traces.read(key)
    if trace is None or len(trace.batch_sizes) != 1 or trace.batch_sizes[0] == batch:
        return key
    source, workload = key
    return source, replace(workload, batch_size=batch)


def _trace_future(selection: ModelSelection) -> Future:
    """The trace on its way; one that failed is asked for again after a while, since files and networks change."""
    key = _traced_step(selection)
    with _asking:
        future, begun = _futures.read(key) or (None, 0.0)
        failed = future is not None and future.done() and future.exception() is not None
        if future is None or (failed and time.monotonic() - begun > FAILURE_KEPT_S):
            future = backend.shared().submit(_make_trace, key)
            _futures.write(key, (future, time.monotonic()))
        return future


def _make_trace(key: tuple[ModelSource, Workload]) -> Trace:
    source, workload = key

    def followed(one: ModelSource) -> Trace:
        known = _traces.read((one, workload))
        if known is None:
            _traces.write((one, workload), known := backend.shared().trace(one, workload))
        return known

    trace = at_any_rank(source, followed, trace_at_rank)
    _traces.write(key, trace)
    return trace


def _filled(source: ModelSource, workload: Workload, missing: tuple) -> Trace:
    """The trace with combinations that it lacked; of adapters at a rank of its own from those of two ranks."""
    return at_any_rank(source, lambda one: backend.shared().fill(one, workload, missing), trace_at_rank)


def _reference_future(selection: ModelSelection) -> Future | None:
    """The reference on its way; None where the step was not traced."""
    trace = _traces.read(_traced_step(selection))
    if trace is None:
        return None
    key = (selection.source, selection.workload, id(trace))
    with _asking:
        future = _references.read(key)
        if future is None:
            future = backend.shared().submit(_make_reference, trace, selection)
            _references.write(key, future)
        return future


def _make_reference(trace: Trace, selection: ModelSelection) -> Generator[None, None, Reference]:
    tree, batch = selection.tree, selection.link.batch
    outer = [layer.path for layer in tree.layers if layer.path and "." not in layer.path and layer.parameters]
    sections = [path for part in tree.parts for path in part.paths]
    paths = list(dict.fromkeys((*outer, *sections, *tree.blocks)))
    found: dict[str, Price] = {}
    try:
        yield
        points = depth_curve(trace, tree, batch_size=batch)
        of_parts: dict[str, tuple[CurvePoint, ...]] = {}
        for part in tree.parts:
            yield
            if curve := depth_curve(trace, tree, batch_size=batch, part=part.name):
                of_parts[part.name] = curve
        yield
        priced = part_prices(trace, tree, batch_size=batch)
        for start in range(0, len(paths), PRICED_TOGETHER):
            yield
            found |= prices(trace, tree, paths[start : start + PRICED_TOGETHER], batch_size=batch)
        return Reference(trace, points, found, of_parts, priced)
    except FreezeError:  # the cost of the selection, asked for at the same time, says what is wrong
        return Reference(trace)


def _remembered(key: tuple, trace: Trace, make: Callable[[], Any]) -> Any:
    """What `make` made for this trace, now or before."""
    of, value = _estimates.read(key) or (None, None)
    if of is not trace:
        value = make()
        _estimates.write(key, (trace, value))
    return value


_traces = Recent(MOST_TRACES)
_futures = Recent(MOST_TRACES)
_asking = threading.Lock()
_references = Recent(MOST_TRACES)
_estimates = Recent(MOST_SELECTIONS)
