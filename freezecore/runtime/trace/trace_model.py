"""Following a model's training step: a source (cached on disk), a module, or either on inputs of one's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

from torch import nn
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    UnsupportedOperatorException,
)

from freezecore._estimate.missing import Pricer
from freezecore._estimate.quantized import quantized_names, quantized_trace, unquantized
from freezecore._trace import Missing, Trace, TracedParameter
from freezecore.cache import traces
from freezecore.cache.keys import versions
from freezecore.errors import FreezeError, TraceError, WorkloadError, shortened
from freezecore.runtime.inputs.dense import matches
from freezecore.runtime.inputs.example import batches
from freezecore.runtime.inputs.own import Inputs, own_batch, own_shapes, takes_labels
from freezecore.runtime.inputs.torchvision import detects, set_picture_size
from freezecore.runtime.inputs.transformers import check_sizes
from freezecore.runtime.quiet import quiet
from freezecore.runtime.trace.batch_pair import Unlike
from freezecore.runtime.trace.fake import distinct_bytes
from freezecore.runtime.trace.loss import predicts_next
from freezecore.runtime.trace.record import NotFollowed
from freezecore.runtime.trace.tracer import BATCH_SIZES, Tracer
from freezecore.runtime.tree.layers import check
from freezecore.runtime.tree.read import read_source
from freezecore.sentences import Sentence, say
from freezecore.source import ModelSource
from freezecore.workload import Workload

MOST_TRACERS = 4


def trace_source(source: ModelSource, workload: Workload) -> Trace:
    """The trace of a source under a workload, from the cache where it was traced before.

    Raises:
        SourceError: the source cannot be built.
        WorkloadError: a size that the model refuses.
    """
    if (trace := traces.stored(source, workload)) is not None:
        return trace
    if source.quantize:
        return _quantized(source, trace_source(source.with_(quantize=None), workload))
    trace = _followed(*_step(source, workload))[0].under(workload)
    traces.keep(source, trace)
    return trace


def fill(trace: Trace, source: ModelSource, missing: Iterable[tuple]) -> Trace:
    """The trace of a source with these combinations measured, which is stored too.

    Raises:
        TraceError: torch does not differentiate what the step runs so.
    """
    if source.quantize:
        plain = source.with_(quantize=None)
        known, names = trace_source(plain, trace.workload), quantized_names(read_source(plain))
        lacking = unquantized(known, names, source.quantize, [Missing(*one) for one in missing])
        return _quantized(source, fill(known, plain, lacking))
    _, tracer = _followed(*_step(source, trace.workload))
    if tracer is None:
        return trace
    try:
        filled = tracer.filled(trace, [Missing(*one) for one in missing])
    except RuntimeError as error:
        raise TraceError(
            "The step is not followed. {cause}",
            "Try it for another device, or without checkpointing.",
            cause=shortened(str(error), 160),
        ) from error
    traces.keep(source, filled)
    return filled


def _quantized(source: ModelSource, trace: Trace) -> Trace:
    """The step of a source whose base is kept in fewer bits, from the step of the same without."""
    names = quantized_names(read_source(source.with_(quantize=None)))
    return quantized_trace(trace, names, source.quantize or "")


def source_pricer(source: ModelSource, workload: Workload) -> Pricer:
    """The prices of a source's masks; errors are those of `trace_source`."""
    return Pricer(trace_source(source, workload), lambda trace, missing: fill(trace, source, missing))


def module_pricer(model: nn.Module, workload: Workload | None = None, *, batch: object = None) -> Pricer:
    """The prices of a module's masks; it is copied without its weights and never changed.

    Args:
        batch: one of a person's own: a tensor, a tuple of arguments, or a dictionary of keywords, whose first
            dimension is the batch size; labels in a dictionary reach a forward that takes them, whose own loss is then
            followed. None has inputs made up.
    """
    check(model)
    workload, label = workload or Workload(), type(model).__name__
    if batch is None:
        trace, tracer = _traced(model, workload, label)
    else:
        size, inputs = own_batch(batch, model)
        workload = replace(workload, batch_size=size)
        trace, tracer = _traced(model, workload, label, inputs)
        if tracer is None and takes_labels(batch, model):
            second, tracer = _traced(model, workload, label, own_batch(batch)[1])
            note = say("the model's own loss, which cannot be followed, and its labels: one like it stands for it")
            trace = replace(second, notes=(*second.notes, note)) if tracer else trace
    return Pricer(trace, tracer.filled if tracer else _unfilled)


def shapes_pricer(source: ModelSource, workload: Workload, shapes: Sequence[str]) -> Pricer:
    """The prices of a source's masks on inputs of a person's own shapes, such as `3x224x224`.

    Raises:
        TraceError: the model does not run on such inputs.
        WorkloadError: a text is no shape.
    """
    from freezecore.runtime.build.source import meta

    trace, tracer = _traced(meta(source).model, workload, str(source), own_shapes(shapes))
    if tracer is None:
        raise TraceError(
            "{source} does not run on {shapes}: {problem}",
            "Leave them out to have inputs made up.",
            source=source,
            shapes=" ".join(shapes),
            problem=trace.problem,
        )
    return Pricer(trace, tracer.filled)


def trace_module(model: nn.Module, workload: Workload, label: str = "") -> Trace:
    """The trace of a module, which is copied without its weights and never changed."""
    return _traced(model, workload, label or type(model).__name__)[0]


