"""Replay: one training step under a mask, segment by segment; a segment met before in the same state is not walked.

What a walk through a segment changes depends on its shape, on which of what it reads needs a gradient, on which layers
are held, on who else holds the storages that cross its border and, in the backward pass, on the gradients that wait
there. All of it is the key under which the change is remembered, so a remembered change is the walk's own.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from freezecore._estimate.moments import BACKWARD, FORWARD, Change, Moment, Node
from freezecore._estimate.program import Program
from freezecore._estimate.segments import Segment, segments
from freezecore._estimate.walk import Walk
from freezecore._trace import Call

MOST_WALKED = 20_000  # changes remembered per program
_NUMBERS = itertools.count()  # threads may replay one program side by side


class Passed(NamedTuple):
    """What the forward pass through a segment has done.

    Attributes:
        number: of this outcome.
        change: see there.
        needing: per shared value, whether it needs a gradient.
        holders: per crossing storage, by how many more it is held.
        kept: per crossing storage, how many of the segment's nodes keep it.
    """

    number: int
    change: Change
    needing: tuple[bool, ...]
    holders: tuple[int, ...]
    kept: tuple[int, ...]


class Visit(NamedTuple):
    """A segment that the forward pass went through; without nodes where it was not walked."""

    segment: Segment
    nodes: list[Node] | None
    passed: Passed | None = None


class Replay(Walk):
    """One step under one mask.

    Attributes:
        forward_peak, backward_peak: the moments at which most is alive.
        saved: activations alive when the forward pass has ended.
        gradients: bytes of the parameters' gradients when the backward pass has ended.
        left: activations alive when the backward pass has ended.
        flops_forward, flops_backward: floating-point operations.
        scratch_peak: most that is alive with the fitted scratch memory of convolutions, where the device is a CPU.
        missing: combinations that nobody has tried; when there are any, no other attribute means anything.
    """

    def __init__(
        self,
        program: Program,
        trains: frozenset[int],
        held: frozenset[int] = frozenset(),
        *,
        accumulates: bool = False,
        in_place: bool = True,
    ) -> None:
        """Replay the step.

        Args:
            trains: values of the parameters that train.
            held: indices of the layers held in eval mode.
            accumulates: gradients of an earlier backward pass are there from the start.
            in_place: sums of gradients reuse the first, and kernels make copies of their own, as on real tensors; a
                dispatch mode, as on fake ones, forbids the first and does not see the second.
        """
        super().__init__(program, trains, held, accumulates, in_place)
        if len(program.walked) > MOST_WALKED:
            program.walked.clear()
        self._start()
        visits = [self._pass(segment) for segment in segments(program.trace)]
        self.saved, self.forward_peak = self._live, self._peak_described()
        if not self.missing:
            self._most = -1
            self._receive_loss()
            for visit in reversed(visits):
                self._return(visit)
            self._live += self._flow.bytes if self._asking else 0  # the gradient of such a value stays with it
        self.gradients, self.left, self.backward_peak = self._flow.ready, self._live, self._peak_described()

    def _pass(self, segment: Segment) -> Visit:
        """Go through a segment forwards."""
        begin, end, shape, reads, shared, storages, layers = segment
        if shape is None:
            return Visit(segment, self._forward(begin, end))
        holders, needing = self._holders, self._needing
        before = [holders[number] for number in storages]
        key = (
            shape,
            tuple(map(needing.__contains__, reads)),
            tuple(map(self.held.__contains__, layers)),
            tuple([min(count, 2) for count in before]),  # Python lets go once: more holders than two are as two
            self.in_place,
        )
        passed: Passed | None = self.program.walked.get(key)
        if passed:
            for number, more in zip(storages, passed.holders, strict=True):
                holders[number] += more
            needing.update([value for value, needs in zip(shared, passed.needing, strict=True) if needs])
            self.flops_forward += passed.change.flops
            self._apply(segment, passed.change, FORWARD)
            return Visit(segment, None, passed)
        change, nodes = self._measured(segment, lambda: self._forward(begin, end))
        kept = Counter([number for node in nodes for number in node.kept])
        passed = Passed(
            next(_NUMBERS),
            change,
            tuple(map(needing.__contains__, shared)),
            tuple([holders[n] - count for n, count in zip(storages, before, strict=True)]),
            tuple([kept[number] for number in storages]),
        )
        if not self.missing:
            self.program.walked[key] = passed
        return Visit(segment, nodes, passed)

    def _return(self, visit: Visit) -> None:
        """Go through a segment backwards."""
        segment, nodes, passed = visit
        if passed is None:
            self._backward(nodes)
            return
        flow, holders, shared, storages = self._flow, self._holders, segment.shared, segment.storages
        waits, places = flow.crossing(shared)
        others = tuple([holders[n] > own for n, own in zip(storages, passed.kept, strict=True)])
        key = (passed.number, waits, others, self.accumulates, self.in_place)
        if met := self.program.walked.get(key):  # asked once: another thread may forget it in between
            change, left = met
            for number, own in zip(storages, passed.kept, strict=True):
                holders[number] -= own
            self.flops_backward += change.flops
            self._apply(segment, change, BACKWARD, flow.now)
            flow.leave(shared, places, left, change)
            return
        nodes = self._nodes_again(segment) if nodes is None else nodes
        users = flow.users(places)
        change, _ = self._measured(segment, lambda: self._backward(nodes), flow.now)
        if not self.missing:
            self.program.walked[key] = change, flow.left(shared, places, users)

    def _measured(
        self, segment: Segment, walk: Callable[[], list[Node] | None], flowing: int = 0
    ) -> tuple[Change, list[Node] | None]:
        """Walk, and say what it changed; `flowing` bytes of gradients count in this pass's peak."""
        flow = self._flow
        outer = self._most, self._peak, self._peak_at, self.scratch_peak
        live, in_flow, ready = self._live, flow.bytes, flow.ready
        flops, now = self.flops_forward + self.flops_backward, flow.now
        self._most, self.scratch_peak = -1, 0
        found = walk()
        most, (at_live, at_ready, at_flow), (phase, index) = self._most, self._peak, self._peak_at
        scratch = self.scratch_peak - live - now if self.scratch_peak else None
        peak = None
        if most >= 0:
            parts = at_live - live, at_ready - ready, at_flow - in_flow
            peak = (most - live - flowing, *parts, index - segment.begin)
        change = Change(
            self._live - live,
            flow.bytes - in_flow,
            flow.ready - ready,
            self.flops_forward + self.flops_backward - flops,
            peak,
            scratch,
        )
        self._most, self._peak, self._peak_at, outer_scratch = outer
        self.scratch_peak = max(outer_scratch, self.scratch_peak)
        if most >= 0:
            self._note(index, most, (at_live, at_ready, at_flow), phase)
        return change, found

    def _apply(self, segment: Segment, change: Change, phase: str, flowing: int = 0) -> None:
        """Bring about a remembered change of what is alive, its peak included; the flow's own part is its own."""
        flow, live = self._flow, self._live
        if change.peak:
            total, at_live, at_ready, at_flow, step = change.peak
            parts = live + at_live, flow.ready + at_ready, flow.bytes + at_flow
            self._note(segment.begin + step, live + flowing + total, parts, phase)
        if change.scratch is not None:
            self.scratch_peak = max(self.scratch_peak, live + flow.now + change.scratch)
        self._live += change.live

    def _nodes_again(self, segment: Segment) -> list[Node]:
        """Walk a segment forwards that was not walked, for its nodes and for what they hold; nothing else changes."""
        counts = [self._holders[number] for number in segment.storages]
        kept = self._live, self.flops_forward, self.scratch_peak, self._most, self._peak, self._peak_at
        nodes = self._forward(segment.begin, segment.end)
        self._live, self.flops_forward, self.scratch_peak, self._most, self._peak, self._peak_at = kept
        for number, count in zip(segment.storages, counts, strict=True):
            self._holders[number] = count
        return nodes

    def _peak_described(self) -> Moment:
        phase, index = self._peak_at
        trace = self.program.trace
        call = trace.steps[index] if trace.steps else None
        if not isinstance(call, Call):
            return Moment(*self._peak, phase, "", "")
        return Moment(*self._peak, phase, trace.layers[call.layer], trace.operations[call.operation].name)
