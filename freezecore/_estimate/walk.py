"""Walk: the calls of a step and their backward nodes one by one, over integers, as autograd makes them rise and fall.

The forward pass runs call by call: storages are born, and end when Python lets go of them, unless a backward node
still to come keeps them. The backward pass runs the nodes in the reverse order of their calls, as the engine does
(by descending sequence number); each hands gradients on, which are added where branches meet, and lets go of what it
kept. Sources: torch/csrc/autograd/engine.cpp, input_buffer.cpp (when a sum is made in place) and
functions/accumulate_grad.h (when a gradient is taken over as it is, and when it is copied).
"""

from __future__ import annotations

from freezecore._estimate.flow import Flow
from freezecore._estimate.moments import BACKWARD, FORWARD, Node
from freezecore._estimate.program import Program
from freezecore._estimate.recompute import RANDOM_STATE, Frame
from freezecore._estimate.scratch import backward_scratch, forward_scratch
from freezecore._trace import Bind, Call, Kept, Missing, Returned

NOTHING_KEPT = Kept()


class Walk:
    """What a step under one mask has come to; `forward` walks a range of its calls, `backward` some of their nodes."""

    def __init__(
        self, program: Program, trains: frozenset[int], held: frozenset[int], accumulates: bool, in_place: bool
    ) -> None:
        self.program = program
        self.trains, self.held = trains, held
        self.accumulates, self.in_place = accumulates, in_place
        self.missing: set[Missing] = set()
        self.flops_forward = self.flops_backward = self.scratch_peak = 0
        self._scratch = program.trace.workload.device == "cpu"
        self._copies = program.copies if in_place else [(0, 0)] * len(program.copies)
        self._holders = [0] * len(program.sizes)  # per storage: Python itself, and every node that keeps it
        self._moved: dict[int, int] = {}  # storage that train mode would have made -> the one that stands for it
        self._storage = list(program.trace.storage)
        self._source = list(range(len(self._storage)))  # per value, the one that a gradient for it goes to
        ready = (
            sum(program.parameter_bytes[value] for value in trains & program.uses.first.keys()) if accumulates else 0
        )
        self._flow = Flow(program, ready, in_place)
        self._live = 0
        self._most = -1  # the peak's sum; -1 begins anew
        self._peak, self._peak_at = (0, 0, 0), (FORWARD, 0)
        self._regions = {region.begin: region for region in program.trace.regions}
        self._random_state = RANDOM_STATE if self._scratch else 0
        self._frame: Frame | None = None  # the region that the forward pass is in
        self._asking = frozenset(program.trace.asking)
        self._needing = {*trains, *self._asking}
        self._unneeded_casts: dict[int, int] = {}

    def _start(self) -> None:
        """What happens before the first step, and what an earlier one has left."""
        for layer, number in self.program.trace.lasting:
            if layer in self.held:
                self._holders[number] = 2  # its layer's hand, and Python's while the step runs
                self._live += self.program.sizes[number]
        if self._regions:
            self._enter(0)
        for number in self.program.trace.ends[0]:
            self._let_go(number)

    def _receive_loss(self) -> None:
        """The gradient that the backward pass starts from."""
        loss = self._source[self.program.trace.loss]
        self._flow.add(loss, self._flow.new(self.program.nbytes[loss], users=1))

    def _forward(self, begin: int, end: int) -> list[Node]:
        """Walk these steps, and what Python lets go of after each; the nodes that autograd will come back to."""
        steps, ends, moved, held = self.program.trace.steps, self.program.trace.ends, self._moved, self.held
        nodes: list[Node] = []
        for index in range(begin, end):
            step = steps[index]
            runs = True
            if isinstance(step, Bind):
                if step.layer in held:
                    self._bind(step, self._needing)
            elif runs := step.mode is None or (step.layer in held) != step.mode:
                node = self._call(index, step)
                if node:
                    nodes.append(node)
            if self._regions:
                self._enter(index + 1)
            for number in ends[index + 1] if runs else ():  # the other mode has moments of its own
                self._let_go(moved.get(number, number))
        return nodes

    def _call(self, index: int, step: Call) -> Node | None:
        """Run one call; the node that autograd will come back to."""
        program, storage, moved, holders = self.program, self._storage, self._moved, self._holders
        needing, operation = self._needing, program.trace.operations[step.operation]
        self.flops_forward += program.flops[step.operation]
        for value in step.outputs:
            number = moved.get(storage[value], storage[value])
            if not holders[number]:
                holders[number] = 1
                self._live += program.sizes[number]
                if self._frame:
                    self._frame.born.setdefault(number, index)
        if self._frame:
            self._frame.ran.append(index)
        needs, node = 0, None
        if step.counts:
            for position, value in enumerate(step.inputs):
                if value in needing:
                    needs |= 1 << position
        inside = self._copies[step.operation][0]
        if needs:
            kept = operation.kept.get(needs)
            node = self._keep(index, step, needs, kept, needing)
            if kept and kept.inside is not None:
                inside = program.blocks[kept.inside]
        elif self._asking and not self._asking.isdisjoint(step.outputs):
            self._hold_for_good(step)
        elif step.cast:
            number = storage[step.outputs[0]]
            self._unneeded_casts[program.uses.last[number]] = number
        self._note(index, self._live + inside, (self._live, self._flow.ready, inside), FORWARD)
        if self._scratch and operation.reorders:
            extra = forward_scratch(operation.reorders, *self._sizes_of(step))
            self.scratch_peak = max(self.scratch_peak, self._live + self._flow.ready + extra)
        if index in self._unneeded_casts:
            self._let_go(self._unneeded_casts[index])
        return node

    def _note(self, index: int, total: int, parts: tuple[int, int, int], phase: str) -> None:
        """Remember the moment if more is alive than ever in this phase."""
        if total > self._most:
            self._most, self._peak, self._peak_at = total, parts, (phase, index)

    def _enter(self, index: int) -> None:
        """End the checkpointed region that ends before this step, and begin the one that begins there."""
        if self._frame and index == self._frame.region.end:
            if not self._frame.waiting:
                self._live -= self._random_state
            else:
                for number in self._frame.inputs:
                    self._holders[number] += 1
            self._frame = None
        region = self._regions.get(index)
        if region and region.layer not in self.held:
            inputs = {self._storage[value] for value in region.inputs}
            self._live += self._random_state
            self._frame = Frame(region, frozenset(self._moved.get(number, number) for number in inputs))

    def _hold_for_good(self, call: Call) -> None:
        """A value that the model asks a gradient for is a leaf, which its gradient keeps alive beyond the step."""
        for value in self._asking.intersection(call.outputs):
            number = self._storage[value]
            self._holders[self._moved.get(number, number)] += 1

    def _keep(self, index: int, call: Call, needs: int, kept: Kept | None, needing: set[int]) -> Node | None:
        """The backward node of a call, which holds on to what it kept."""
        if kept is None:
            self.missing.add(Missing(call.operation, needs))
            needing.update(call.outputs)
            return None
        if not kept.needing:
            return None
        storages = {self._storage[call.inputs[i]] for i in kept.inputs}
        storages.update([self._storage[call.outputs[i]] for i in kept.outputs])
        storages = {self._moved.get(number, number) for number in storages}
        copies = sum([self.program.blocks[amount] for amount in kept.new])
        needing.update([call.outputs[i] for i in kept.needing])
        node = Node(index, call, needs, tuple(storages), copies, self._frame)
        if self._frame:
            self._frame.keep(node, runs=bool(kept.outputs or kept.new))
            return node
        for number in storages:
            self._holders[number] += 1
        self._live += copies
        return node

    def _bind(self, bind: Bind, needing: set[int]) -> None:
        """Let the calls to come read what eval mode made, for as long as train mode's own would have lived."""
        for value, stand_in in bind.pairs:
            number, other = self._storage[value], self._storage[stand_in]
            other = self._moved.get(other, other)
            if not self._holders[number]:
                self._moved[number] = other
                self._holders[other] += 1
            self._storage[value] = other
            self._source[value] = self._source[stand_in]
            if stand_in in needing:
                needing.add(value)

    def _let_go(self, number: int) -> None:
        self._holders[number] -= 1
        if not self._holders[number]:
            self._live -= self.program.sizes[number]

    def _backward(self, nodes: list[Node]) -> None:
        """Walk the backward steps of these nodes, the last first."""
        flow, program = self._flow, self.program
        for node in reversed(nodes):
            received = flow.received(node.call.outputs)
            step = self._returned(node, received) if received else None
            if step:
                if node.frame and not node.frame.done and node.frame.keeps(node):
                    self._run_again(node.frame, flow)
                flow.start(step, self._copies[node.call.operation][1])
                self._note(node.index, self._live + flow.spike, (self._live, *flow.spike_parts), BACKWARD)
                if self._scratch and (kind := program.trace.operations[node.call.operation].reorders):
                    extra = backward_scratch(kind, node.needs, *self._sizes_of(node.call))
                    self.scratch_peak = max(self.scratch_peak, self._live + flow.spike + extra)
                handed = flow.handed(step, node.call.outputs)
                self.flops_backward += program.values[step.flops]
            if node.frame:
                self._release(node)
            else:
                for number in node.kept:
                    self._let_go(number)
                self._live -= node.copies
            if step:
                self._hand_on(node, step, handed, flow)
                self._note(node.index, self._live + flow.spike, (self._live, *flow.spike_parts), BACKWARD)

    def _run_again(self, frame: Frame, flow: Flow) -> None:
        """Run a checkpointed region's forward again, while the gradients on their way wait."""
        program, steps = self.program, self.program.trace.steps
        for index, change in frame.again(program.trace, program.sizes):
            self._live += change
            if index < 0:
                continue
            self.flops_backward += program.flops[steps[index].operation]
            copy = self._copies[steps[index].operation][0]
            self._note(index, self._live + flow.now + copy, (self._live, flow.ready, flow.bytes + copy), BACKWARD)
            if self._scratch and (kind := program.trace.operations[steps[index].operation].reorders):
                extra = forward_scratch(kind, *self._sizes_of(steps[index]))
                self.scratch_peak = max(self.scratch_peak, self._live + flow.now + extra)

    def _release(self, node: Node) -> None:
        """A node under gradient checkpointing lets go; with the last of its region the arguments go too."""
        frame = node.frame
        if not frame.keeps(node):
            return
        if frame.done:
            self._live += frame.release(node, self.program.sizes)
        else:
            frame.waiting -= 1
        if not frame.waiting:
            self._live -= self._random_state
            for number in frame.inputs:
                self._let_go(number)

    def _sizes_of(self, convolution: Call) -> tuple[int, int, int]:
        """Bytes of its input, weight and output."""
        nbytes = self.program.nbytes
        return nbytes[convolution.inputs[0]], nbytes[convolution.inputs[1]], nbytes[convolution.outputs[0]]

    def _returned(self, node: Node, received: int) -> Returned | None:
        step = self.program.trace.operations[node.call.operation].returned.get((node.needs, received))
        if step is None:
            self.missing.add(Missing(node.call.operation, node.needs, received))
        return step

    def _hand_on(self, node: Node, step: Returned, handed: list[int], flow: Flow) -> None:
        """Pass a step's gradients to the calls that made its inputs, and to the parameters."""
        first = self.program.uses.first
        for value, gradient in zip(node.call.inputs, step.gradients, strict=True):
            if gradient is not None:
                flow.add(self._source[value], handed[gradient])
        for value in node.call.inputs:
            if value in self.trains and first[value] == node.index and flow.has(value):
                flow.take(value, self.program.parameter_bytes[value], already_there=self.accumulates)
