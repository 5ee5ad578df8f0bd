"""The estimate of one mask: memory at its peak in parts that sum to it, the moment of the peak, and FLOPs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal, NoReturn

from freezecore._estimate.optimizer import EIGHT_BIT, PAGED, shared_bytes, step_bytes
from freezecore._estimate.replay import Moment, Replay
from freezecore._estimate.simulator import BACKWARD, FORWARD
from freezecore._estimate.trace_at_batch import TraceAtBatch, allocated_by, trace_at
from freezecore._trace import Missing, Trace, TracedParameter
from freezecore.errors import TraceError, UnknownCost, require
from freezecore.mask import Mask
from freezecore.report import bytes_text, flops_text, html_table
from freezecore.sentences import Sentence, say
from freezecore.tree import LayerTree

OPTIMIZER = "optimizer step"
MOMENTS = {"forward": say("forward"), "backward": say("backward"), OPTIMIZER: say("optimizer step")}
PARTS = ("weights", "gradients", "optimizer", "activations", "temporaries")


@dataclass(frozen=True, slots=True)
class PhasePeak:
    """The most that is alive during one phase of the step: `forward`, `backward` or `optimizer step`; in bytes."""

    name: str
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one training step costs, in bytes and floating-point operations; a multiply-add is two.

    The five parts are what is alive at the moment of the peak, and sum to `peak_bytes`.

    Attributes:
        peak_bytes: most that is alive at once.
        peak_moment: when, such as "backward, at layer4.1.act2 (relu_)".
        weights: parameters and buffers.
        gradients: of parameters.
        optimizer: state kept between steps.
        activations: made by the forward pass, and the batch.
        temporaries: gradients on their way through the model, and what a step needs for a moment.
        gradients_total: of parameters, at the end of the backward pass.
        activations_saved: alive at the end of the forward pass: what autograd saves.
        peak_with_scratch: the peak with scratch memory of a CPU's kernels, by rule or learnt, not followed; what an
            allocator shows. None on other devices.
        phases: peak of each phase.
        left_out: what the peak does not count, a sentence each.
        known: true; it tells an estimate from a partial one.
    """

    peak_bytes: int
    peak_moment: str
    weights: int
    gradients: int
    optimizer: int
    activations: int
    temporaries: int
    flops_forward: int
    flops_backward: int
    gradients_total: int
    activations_saved: int
    peak_with_scratch: int | None
    phases: tuple[PhasePeak, ...]
    left_out: tuple[str, ...]
    known: ClassVar[Literal[True]] = True
    missing: ClassVar[tuple[Missing, ...]] = ()
    problem: ClassVar[str] = ""

    def __str__(self) -> str:
        parts = ", ".join(f"{name} {bytes_text(getattr(self, name))}" for name in PARTS)
        work = f"{flops_text(self.flops_forward)} forward, {flops_text(self.flops_backward)} backward"
        return f"peak {bytes_text(self.peak_bytes)} ({self.peak_moment}): {parts}; {work}"

    def _repr_html_(self) -> str:
        return _html(self, self.peak_moment)

    def required(self) -> Estimate:
        """This estimate, whose numbers are all there."""
        return self

    def to_json(self) -> dict:
        """Its fields as JSON values."""
        return asdict(self) | {"missing": (), "problem": ""}


