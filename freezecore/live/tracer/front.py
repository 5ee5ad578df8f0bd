"""The tracer's doors: a trace of a source (cached on disk), of a module, or of a module on a batch of one's own."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from importlib import metadata

from torch import nn
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    UnsupportedOperatorException,
)

from freezecore import store
from freezecore.errors import FreezeError, TraceError, WorkloadError, shortened
from freezecore.live.tracer.build import BATCH_SIZES, Tracer, distinct_bytes
from freezecore.live.tracer.inputs import Inputs, batches, check_sizes, own_batch
from freezecore.live.tracer.join import Unlike
from freezecore.source import ModelSource
from freezecore.trace import FORMAT, Missing, Trace, TracedParameter
from freezecore.workload import Workload

CACHE = "traces"
MOST_TRACERS = 4
_TRACERS: dict[str, Tracer] = {}  # the latest few, so that what is missing can be probed without tracing again


def trace_source(source: ModelSource, workload: Workload) -> Trace:
    """The trace of a source under a workload, from the cache where it was traced before.

    Raises:
        SourceError: the source cannot be built.
        WorkloadError: a size that the model refuses.
    """
    key = _key(source, workload)
    content = store.read(CACHE, key)
    if content is not None:
        try:
            return replace(Trace.from_bytes(content), workload=workload)
        except TraceError:
            store.forget(CACHE, key)
    from freezecore.live.build import meta

    trace, tracer = _traced(meta(source).model, workload, str(source))
    if tracer is not None:
        _remember(key, tracer)
    store.write(CACHE, key, trace.to_bytes())
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


def fill(trace: Trace, model: ModelSource | nn.Module, missing: Iterable[Missing | tuple]) -> Trace:
    """The trace with these combinations probed; that of a source is also stored."""
    wanted = [Missing(*item) for item in missing]
    if isinstance(model, nn.Module):
        tracer = _tracer(model, trace.workload, None, trace.batch_sizes)
        tracer.trace(trace.source, trace.versions)
        return tracer.filled(trace, wanted)
    key = _key(model, trace.workload)
    if key not in _TRACERS:
        from freezecore.live.build import meta

        tracer = _tracer(meta(model).model, trace.workload, None, trace.batch_sizes)
        tracer.trace(trace.source, trace.versions)
        _remember(key, tracer)
    filled = _TRACERS[key].filled(trace, wanted)
    store.write(CACHE, key, filled.to_bytes())
    return filled


def _traced(
    model: nn.Module, workload: Workload, label: str, inputs: Inputs | None = None
) -> tuple[Trace, Tracer | None]:
    if inputs is None:
        check_sizes(model, workload, label)
    problem = ""
    for batch_sizes in (BATCH_SIZES, (workload.batch_size,)):
        try:
            tracer = _tracer(model, workload, inputs, batch_sizes)
            return tracer.trace(label, _versions()), tracer
        except FreezeError:
            raise
        except Unlike as error:
            problem = f"The step differs between batch sizes or modes: {error}."
        except Exception as error:  # a model's own code, run on tensors without values
            cause = f"({type(error).__name__}: {shortened(' '.join(str(error).split()), 160)})"
            if inputs is None and not _wants_values(error) and (size := _size_asked(workload)):
                raise WorkloadError(
                    f"{label} refuses {size} {cause}.", "Leave it out to take the model's own."
                ) from error
            problem = f"The model's own code cannot be followed without running it {cause}."
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


def inputs_of(model: nn.Module, workload: Workload) -> Inputs:
    """The inputs with which `trace_module` follows a model; raises what the model raises."""
    return _tracer(model, workload, None).inputs


def _wants_values(error: Exception) -> bool:
    """Whether this is a step that depends on values, which fake tensors have not."""
    known = (DataDependentOutputException, DynamicOutputShapeException, UnsupportedOperatorException)
    return isinstance(error, known) or "data-dependent" in str(error)


def _size_asked(workload: Workload) -> str:
    if workload.image_size:
        return f"an image size of {workload.image_size}"
    return f"a sequence length of {workload.sequence_length}" if workload.sequence_length else ""


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
    return Trace(label, workload, tuple(parameters), buffers, problem=problem, versions=_versions())


def _remember(key: str, tracer: Tracer) -> None:
    _TRACERS[key] = tracer
    while len(_TRACERS) > MOST_TRACERS:
        del _TRACERS[next(iter(_TRACERS))]


def _key(source: ModelSource, workload: Workload) -> str:
    """Everything that a trace depends on; the batch size is not among it, nor what only the optimizer needs."""
    step = {k: v for k, v in workload.to_json().items() if k in ("image_size", "sequence_length", "precision")}
    step |= {"checkpointing": workload.checkpointing, "device": workload.device}
    return json.dumps([FORMAT, str(source), source.task, source.num_labels, step, _versions()], sort_keys=True)


def _versions() -> dict[str, str]:
    found = {}
    for name in ("torch", "timm", "transformers"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
