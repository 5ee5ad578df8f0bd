"""One step under a mask, call by call, over integers, as autograd makes memory rise and fall.

Forward: storages are born, and end when Python lets go of them, unless a backward node still to come saves them.
Backward: the nodes run in the reverse order of their calls, as the engine runs them (by descending sequence number);
each hands gradients on, which are added where branches meet, and lets go of what it saved. Sources:
torch/csrc/autograd/engine.cpp, input_buffer.cpp (when a sum is made in place) and functions/accumulate_grad.h (when a
gradient is taken over as it is, and when it is copied).

Gradient checkpointing: inside a region autograd saves nothing but the region's arguments. The first backward step that
asks for something saved there runs the region's forward again, up to the last thing that is saved in it; what the
backward steps need of that then waits for them, and the arguments go with the last of them. Source:
torch/utils/checkpoint.py (the kind that is not reentrant, early stop included).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from freezecore._estimate.gradient_buffers import GradientBuffers
from freezecore._estimate.trace_at_batch import TraceAtBatch
from freezecore._trace import (
    BackwardResult,
    CheckpointedRegion,
    EvalAlias,
    Missing,
    SavedTensors,
    Trace,
    TracedCall,
    scratch_bytes,
)

FORWARD, BACKWARD = "forward", "backward"
RANDOM_STATE = 5_056  # bytes of the random generator's state, which each region keeps in host memory


class BackwardNode(NamedTuple):
    """A call that autograd comes back to, with the storages it saves and bytes of copies made for it alone.

    Under gradient checkpointing these are not there until its `region` has run again.
    """

    step: int
    call: TracedCall
    needs: int
    saved: tuple[int, ...]
    copies: int
    region: RecomputedRegion | None = None


class RecomputedRegion:
    """One checkpointed region under one mask: what it saves, and what its second forward pass makes.

    Attributes:
        region: where it is.
        inputs: storages of its arguments.
        born: storages made in it, with the step.
        ran: its steps, in order.
        waiting: its backward nodes that save something and have not run.
        done: its forward has run again.
        holders: per storage made again, how many hold it.
    """

    def __init__(self, region: CheckpointedRegion, inputs: frozenset[int]) -> None:
        self.region, self.inputs = region, inputs
        self.born: dict[int, int] = {}
        self.ran: list[int] = []
        self.waiting = 0
        self.done = False
        self.holders: dict[int, int] = {}
        self._nodes: dict[int, BackwardNode] = {}
        self._last, self._last_runs = -1, False

    def add(self, node: BackwardNode, runs: bool) -> None:
        """Note a backward node; `runs` says that it saves something that its own step makes."""
        if node.saved or node.copies:
            self.waiting += 1
            self._nodes[node.step] = node
            self._last, self._last_runs = node.step, runs

    def saves(self, node: BackwardNode) -> bool:
        """Whether this node saves something."""
        return node.step in self._nodes

    def again(self, trace: Trace, sizes: list[int]) -> Iterator[tuple[int, int]]:
        """Run the forward again: per step that runs, its index and the bytes by which what is alive has changed.

        The last pair, whose index is -1, is what goes when the function returns.
        """
        self.done = True
        made: dict[int, list[int]] = {}
        for number, index in self.born.items():
            made.setdefault(index, []).append(number)
        alive: set[int] = set()  # what Python itself holds
        for index in self.ran:
            if index > self._last:
                break
            change = sum(self._let_go(n, sizes) for n in trace.ends[index] if n in alive)
            alive.difference_update(trace.ends[index])
            runs = index < self._last or self._last_runs
            for number in made.get(index, ()) if runs else ():
                self.holders[number] = 1
                alive.add(number)
                change += sizes[number]
            if node := self._nodes.get(index):
                change += node.copies
                for number in node.saved:
                    if number in self.holders:
                        self.holders[number] += 1
            yield (index if runs else -1), change
        yield -1, sum(self._let_go(number, sizes) for number in alive)

    def release(self, node: BackwardNode, sizes: list[int]) -> int:
        """A node lets go of what it saved: the bytes by which what is alive changes."""
        self.waiting -= 1
        return sum(self._let_go(number, sizes) for number in node.saved if number in self.holders) - node.copies

    def _let_go(self, number: int, sizes: list[int]) -> int:
        self.holders[number] -= 1
        if self.holders[number]:
            return 0
        del self.holders[number]
        return -sizes[number]


class StepSimulator:
    """One step under one mask: `_forward` runs a range of its calls, `_backward` some of their backward nodes.

    Attributes:
        missing: combinations that were not measured; when there are any, no number means anything.
        flops_forward, flops_backward: floating-point operations so far.
        scratch_peak: most that is alive with the scratch memory of a CPU's kernels.
        moments: what was noted after each call, as phase, step and the three parts; None where nobody asked.
    """

    def __init__(
        self, traced: TraceAtBatch, trains: frozenset[int], held: frozenset[int], accumulates: bool, in_place: bool
    ) -> None:
        self.moments: list[tuple[str, int, tuple[int, int, int]]] | None = None
        self.traced = traced
        self.trains, self.held = trains, held
        self.accumulates, self.in_place = accumulates, in_place
        self.missing: set[Missing] = set()
        self.flops_forward = self.flops_backward = self.scratch_peak = 0
        self._copies = traced.copies if in_place else [(0, 0)] * len(traced.copies)
        self._holders = [0] * len(traced.sizes)  # per storage: Python itself, and every node that saves it
        self._moved: dict[int, int] = {}  # storage that train mode would have made -> the one that stands for it
        self._storage = list(traced.trace.storage)
        self._source = list(range(len(self._storage)))  # per value, the one that a gradient for it goes to
        self._parameters = traced.parameters
        got = trains & self._parameters.first_read.keys() if accumulates else ()  # a gradient in an earlier backward
        self._buffers = GradientBuffers(traced, sum(self._parameters.bytes[value] for value in got), in_place)
        self._live = 0
        self._most = -1  # the peak's sum; -1 begins anew
        self._peak, self._peak_at = (0, 0, 0), (FORWARD, 0)
        self._regions = {region.begin: region for region in traced.trace.regions}
        self._random_state = RANDOM_STATE if traced.trace.workload.device == "cpu" else 0
        self._region: RecomputedRegion | None = None  # which the forward pass is in
        self._asking = frozenset(traced.trace.asking)
        self._needing = {*trains, *self._asking}
        self._frozen_casts: set[int] = set()  # storages of autocast's copies of what needs no gradient

    def _start(self) -> None:
        """What is alive before the first call, and what Python lets go of there."""
        for layer, number in self.traced.trace.lasting:
            if layer in self.held:
                self._holders[number] = 2  # its layer's hand, and Python's while the step runs
                self._live += self.traced.sizes[number]
        if self._regions:
            self._enter(0)
        for number in self.traced.trace.ends[0]:
            self._let_go(number)

    def _receive_loss(self) -> None:
        """The gradient that the backward pass starts from."""
        loss = self._source[self.traced.trace.loss]
        self._buffers.add(loss, self._buffers.new(self.traced.nbytes[loss], users=1))

    def _forward(self, begin: int, end: int) -> list[BackwardNode]:
        """Run these steps, and what Python lets go of after each; the nodes that autograd will come back to."""
        steps, ends, moved, held = self.traced.trace.steps, self.traced.trace.ends, self._moved, self.held
        nodes: list[BackwardNode] = []
        for index in range(begin, end):
            step = steps[index]
            runs = True
            if isinstance(step, EvalAlias):
                if step.layer in held:
                    self._alias(step)
            elif runs := step.mode is None or (step.layer in held) != step.mode:
                node = self._call(index, step)
                if node:
                    nodes.append(node)
            if self._regions:
                self._enter(index + 1)
            for number in ends[index + 1] if runs else ():  # the other mode has moments of its own
                if number not in self._frozen_casts:
                    self._let_go(moved.get(number, number))
        return nodes

    def _call(self, index: int, step: TracedCall) -> BackwardNode | None:
        """Run one call; the node that autograd will come back to."""
        traced, storage, moved, holders = self.traced, self._storage, self._moved, self._holders
        needing, operation = self._needing, traced.trace.operations[step.operation]
        self.flops_forward += traced.flops[step.operation]
        if self._frozen_casts:
            self._cast_again(index)
        for value in step.outputs:
            number = moved.get(storage[value], storage[value])
            if not holders[number]:
                holders[number] = 1
                self._live += traced.sizes[number]
                if self._region:
                    self._region.born.setdefault(number, index)
        if self._region:
            self._region.ran.append(index)
        needs, node = 0, None
        if step.used:
            for position, value in enumerate(step.inputs):
                if value in needing:
                    needs |= 1 << position
        inside = self._copies[step.operation][0]
        if needs:
            saved = operation.saved.get(needs)
            node = self._node(index, step, needs, saved)
            if saved and saved.inside is not None:
                inside = traced.blocks[saved.inside]
        elif self._asking and not self._asking.isdisjoint(step.outputs):
            self._hold_for_good(step)
        elif step.cast:
            self._frozen_casts.add(storage[step.outputs[0]])
        self._note(index, self._live + inside, (self._live, self._buffers.ready, inside), FORWARD)
        if extra := traced.scratch[step.operation]:
            self.scratch_peak = max(self.scratch_peak, self._live + self._buffers.ready + extra)
        for number in self._parameters.casts_end.get(index, ()) if self._frozen_casts else ():
            if number in self._frozen_casts:
                self._let_go(moved.get(number, number))
        return node

    def _cast_again(self, index: int) -> None:
        """Copies that autocast makes of frozen parameters for this step, which has not kept those that it made."""
        for number, own in self._parameters.casts_again.get(index, ()):
            if number in self._frozen_casts:
                self._moved[number] = own
                self._holders[own] = 1
                self._live += self.traced.sizes[own]
                if self._region:
                    self._region.born.setdefault(own, index)

    def _note(self, index: int, total: int, parts: tuple[int, int, int], phase: str) -> None:
        """Remember the moment if more is alive than ever in this phase."""
        if self.moments is not None:
            self.moments.append((phase, index, parts))
        if total > self._most:
            self._most, self._peak, self._peak_at = total, parts, (phase, index)

    def _enter(self, index: int) -> None:
        """End the checkpointed region that ends before this step, and begin the one that begins there."""
        if self._region and index == self._region.region.end:
            if not self._region.waiting:
                self._live -= self._random_state
            else:
                for number in self._region.inputs:
                    self._holders[number] += 1
            self._region = None
        region = self._regions.get(index)
        if region and region.layer not in self.held:
            inputs = {self._storage[value] for value in region.inputs}
            self._live += self._random_state
            self._region = RecomputedRegion(region, frozenset(self._moved.get(number, number) for number in inputs))

    def _hold_for_good(self, call: TracedCall) -> None:
        """A value that the model asks a gradient for is a leaf, which its gradient keeps alive beyond the step."""
        for value in self._asking.intersection(call.outputs):
            number = self._storage[value]
            self._holders[self._moved.get(number, number)] += 1

    def _node(self, index: int, call: TracedCall, needs: int, saved: SavedTensors | None) -> BackwardNode | None:
        """The backward node of a call, which holds on to what it saved; None where no gradient comes through it."""
        if saved is None:
            self.missing.add(Missing(call.operation, needs))
            self._needing.update(call.outputs)
            return None
        if not saved.needing:
            return None
        storages = {self._storage[call.inputs[i]] for i in saved.inputs}
        storages.update([self._storage[call.outputs[i]] for i in saved.outputs])
        storages = {self._moved.get(number, number) for number in storages}
        copies = sum([self.traced.blocks[amount] for amount in saved.new])
        self._needing.update([call.outputs[i] for i in saved.needing])
        node = BackwardNode(index, call, needs, tuple(storages), copies, self._region)
        if self._region:
            self._region.add(node, runs=bool(saved.outputs or saved.new))
            return node
        for number in storages:
            self._holders[number] += 1
        self._live += copies
        return node

    def _alias(self, alias: EvalAlias) -> None:
        """Let the calls to come read what eval mode made, for as long as train mode's own would have lived."""
        for value, stand_in in alias.pairs:
            number, other = self._storage[value], self._storage[stand_in]
            other = self._moved.get(other, other)
            if not self._holders[number]:
                self._moved[number] = other
                self._holders[other] += 1
            self._storage[value] = other
            self._source[value] = self._source[stand_in]
            if stand_in in self._needing:
                self._needing.add(value)

    def _let_go(self, number: int) -> None:
        self._holders[number] -= 1
        if not self._holders[number]:
            self._live -= self.traced.sizes[number]

    def _backward(self, nodes: list[BackwardNode]) -> None:
        """Run the backward steps of these nodes, the last first."""
        buffers, traced = self._buffers, self.traced
        for node in reversed(nodes):
            received = buffers.received(node.call.outputs)
            step = self._result(node, received) if received else None
            if step:
                if node.region and not node.region.done and node.region.saves(node):
                    self._run_again(node.region)
                buffers.start(step, self._copies[node.call.operation][1])
                self._note(node.step, self._live + buffers.spike, (self._live, *buffers.spike_parts), BACKWARD)
                if step.scratch:
                    extra = scratch_bytes(step.scratch, traced.values)
                    self.scratch_peak = max(self.scratch_peak, self._live + buffers.spike + extra)
                handed = buffers.handed(step, node.call.outputs)
                self.flops_backward += traced.values[step.flops]
            if node.region:
                self._release(node, node.region)
            else:
                for number in node.saved:
                    self._let_go(number)
                self._live -= node.copies
            if step:
                self._hand_on(node, step, handed)
                self._note(node.step, self._live + buffers.spike, (self._live, *buffers.spike_parts), BACKWARD)

    def _run_again(self, region: RecomputedRegion) -> None:
        """Run a checkpointed region's forward again, while the gradients on their way wait."""
        traced, buffers = self.traced, self._buffers
        for index, change in region.again(traced.trace, traced.sizes):
            self._live += change
            call = traced.trace.steps[index] if index >= 0 else None
            if not isinstance(call, TracedCall):
                continue
            self.flops_backward += traced.flops[call.operation]
            beside = self._copies[call.operation][0] + self._random_state  # the one to go back to afterwards
            parts = self._live, buffers.ready, buffers.bytes + beside
            self._note(index, sum(parts), parts, BACKWARD)
            if extra := traced.scratch[call.operation]:
                self.scratch_peak = max(self.scratch_peak, self._live + buffers.now + extra)

    def _release(self, node: BackwardNode, region: RecomputedRegion) -> None:
        """A node under gradient checkpointing lets go; with the last of its region the arguments go too."""
        if not region.saves(node):
            return
        if region.done:
            self._live += region.release(node, self.traced.sizes)
        else:
            region.waiting -= 1
        if not region.waiting:
            self._live -= self._random_state
            for number in region.inputs:
                self._let_go(number)

    def _result(self, node: BackwardNode, received: int) -> BackwardResult | None:
        step = self.traced.trace.operations[node.call.operation].backward.get((node.needs, received))
        if step is None:
            self.missing.add(Missing(node.call.operation, node.needs, received))
        return step

    def _hand_on(self, node: BackwardNode, step: BackwardResult, handed: list[int]) -> None:
        """Pass a step's gradients to the calls that made its inputs, and to the parameters."""
        buffers, parameters = self._buffers, self._parameters
        for position, (value, gradient) in enumerate(zip(node.call.inputs, step.gradients, strict=True)):
            if gradient is not None:
                buffers.add(self._source[value], handed[gradient], view=bool(step.views >> position & 1))
        for value in node.call.inputs:
            if value in self.trains and parameters.first_read[value] == node.step and buffers.has(value):
                buffers.take(value, parameters.bytes[value], already_there=self.accumulates)