@dataclass(frozen=True, slots=True)
class PartialEstimate:
    """What is known of a step whose peak is not; to read any other number of an `Estimate` raises, with the reason.

    Attributes:
        weights: see `Estimate`.
        optimizer: see `Estimate`.
        gradients: of parameters, at the end of the backward pass.
        gradients_total: the same.
        left_out: see `Estimate`.
        missing: combinations that must be measured before the peak is known; `freezecore.pricer` does so.
        problem: why the step could not be followed, else empty.
        known: false; it tells a partial estimate from another.
    """

    weights: int
    gradients: int
    optimizer: int
    gradients_total: int
    left_out: tuple[str, ...]
    missing: tuple[Missing, ...] = ()
    problem: str = ""
    known: ClassVar[Literal[False]] = False

    def __str__(self) -> str:
        parts = ", ".join(f"{name} {bytes_text(getattr(self, name, None))}" for name in PARTS)
        return f"peak unknown ({self.problem or 'combinations are missing'}): {parts}"

    def _repr_html_(self) -> str:
        return _html(self, str(self))

    def required(self) -> NoReturn:
        """Raises an UnknownCost that says why the peak is unknown; of an `Estimate`, returns it."""
        if self.problem:
            raise UnknownCost("The step's cost is unknown. {problem}", "See `known` first.", problem=self.problem)
        raise UnknownCost(
            "The step's cost is unknown: {count} combinations were not measured yet.",
            "Price the mask by fc.pricer(model), which measures them, or see `known` first.",
            count=len(self.missing),
        )

    if not TYPE_CHECKING:  # a type checker refuses such a number before anything runs

        def __getattr__(self, name: str) -> NoReturn:
            if name in Estimate.__slots__:
                self.required()
            raise AttributeError(name)

    def to_json(self) -> dict:
        """The fields of an `Estimate` as JSON values; null for what is unknown."""
        known = asdict(self)
        return dict.fromkeys(Estimate.__slots__) | known | {"phases": ()}


AnyEstimate = Estimate | PartialEstimate


def _html(cost: AnyEstimate, below: str) -> str:
    """A table for a notebook: the parts at the peak, and the work."""
    rows = [(name, bytes_text(getattr(cost, name, None))) for name in (*PARTS, "peak_bytes")]
    rows += [(name, flops_text(getattr(cost, name, None))) for name in ("flops_forward", "flops_backward")]
    return html_table(("at the peak", ""), rows, right=[1], below=[below, *cost.left_out])


def estimate(trace: Trace, mask: Mask, *, batch_size: int | None = None) -> AnyEstimate:
    """What one training step under this mask costs; a `PartialEstimate` where its peak is unknown.

    Args:
        batch_size: None takes the trace's workload's.

    Raises:
        TraceError: the trace follows another model than the mask's, or cannot be evaluated at this batch size.
        WorkloadError: the batch size is out of range.
        FreezeError: an argument of another class.
    """
    require(trace, Trace, "Call fc.trace(model) first.")
    require(mask, Mask, "Call fc.apply(model, rules), or fc.resolve(spec, tree), which leaves the model alone.")
    return estimate_names(trace, trained(trace, mask), mask.held, batch_size=batch_size)


def full_estimate(trace: Trace, tree: LayerTree, *, batch_size: int | None = None) -> AnyEstimate:
    """The same when everything trains that the model's author did not freeze."""
    return estimate(trace, Mask.as_author(tree), batch_size=batch_size)


def trained(trace: Trace, mask: Mask) -> list[TracedParameter]:
    """The traced parameters that train."""
    if sum(parameter.numel for parameter in trace.parameters) != mask.tree.total:
        raise TraceError(
            "The trace is that of {source} with {count:,} scalars, the mask that of {other} with {total:,}.",
            "Trace the model whose tree this is.",
            source=trace.source,
            count=sum(parameter.numel for parameter in trace.parameters),
            other=mask.tree.source,
            total=mask.tree.total,
        )
    index, trains = mask.tree.index, mask.trains
    try:
        return [parameter for parameter in trace.parameters if trains[index[parameter.name]]]
    except KeyError as error:
        raise TraceError(
            "The trace of {source} has a parameter {name}, which {other} has not.",
            "Trace the model whose tree this is.",
            source=trace.source,
            name=str(error),
            other=mask.tree.source,
        ) from None


def estimate_names(
    trace: Trace,
    parameters: Sequence[TracedParameter],
    held: Sequence[str],
    *,
    batch_size: int | None = None,
    in_place: bool = True,
) -> AnyEstimate:
    """The estimate when exactly these parameters train and these modules are held in eval mode.

    `in_place` False sums gradients as autograd does under a dispatch mode, for comparing with a run on fake tensors.
    """
    traced = trace_at(trace, _checked(trace, batch_size))
    chosen = _reached(trace, parameters)
    gradients = sum(traced.parameters.bytes[p.value] for p in chosen)
    optimizer = _state(traced, chosen)
    partial = PartialEstimate(traced.weights, gradients, optimizer, gradients, left_out(trace), problem=trace.problem)
    if trace.problem:
        return partial
    replay = _replayed(traced, chosen, held, in_place=in_place)
    if replay.missing:
        return replace(partial, missing=tuple(sorted(replay.missing, key=repr)))
    return _summed(SimulatedStep(replay, chosen))