def tracer_of(
    model: nn.Module, workload: Workload, inputs: Inputs | None = None, batch_sizes: tuple[int, ...] = BATCH_SIZES
) -> Tracer:
    """A tracer of a model on these inputs, else on the first made up that it accepts; raises what the model raises."""
    set_picture_size(model, workload.image_size)  # before the tracer copies the model
    tracer = Tracer(model, workload, inputs or own_shapes(()), predicts_next(model), batch_sizes)
    refusal = None
    for tracer.inputs in () if inputs else batches(model, workload):
        try:
            tracer.try_forward()
            return tracer
        except Exception as error:  # a model's own code, on a batch that does not suit it
            refusal = refusal or error
    if refusal:
        raise refusal
    return tracer


def _step(source: ModelSource, workload: Workload) -> tuple[str, ModelSource, Workload]:
    """What `_followed` is asked with: nothing of it depends on the optimizer."""
    plain = Workload()
    changes = {name: getattr(plain, name) for name in ("optimizer", "implementation", "accumulate")}
    return traces.key_of(source, workload), source, replace(workload, **changes)


@lru_cache(MOST_TRACERS)
def _followed(key: str, source: ModelSource, workload: Workload) -> tuple[Trace, Tracer | None]:
    """The trace of a source, and its tracer, so that what is missing can be measured without tracing again.

    `key` tells versions of a file apart.
    """
    from freezecore.runtime.build.source import meta

    return _traced(meta(source).model, workload, str(source))


@quiet("torch._subclasses.fake_tensor")  # which logs a traceback of each operation that is refused
def _traced(
    model: nn.Module, workload: Workload, label: str, inputs: Inputs | None = None
) -> tuple[Trace, Tracer | None]:
    if inputs is None:
        check_sizes(model, workload, label)
    problem = ""
    alone = (workload.batch_size,)  # what detectors run depends on how many pictures there are
    for batch_sizes in (alone,) if detects(model) or matches(model) else (BATCH_SIZES, alone):
        try:
            tracer = tracer_of(model, workload, inputs, batch_sizes)
            return tracer.trace(label, versions()), tracer
        except FreezeError:
            raise
        except NotFollowed as error:
            problem = say("The step is not followed. {cause}", cause=error)
            break
        except Unlike as error:
            problem = say("The step differs between batch sizes or modes: {cause}.", cause=error)
        except Exception as error:  # a model's own code, run on tensors without values
            kind, cause = type(error).__name__, shortened(" ".join(str(error).split()), 160)
            if workload.precision == "bf16" and _followed_in_fp32(model, workload, inputs):
                problem = say(
                    "The model's own code mixes types when all of it is in bf16 ({kind}: {cause}); under autocast it "
                    "can be followed.",
                    kind=kind,
                    cause=cause,
                )
                break
            if inputs is None and not _wants_values(error) and (size := _size_asked(workload)):
                raise WorkloadError(
                    "{source} refuses {size} ({kind}: {cause}).",
                    _made_anew(model, workload, label) or "Leave it out to take the model's own.",
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


def _made_anew(model: nn.Module, workload: Workload, label: str) -> Sentence | None:
    """How a model of timm's whose positions are made for one size is had for another."""
    if not workload.image_size or not callable(getattr(model, "set_input_size", None)):
        return None
    return say(
        "Its positions are made for one size, and timm makes them for others as it builds it: open file:model.json, "
        "written by fc.save(timm.create_model('{name}', img_size={size}), torch.zeros(1, 3, {size}, {size}), "
        "'model.json').",
        name=label.partition(":")[2],
        size=workload.image_size,
    )


def _followed_in_fp32(model: nn.Module, workload: Workload, inputs: Inputs | None) -> bool:
    """Whether it is the precision at which a model's own code stops, and not the size."""
    try:
        tracer_of(model, replace(workload, precision="fp32"), inputs, (workload.batch_size,))
    except Exception:  # the model's own code again
        return False
    return True


def _unfilled(trace: Trace, missing: Iterable[Missing]) -> Trace:
    """Of a step that was not followed nothing can be measured."""
    return trace


def _wants_values(error: Exception) -> bool:
    """Whether this is a step that depends on values, which fake tensors have not."""
    known = (DataDependentOutputException, DynamicOutputShapeException, UnsupportedOperatorException)
    return isinstance(error, known) or "data-dependent" in str(error) or "data-independent" in str(error)


def _size_asked(workload: Workload) -> str:
    if workload.image_size:
        return say("an image size of {size}", size=workload.image_size)
    return say("a sequence length of {length}", length=workload.sequence_length) if workload.sequence_length else ""


def _untraced(model: nn.Module, workload: Workload, label: str, problem: str) -> Trace:
    """What is known of a model whose forward cannot be followed: its parameters and buffers."""
    half = workload.precision == "bf16"
    parameters = [
        TracedParameter(name, value, p.numel(), size, True, tuple(p.shape))
        for value, (name, p) in enumerate(model.named_parameters())
        for size in (2 if half and p.is_floating_point() else p.element_size(),)
    ]
    buffers = tuple(distinct_bytes(model.buffers()))
    return Trace(label, workload, tuple(parameters), buffers, problem=problem, versions=versions())
