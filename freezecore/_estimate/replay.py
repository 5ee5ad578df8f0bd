"""One training step under a mask, segment by segment; a segment met before in the same state is not run again.

What running a segment changes depends on its shape, on which of what it reads needs a gradient, on which layers are
held, on who else holds the storages that cross its border and, in the backward pass, on the gradients that wait there.
All of it is the key under which the change is remembered, so a remembered change is the segment's own.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from freezecore._estimate.segments import TraceSegment, segments
from freezecore._estimate.simulator import BACKWARD, FORWARD, BackwardNode, StepSimulator
from freezecore._estimate.trace_at_batch import TraceAtBatch
from freezecore._trace import TracedCall

MOST_CHANGES = 2_000  # remembered per trace and batch size, a kilobyte each
_NUMBERS = itertools.count()  # threads may replay one trace side by side


class Moment(NamedTuple):
    """What is alive at one moment, in bytes, beyond weights, buffers, optimizer state and the batch.

    Attributes:
        activations: made by the forward pass.
        gradients: of parameters, ready for the optimizer.
        temporaries: gradients on their way, and what a backward step needs for a moment.
        phase: `forward` or `backward`.
        layer: path of the module at work.
        operation: aten's name of the operation at work.
        place: of its call in `Trace.steps`; -1 for the optimizer's step.
    """

    activations: int
    gradients: int
    temporaries: int
    phase: str
    layer: str
    operation: str
    place: int = -1

    @property
    def total(self) -> int:
        return self.activations + self.gradients + self.temporaries


class SegmentChange(NamedTuple):
    """What running a segment changes, relative to where it began.

    Attributes:
        live, bytes, ready: bytes that the forward pass made, of gradients on their way, of parameters' gradients.
        flops: floating-point operations of this pass.
        peak: the most that was alive, its three parts, and the step; None when nothing ran.
        scratch: the most with scratch memory; None without.
    """

    live: int
    bytes: int
    ready: int
    flops: int
    peak: tuple[int, int, int, int, int] | None
    scratch: int | None


class SegmentForward(NamedTuple):
    """What the forward pass through a segment has done.

    Attributes:
        number: of this outcome; no two share one.
        needing: per shared value, whether it needs a gradient.
        holders: per crossing storage, by how many more it is held.
        saved: per crossing storage, how many of the segment's nodes save it.
    """

    number: int
    change: SegmentChange
    needing: tuple[bool, ...]
    holders: tuple[int, ...]
    saved: tuple[int, ...]


class SegmentVisit(NamedTuple):
    """A segment that the forward pass went through.

    Attributes:
        nodes: its backward nodes; None where it was not run but its change remembered.
        passed: what the forward pass did; None for a segment without a shape, which is run each time.
    """

    segment: TraceSegment
    nodes: list[BackwardNode] | None
    passed: SegmentForward | None = None


class Replay(StepSimulator):
    """One step under one mask.

    Attributes:
        forward_peak, backward_peak: the moments at which most is alive.
        forward_scratch: most that is alive in the forward pass with the scratch memory of a CPU's kernels.
        saved: activations alive when the forward pass has ended.
        gradients: bytes of the parameters' gradients when the backward pass has ended.
        left: activations alive when the backward pass has ended.
    """

    def __init__(
        self,
        traced: TraceAtBatch,
        trains: frozenset[int],
        held: frozenset[int] = frozenset(),
        *,
        accumulates: bool = False,
        in_place: bool = True,
        recorded: bool = False,
    ) -> None:
        """Replay the step.

        Args:
            trains: values of the parameters that train.
            held: indices of the layers held in eval mode.
            accumulates: gradients of an earlier backward pass are there from the start.
            in_place: sums of gradients reuse the first, and kernels make copies of their own, as on real tensors; a
                dispatch mode, as on fake ones, forbids the first and does not see the second.
            recorded: `moments` gets every moment; then each segment is run, also one that was met before.
        """
        super().__init__(traced, trains, held, accumulates, in_place)
        self.moments = [] if recorded else None
        if len(traced.forwards) + len(traced.backwards) > MOST_CHANGES:
            traced.forwards.clear()
            traced.backwards.clear()
        self._start()
        visits = [self._go(segment) for segment in segments(traced.trace)]
        self.saved, self.forward_peak = self._live, self._peak_described()
        self.forward_scratch = self.scratch_peak
        if not self.missing:
            self._most = -1
            self._receive_loss()
            for visit in reversed(visits):
                self._return(visit)
            self._live += self._buffers.bytes if self._asking else 0  # the gradient of such a value stays with it
        self.gradients, self.left, self.backward_peak = self._buffers.ready, self._live, self._peak_described()

    def _go(self, segment: TraceSegment) -> SegmentVisit:
        """Go through a segment forwards."""
        begin, end, shape, reads, shared, storages, layers = segment
        if shape is None or self.moments is not None:
            return SegmentVisit(segment, self._forward(begin, end))
        holders, needing = self._holders, self._needing
        before = [holders[number] for number in storages]
        key = (
            shape,
            tuple(map(needing.__contains__, reads)),
            tuple(map(self.held.__contains__, layers)),
            tuple([min(count, 2) for count in before]),  # Python lets go once: more holders than two are as two
            self.in_place,
        )
        if passed := self.traced.forwards.get(key):
            for number, more in zip(storages, passed.holders, strict=True):
                holders[number] += more
            needing.update([value for value, needs in zip(shared, passed.needing, strict=True) if needs])
            self.flops_forward += passed.change.flops
            self._apply(segment, passed.change, FORWARD)
            return SegmentVisit(segment, None, passed)
        nodes: list[BackwardNode] = []
        change = self._measured(segment, lambda: nodes.extend(self._forward(begin, end)))
        saved = Counter([number for node in nodes for number in node.saved])
        passed = SegmentForward(
            next(_NUMBERS),
            change,
            tuple(map(needing.__contains__, shared)),
            tuple([holders[n] - count for n, count in zip(storages, before, strict=True)]),
            tuple([saved[number] for number in storages]),
        )
        if not self.missing:
            self.traced.forwards[key] = passed
        return SegmentVisit(segment, nodes, passed)

    def _return(self, visit: SegmentVisit) -> None:
        """Go through a segment backwards."""
        segment, nodes, passed = visit
        if passed is None:
            self._backward(nodes or [])
            return
        buffers, holders, shared, storages = self._buffers, self._holders, segment.shared, segment.storages
        waits, places = buffers.crossing(shared)
        others = tuple([holders[n] > own for n, own in zip(storages, passed.saved, strict=True)])
        key = (passed.number, waits, others, self.accumulates, self.in_place)
        if met := self.traced.backwards.get(key):  # asked once: another thread may forget it in between
            change, then = met
            for number, own in zip(storages, passed.saved, strict=True):
                holders[number] -= own
            self.flops_backward += change.flops
            self._apply(segment, change, BACKWARD, buffers.now)
            buffers.repeat(shared, places, then, change.bytes, change.ready)
            return
        again = self._nodes_again(segment) if nodes is None else nodes
        users = buffers.users(places)
        change = self._measured(segment, lambda: self._backward(again), buffers.now)
        if not self.missing:
            self.traced.backwards[key] = change, buffers.after(shared, places, users)

    def _measured(self, segment: TraceSegment, run: Callable[[], None], in_buffers: int = 0) -> SegmentChange:
        """Run a segment, and say what that changed; `in_buffers` bytes of gradients count in this pass's peak."""
        buffers = self._buffers
        outer = self._most, self._peak, self._peak_at, self.scratch_peak
        live, waiting, ready = self._live, buffers.bytes, buffers.ready
        flops, now = self.flops_forward + self.flops_backward, buffers.now
        self._most, self.scratch_peak = -1, 0
        run()
        most, (at_live, at_ready, at_waiting), (phase, index) = self._most, self._peak, self._peak_at
        scratch = self.scratch_peak - live - now if self.scratch_peak else None
        peak = None
        if most >= 0:
            parts = at_live - live, at_ready - ready, at_waiting - waiting
            peak = (most - live - in_buffers, *parts, index - segment.begin)
        change = SegmentChange(
            self._live - live,
            buffers.bytes - waiting,
            buffers.ready - ready,
            self.flops_forward + self.flops_backward - flops,
            peak,
            scratch,
        )
        self._most, self._peak, self._peak_at, outer_scratch = outer
        self.scratch_peak = max(outer_scratch, self.scratch_peak)
        if most >= 0:
            self._note(index, most, (at_live, at_ready, at_waiting), phase)
        return change

    def _apply(self, segment: TraceSegment, change: SegmentChange, phase: str, in_buffers: int = 0) -> None:
        """Bring about a remembered change of what is alive, its peak included; the buffers change by `repeat`."""
        buffers, live = self._buffers, self._live
        if change.peak:
            total, at_live, at_ready, at_waiting, step = change.peak
            parts = live + at_live, buffers.ready + at_ready, buffers.bytes + at_waiting
            self._note(segment.begin + step, live + in_buffers + total, parts, phase)
        if change.scratch is not None:
            self.scratch_peak = max(self.scratch_peak, live + buffers.now + change.scratch)
        self._live += change.live

    def _nodes_again(self, segment: TraceSegment) -> list[BackwardNode]:
        """Run a segment forwards that was not run, for its nodes and for what they hold; nothing else changes."""
        counts = [self._holders[number] for number in segment.storages]
        kept = self._live, self.flops_forward, self.scratch_peak, self._most, self._peak, self._peak_at
        nodes = self._forward(segment.begin, segment.end)
        self._live, self.flops_forward, self.scratch_peak, self._most, self._peak, self._peak_at = kept
        for number, count in zip(segment.storages, counts, strict=True):
            self._holders[number] = count
        return nodes

    def _peak_described(self) -> Moment:
        return self.described(*self._peak_at, self._peak)

    def described(self, phase: str, index: int, parts: tuple[int, int, int]) -> Moment:
        """A moment by its phase, its step and its three parts."""
        trace = self.traced.trace
        call = trace.steps[index] if trace.steps else None
        if not isinstance(call, TracedCall):
            return Moment(*parts, phase, "", "", index)
        return Moment(*parts, phase, trace.layers[call.layer], trace.operations[call.operation].name, index)