def simulated(trace: Trace, mask: Mask, *, batch_size: int | None = None) -> SimulatedStep:
    """The step that `estimate` prices, with every moment of it.

    Raises:
        UnknownCost: its peak is unknown, with the reason.
        FreezeError: what `estimate` raises.
    """
    estimate(trace, mask, batch_size=batch_size).required()
    chosen = _reached(trace, trained(trace, mask))
    traced = trace_at(trace, _checked(trace, batch_size))
    return SimulatedStep(_replayed(traced, chosen, mask.held, recorded=True), chosen)


def _reached(trace: Trace, parameters: Sequence[TracedParameter]) -> list[TracedParameter]:
    """Without what never reaches the loss, which gets no gradient, and for which Adam keeps no state."""
    return [p for p in parameters if p.used or trace.problem]


def _state(traced: TraceAtBatch, chosen: Sequence[TracedParameter]) -> int:
    """Bytes that the optimizer keeps for these parameters."""
    own = sum(traced.parameters.state_bytes[p.value] for p in chosen)
    return own + shared_bytes(traced.trace.workload, chosen, allocated_by(traced.trace))


def _replayed(traced: TraceAtBatch, chosen: Sequence[TracedParameter], held: Sequence[str], **how: bool) -> Replay:
    trace = traced.trace
    layers = {path: number for number, path in enumerate(trace.layers)}
    return Replay(
        traced,
        frozenset(p.value for p in chosen),
        frozenset(layers[path] for path in held if path in layers),
        accumulates=trace.workload.accumulate > 1 or trace.workload.loop.gradients == "always",
        **how,
    )


def _checked(trace: Trace, batch_size: int | None) -> int:
    workload = trace.workload if batch_size is None else replace(trace.workload, batch_size=batch_size)
    if len(trace.batch_sizes) == 1 and trace.batch_sizes[0] != workload.batch_size:
        raise TraceError(
            "{source} runs differently at each batch size, and was followed at {followed} only.",
            "Trace it again with batch size {batch}.",
            source=trace.source,
            followed=trace.batch_sizes[0],
            batch=workload.batch_size,
        )
    return workload.batch_size


class SimulatedStep:
    """A step that was replayed, and what stands beside it from its first moment to its last.

    Attributes:
        replay: the step.
        chosen: the parameters that train.
        optimizer: bytes of its state.
        batches: bytes of inputs and targets.
        always: bytes that are there all the time: weights and buffers, optimizer state, batches.
        gradients_before: bytes of the gradients of the step before, which are there until the backward pass begins.
    """

    def __init__(self, replay: Replay, chosen: Sequence[TracedParameter]) -> None:
        traced, workload = replay.traced, replay.traced.trace.workload
        self.replay, self.chosen = replay, chosen
        self.optimizer = _state(traced, chosen)
        self.batches = traced.batch * (workload.loop.batches if workload.device == "cpu" else 1)
        self.always = traced.weights + self.optimizer + self.batches
        keeps = workload.loop.gradients == "backward" and not replay.accumulates
        self.gradients_before = replay.gradients if keeps else 0

    def forward(self, moment: Moment) -> Moment:
        """A moment of the forward pass, with the gradients of the step before."""
        return moment._replace(gradients=moment.gradients + self.gradients_before)

    @property
    def step(self) -> Moment:
        """The optimizer's step."""
        replay, traced = self.replay, self.replay.traced
        taken = step_bytes(traced.trace.workload, self.chosen, allocated_by(traced.trace))
        return Moment(replay.left, replay.gradients, taken, OPTIMIZER, "", "")

    @property
    def moments(self) -> list[Moment]:
        """Every moment in order, of a replay that was recorded."""
        found = [self.replay.described(*moment) for moment in self.replay.moments or ()]
        forward = [self.forward(moment) for moment in found if moment.phase == FORWARD]
        if not self.chosen:
            return forward
        return [*forward, *[moment for moment in found if moment.phase == BACKWARD], self.step]


