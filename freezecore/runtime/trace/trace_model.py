"""The tracer's doors: a trace of a source (cached on disk), of a module, or of a module on a batch of one's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from torch import nn
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    UnsupportedOperatorException,
)

from freezecore._estimate.cost import estimate
from freezecore._trace import Missing, Trace, TracedParameter
from freezecore.cache import traces
from freezecore.cache.keys import versions
from freezecore.errors import FreezeError, TraceError, WorkloadError, shortened
from freezecore.mask import Mask
from freezecore.runtime.trace.batch_pair import Unlike
from freezecore.runtime.trace.build import BATCH_SIZES, Tracer
from freezecore.runtime.trace.inputs import Inputs, batches, check_sizes, own_batch, own_shapes
from freezecore.runtime.trace.steps import distinct_bytes
from freezecore.sentences import say
from freezecore.source import ModelSource
from freezecore.workload import Workload

MOST_TRACERS = 4
MOST_ROUNDS = 8  # what one round finds out may raise new questions further on
_TRACERS: dict[str, Tracer] = {}  # the latest few, so that what is missing can be probed without tracing again


def trace_source(source: ModelSource, workload: Workload) -> Trace:
    """The trace of a source under a workload, from the cache where it was traced before.

    Raises:
        SourceError: the source cannot be built.
        WorkloadError: a size that the model refuses.
    """
    if (trace := traces.stored(source, workload)) is not None:
        return trace
    from freezecore.runtime.build.source import meta

    trace, tracer = _traced(meta(source).model, workload, str(source))
    if tracer is not None:
        _remember(traces.key_of(source, workload), tracer)
    traces.keep(source, trace)
    return trace


def trace_module(model: nn.Module, workload: Workload, label: str = "") -> Trace:
    """The trace of a module, which is copied without its weights and never changed."""
    return _traced(model, workload, label or type(model).__name__)[0]


def trace_batch(model: nn.Module, batch: object, workload: Workload | None = None) -> Trace:
    """The trace of a module on a batch of one's own: a tensor, a tuple of arguments, or a dictionary of keywords.

    The batch's first dimension is the batch size; labels in a dictionary are left out.
    """
    size, inputs = own_batch(batch)
    workload = replace(workload or Workload(), batch_size=size)
    return _traced(model, workload, type(model).__name__, inputs)[0]


def trace_shapes(source: ModelSource, workload: Workload, shapes: Sequence[str], masks: Iterable[Mask]) -> Trace:
    """The trace of a source on inputs of a person's own shapes, with everything probed that these masks need.

    Raises:
        TraceError: the model does not run on such inputs.
        WorkloadError: a text is no shape.
    """
    from freezecore.runtime.build.source import meta

    inputs, masks = own_shapes(shapes), list(masks)
    trace, tracer = _traced(meta(source).model, workload, str(source), inputs)
    if tracer is None:
        raise TraceError(
            "{source} does not run on {shapes}: {problem}",
            "Leave them out to have inputs made up.",
            source=source,
            shapes=" ".join(shapes),
            problem=trace.problem,
        )
    for _ in range(MOST_ROUNDS):
        missing = {one for mask in masks for one in estimate(trace, mask).missing}
        if not missing:
            break
        trace = tracer.filled(trace, list(missing))
    return trace


def fill(trace: Trace, model: ModelSource | nn.Module, missing: Iterable[Missing | tuple]) -> Trace:
    """The trace with these combinations probed; that of a source is also stored."""
    wanted = [Missing(*item) for item in missing]
    if isinstance(model, nn.Module):
        return followed(model, trace.workload, trace.batch_sizes).filled(trace, wanted)
    key = traces.key_of(model, trace.workload)
    if key not in _TRACERS:
        from freezecore.runtime.build.source import meta

        _remember(key, followed(meta(model).model, trace.workload, trace.batch_sizes))
    filled = _TRACERS[key].filled(trace, wanted)
    traces.keep(model, filled)
    return filled


def complete(trace: Trace, model: ModelSource | nn.Module, masks: Iterable[Mask]) -> Trace:
    """The trace with everything probed that these masks need."""
    masks = list(masks)
    for _ in range(MOST_ROUNDS):
        missing = {one for mask in masks for one in estimate(trace, mask).missing}
        if not missing:
            break
        trace = fill(trace, model, missing)
    return trace


def _traced(
    model: nn.Module, workload: Workload, label: str, inputs: Inputs | None = None
) -> tuple[Trace, Tracer | None]:
    if inputs is None:
        check_sizes(model, workload, label)
    problem = ""
    for batch_sizes in (BATCH_SIZES, (workload.batch_size,)):
        try:
            tracer = _tracer(model, workload, inputs, batch_sizes)
            return tracer.trace(label, versions()), tracer
        except FreezeError:
            raise
        except Unlike as error:
            problem = say("The step differs between batch sizes or modes: {cause}.", cause=error)
        except Exception as error:  # a model's own code, run on tensors without values
            kind, cause = type(error).__name__, shortened(" ".join(str(error).split()), 160)
            if inputs is None and not _wants_values(error) and (size := _size_asked(workload)):
                raise WorkloadError(
                    "{source} refuses {size} ({kind}: {cause}).",
                    "Leave it out to take the model's own.",
                    source=label,
                    size=size,
                    kind=kind,
                    cause=cause,
                ) from error
            problem = say(
                "The model's own code cannot be followed without running it ({kind}: {cause}).", kind=kind, cause=cause
            )
            break
    return _untraced(model, workload, label, problem), None


def _tracer(
    model: nn.Module, workload: Workload, inputs: Inputs | None, batch_sizes: tuple[int, ...] = BATCH_SIZES
) -> Tracer:
    """A tracer with inputs that the model accepts."""
    tracer = Tracer(model, workload, inputs, predicts_next(model), batch_sizes)
    if inputs is None:
        tracer.inputs = _accepted(tracer, batches(model, workload))
    return tracer


def _accepted(tracer: Tracer, candidates: Iterable[Inputs]) -> Inputs:
    """Of the inputs that may suit a model, the first that it runs on; raises what it said of the first."""
    refusal = None
    for inputs in candidates:
        tracer.inputs = inputs
        try:
            tracer.try_forward()
            return inputs
        except Exception as error:  # a model's own code, on a batch that does not suit it
            refusal = refusal or error
    raise refusal


def followed(model: nn.Module, workload: Workload, batch_sizes: tuple[int, ...] = BATCH_SIZES) -> Tracer:
    """A tracer that has followed the model, and can be asked about its operations; raises what the model raises."""
    tracer = _tracer(model, workload, None, batch_sizes)
    tracer.trace("", {})
    return tracer


def inputs_of(model: nn.Module, workload: Workload) -> Inputs:
    """The inputs with which `trace_module` follows a model; raises what the model raises."""
    return _tracer(model, workload, None).inputs


def _wants_values(error: Exception) -> bool:
    """Whether this is a step that depends on values, which fake tensors have not."""
    known = (DataDependentOutputException, DynamicOutputShapeException, UnsupportedOperatorException)
    return isinstance(error, known) or "data-dependent" in str(error) or "data-independent" in str(error)


def _size_asked(workload: Workload) -> str:
    if workload.image_size:
        return say("an image size of {size}", size=workload.image_size)
    return say("a sequence length of {length}", length=workload.sequence_length) if workload.sequence_length else ""


def predicts_next(model: nn.Module) -> bool:
    name = type(model).__name__
    return "CausalLM" in name or "LMHead" in name


def _untraced(model: nn.Module, workload: Workload, label: str, problem: str) -> Trace:
    """What is known of a model whose forward cannot be followed: its parameters and buffers."""
    half = workload.precision == "bf16"
    parameters = [
        TracedParameter(name, value, p.numel(), 2 if half and p.is_floating_point() else p.element_size(), True)
        for value, (name, p) in enumerate(model.named_parameters())
    ]
    buffers = tuple(distinct_bytes(model.buffers()))
    return Trace(label, workload, tuple(parameters), buffers, problem=problem, versions=versions())


def _remember(key: str, tracer: Tracer) -> None:
    _TRACERS[key] = tracer
    while len(_TRACERS) > MOST_TRACERS:
        del _TRACERS[next(iter(_TRACERS))]