def _summed(simulated: SimulatedStep) -> Estimate:
    """The estimate of a step that was simulated."""
    replay, always, batches = simulated.replay, simulated.always, simulated.batches
    traced = replay.traced
    moments = {FORWARD: simulated.forward(replay.forward_peak)}
    if simulated.chosen:
        moments |= {BACKWARD: replay.backward_peak, OPTIMIZER: simulated.step}
    peak = max(moments.values(), key=lambda moment: moment.total)
    return Estimate(
        peak_bytes=always + peak.total,
        peak_moment=moment_text(peak),
        weights=traced.weights,
        gradients=peak.gradients,
        optimizer=simulated.optimizer,
        activations=peak.activations + batches,
        temporaries=peak.temporaries,
        flops_forward=replay.flops_forward,
        flops_backward=replay.flops_backward,
        gradients_total=replay.gradients,
        activations_saved=replay.saved + batches,
        peak_with_scratch=always
        + max(peak.total, replay.forward_scratch + simulated.gradients_before, replay.scratch_peak)
        if traced.trace.workload.device == "cpu"
        else None,
        phases=tuple(PhasePeak(name, always + moment.total) for name, moment in moments.items()),
        left_out=left_out(traced.trace),
    )


def moment_text(moment: Moment) -> str:
    """`backward, at layer4.1.act2 (relu_)`."""
    if not moment.operation:
        return MOMENTS[moment.phase]
    where = moment.layer or say("the loss")
    return say(
        "{phase}, at {where} ({operation})", phase=MOMENTS[moment.phase], where=where, operation=moment.operation
    )


def at_most(cost: AnyEstimate) -> Iterator[str]:
    """Why the step may take far less than this estimate says, where it may: what is to stand beside its number."""
    for told in cost.left_out:
        if isinstance(told, Sentence) and told.template == AT_MOST:
            yield told


def _by_numbers(names: str) -> Sentence:
    return say(
        "the way that {names} takes, which numbers decide: counted is the one that takes most, so that the real peak "
        "may be far lower",
        names=names,
    )


AT_MOST = _by_numbers("").template


def _decided_by_numbers(trace: Trace) -> Iterator[str]:
    """Of a product torch's backward step asks whether a zero is in it, and for a quantile it sorts only where a
    dispatch mode looks on, as in the trace."""
    names = {operation.name for operation in trace.operations if operation.backward}
    found = names & {"prod", "cumprod"} | ({"quantile"} if names >= {"sort", "gather", "lerp_"} else set())
    if found:
        yield _by_numbers(", ".join(sorted(found)))


def left_out(trace: Trace) -> tuple[str, ...]:
    """What an estimate from this trace does not count."""
    told = [
        say("scratch memory inside kernels, such as convolutions' (peak_with_scratch adds what they take on a CPU)")
    ]
    if trace.workload.device == "cpu" and trace.workload.precision != "fp32":
        told.append(
            say(
                "what a CPU's kernels take for themselves in half precision, other than convolutions and matrix "
                "products (peak_with_scratch has these)"
            )
        )
    if trace.workload.device == "cuda":
        told.append(say("the CUDA context and what the allocator keeps in reserve: the cards' margin covers them"))
        told.append(
            say(
                "cuBLAS's workspace, which torch counts as allocated: 8.5 MB each for the forward and the backward "
                "pass, 33.6 MB each on Hopper and newer"
            )
        )
        card = trace.workload.compute_capability
        told.append(say("other cards' kernels: attention is as compute capability {card} runs it", card=card))
    else:
        told.append(say("the process itself: Python, torch and the data set"))
        told.append(
            say("a card's own kernels: this step runs a CPU's, whose attention may keep more; device cuda follows them")
        )
    if trace.workload.optimizer in EIGHT_BIT:
        told.append(say("8-bit optimizer state is computed by formula, not followed"))
    if trace.workload.optimizer == "paged-adamw-8bit" and trace.workload.device == "cuda":
        told.append(
            say(
                "the 8-bit state of tensors of at least {count:,} scalars, two bytes each: it is paged, and moves to "
                "the host's memory when the card is full",
                count=PAGED,
            )
        )
    return (*told, *_decided_by_numbers(trace), *trace.notes)
