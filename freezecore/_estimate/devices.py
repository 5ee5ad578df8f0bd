"""Devices: what one of several takes when a step's gradients, optimizer state or parameters are divided among them.

Each is the same simulated step that `estimate` prices, moment by moment, with what that way of training divides and
what it holds for communication. Sources, and what each is held against:

`ddp`: torch/csrc/distributed/c10d/reducer.cpp: buckets for the gradients of all that trains, there from the start
beside the gradients themselves (`gradient_as_bucket_view=False`); against two processes (tests/…/test_devices.py).
`zero1`: torch.distributed.optim.ZeroRedundancyOptimizer under DDP: whole parameters, each to the rank with least so
far, the largest first; against two processes.
`zero2`, `zero3`: the formulas of ZeRO (arXiv:1910.02054) with DeepSpeed's default buckets (`reduce_bucket_size`,
`stage3_prefetch_bucket_size`; docs/_pages/config-json.md there); against nothing that ran.
`fsdp`: torch.distributed.fsdp.fully_shard on each block and on the whole model (_fsdp_param_group.py,
_fsdp_collectives.py): a block's parameters are gathered into a buffer and copied out of it; going forward the buffer
stays until the next block's is filled, going backward the block before is gathered ahead and the buffer in which the
block behind was reduced stays; what belongs to no block is whole from the first call to the end of the backward pass.
Frozen and training parameters are gathered alike, gradients are those that train. Against two processes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal, get_args

from freezecore._estimate.cost import SimulatedStep, simulated, trained
from freezecore._estimate.optimizer import shared_bytes, state_bytes, step_bytes
from freezecore._estimate.replay import Moment
from freezecore._estimate.simulator import BACKWARD, FORWARD
from freezecore._estimate.trace_at_batch import allocated_by
from freezecore._trace import Trace, TracedParameter
from freezecore.errors import WorkloadError, did_you_mean, shortened
from freezecore.mask import Mask
from freezecore.report import bytes_text
from freezecore.sentences import joined, say
from freezecore.tree import LayerTree, Parameter

Sharding = Literal["ddp", "zero1", "zero2", "zero3", "fsdp"]
SHARDINGS: tuple[str, ...] = get_args(Sharding)
LARGEST_WORLD = 65_536
REDUCE_BUCKET, PREFETCH_BUCKET = 5 * 10**8, 5 * 10**7  # scalars: DeepSpeed's defaults


@dataclass(frozen=True, slots=True)
class DeviceShare:
    """What the fullest of several devices takes at its peak, in bytes; batch sizes are one device's own.

    Attributes:
        world: how many devices.
        sharding: what they divide: a name of `SHARDINGS`.
        peak_bytes: most that is alive at once: the six parts below.
        weights: parameters and buffers that stay here.
        gradients, optimizer, activations, temporaries: as in an `Estimate`.
        communication: parameters gathered for a moment, and buffers that gather or reduce.
        why: what is divided and what is not, a sentence.
    """

    world: int
    sharding: str
    peak_bytes: int
    weights: int
    gradients: int
    optimizer: int
    activations: int
    temporaries: int
    communication: int
    why: str = ""

    def __str__(self) -> str:
        return f"each of {self.world:,} devices: {bytes_text(self.peak_bytes)}. {self.why}"

    def to_json(self) -> dict:
        """Its fields as JSON values."""
        return asdict(self)


def checked_world(world: int | None, sharding: str | None) -> tuple[int, Sharding] | None:
    """How many devices and what they divide, where either was asked for; nothing said of the latter is `ddp`.

    Raises:
        WorkloadError: no such number or name, or a name without a number.
    """
    if world is None:
        if sharding is not None:
            raise WorkloadError(
                "Sharding '{name}' divides a step among several devices, and their number is missing.",
                "Say how many: --world 2, or world=2.",
                name=shortened(str(sharding)),
            )
        return None
    if type(world) is not int or not 1 <= world <= LARGEST_WORLD:
        raise WorkloadError(
            "A world of {world} devices is out of range.",
            "Choose a whole number from 1 to {most:,}.",
            world=shortened(str(world)),
            most=LARGEST_WORLD,
        )
    for name in get_args(Sharding):
        if sharding in (name, None):
            return world, name
    raise WorkloadError(
        "There is no sharding called '{name}'.",
        did_you_mean(str(sharding), SHARDINGS) or "Choose one of {names}.",
        name=shortened(str(sharding)),
        names=", ".join(SHARDINGS),
    )


def per_device(
    trace: Trace, mask: Mask, world: int, sharding: str = "ddp", *, batch_size: int | None = None
) -> DeviceShare:
    """What one training step takes on the fullest of so many devices; the batch size is one device's own.

    Raises:
        WorkloadError: what `checked_world` raises.
        UnknownCost: the step's peak is unknown, with the reason.
        FreezeError: what `estimate` raises.
    """
    checked_world(world, sharding)
    step = simulated(trace, mask, batch_size=batch_size)
    trains = trained(trace, mask)
    if world == 1:
        why = say("One device: nothing is divided.")
        return replace(_highest(step, world, sharding, _plain(step)), why=why)
    if sharding == "fsdp":
        return FullyShardedStep(step, mask.tree, world).share()
    if sharding == "zero1":
        return _zero1(step, trains, world)
    if sharding == "ddp":
        buckets = _bytes(step, trains)
        why = say(
            "DistributedDataParallel: each device has the whole step, and {buckets} of buckets in which gradients are "
            "reduced.",
            buckets=bytes_text(buckets),
        )
        return replace(_highest(step, world, sharding, _plain(step, buckets)), why=why)
    return _by_formula(step, trains, world, sharding)


Row = tuple[int, int, int, int, int, int]  # the five parts of an estimate, and communication


def _plain(step: SimulatedStep, communication: int = 0) -> Iterator[Row]:
    """The parts at each moment of a step of which nothing is divided."""
    weights = step.replay.traced.weights
    for moment in step.moments:
        activations = moment.activations + step.batches
        yield weights, moment.gradients, step.optimizer, activations, moment.temporaries, communication


def _highest(step: SimulatedStep, world: int, sharding: str, rows: Iterator[Row]) -> DeviceShare:
    parts = max(rows, key=sum)
    return DeviceShare(world, sharding, sum(parts), *parts)


def _bytes(step: SimulatedStep, parameters: Sequence[TracedParameter]) -> int:
    return sum(step.replay.traced.parameters.bytes[p.value] for p in parameters)


def _zero1(step: SimulatedStep, trains: Sequence[TracedParameter], world: int) -> DeviceShare:
    """Each rank steps some parameters; the most is taken by the rank whose state and step together take most."""
    layout, workload = step.replay.traced.parameters, step.replay.traced.trace.workload
    rounded = allocated_by(step.replay.traced.trace)
    ranks: list[list[TracedParameter]] = [[] for _ in range(world)]
    sizes = [0] * world
    for parameter in sorted(trains, key=lambda p: p.numel, reverse=True):
        rank = sizes.index(min(sizes))
        ranks[rank].append(parameter)
        sizes[rank] += parameter.numel
    shares, buckets, used = [], _bytes(step, trains), {p.value for p in step.chosen}
    for each in ranks:
        own = [p for p in each if p.value in used]
        state = sum(layout.state_bytes[p.value] for p in own) + shared_bytes(workload, own, rounded)
        takes = step_bytes(workload, own, rounded)
        rows = (
            (weights, gradients, state, activations, takes if place < 0 else temporaries, buckets)
            for (weights, gradients, _, activations, temporaries, _), place in zip(
                _plain(step), (moment.place for moment in step.moments), strict=True
            )
        )
        shares.append(_highest(step, world, "zero1", rows))
    fullest = max(shares, key=lambda share: share.peak_bytes)
    why = say(
        "ZeroRedundancyOptimizer: the fullest of {world} devices keeps {state} of {whole} of optimizer state, each has "
        "everything else, and {buckets} of buckets in which gradients are reduced.",
        world=world,
        state=bytes_text(fullest.optimizer),
        whole=bytes_text(step.optimizer),
        buckets=bytes_text(buckets),
    )
    return replace(fullest, why=why)


def _by_formula(step: SimulatedStep, trains: Sequence[TracedParameter], world: int, sharding: str) -> DeviceShare:
    """ZeRO-2 and ZeRO-3: an equal part of what they divide, and the buckets through which the rest passes."""
    traced = step.replay.traced
    itemsize = max((p.itemsize for p in trains), default=0)
    bucket = min(_bytes(step, trains), REDUCE_BUCKET * itemsize)
    state, weights, own = -(-step.optimizer // world), traced.weights, dict[str, int]()
    whole = _bytes(step, traced.trace.parameters)
    if sharding == "zero3":
        weights += -(-whole // world) - whole
        for parameter in traced.trace.parameters:
            path = parameter.name.rpartition(".")[0]
            own[path] = own.get(path, 0) + traced.parameters.bytes[parameter.value]
    ahead = min(whole, PREFETCH_BUCKET * max((p.itemsize for p in traced.trace.parameters), default=0))

    def row(moment: Moment) -> Row:
        gathered = min(whole, own.get(moment.layer, 0) + ahead) if own and moment.place >= 0 else 0
        passing = gathered + (bucket if moment.phase == BACKWARD else 0)
        temporaries = moment.temporaries if moment.place >= 0 else -(-moment.temporaries // world)
        activations = moment.activations + step.batches
        return weights, -(-moment.gradients // world), state, activations, temporaries, passing

    share = _highest(step, world, sharding, map(row, step.moments))
    values = {"stage": sharding[-1], "world": world, "passing": bytes_text(share.communication)}
    told = say(
        "ZeRO-{stage} by its formula (arXiv:1910.02054) with DeepSpeed's default buckets, held against no run.",
        **values,
    )
    divided = say(
        "1/{world} of optimizer state and gradients, and of parameters from stage 3 on; {passing} are gathered or pass "
        "through buckets at the peak. A 32-bit copy of weights in half precision is not counted.",
        **values,
    )
    why = joined((told, divided), " ")
    return replace(share, why=why)


class FullyShardedStep:
    """A step under `fully_shard`, each block a unit and what is in none the unit ''.

    Attributes:
        gathered: bytes of each unit's parameters, padded so that every device has as much.
        reduced: the same of those that train.
        rows: the parts at each moment so far.
    """

    def __init__(self, step: SimulatedStep, tree: LayerTree, world: int) -> None:
        self.step, self.world, traced = step, world, step.replay.traced
        self.blocks = frozenset(tree.blocks)
        known = {parameter.name: parameter for parameter in tree.parameters}
        self.gathered, self.reduced = dict.fromkeys(["", *tree.blocks], 0), dict.fromkeys(["", *tree.blocks], 0)
        rounded, workload = allocated_by(traced.trace), traced.trace.workload
        used = {p.value for p in step.chosen}
        shards = []
        for parameter in traced.trace.parameters:
            unit, shape = self._unit(parameter.name), _shard(known[parameter.name], world)
            shard = parameter._replace(numel=math.prod(shape), shape=shape)
            size = rounded(shard.numel * shard.itemsize) * world
            self.gathered[unit] += size
            if parameter.value in used:
                self.reduced[unit] += size
                shards.append(shard)
        self.clones = workload.device == "cpu"  # gloo works on a copy of what it sends; NCCL in place
        self.optimizer = state_bytes(workload, shards, rounded) + shared_bytes(workload, shards, rounded)
        self.steps = step_bytes(workload, shards, rounded)
        self.weights = traced.weights - _bytes(step, traced.trace.parameters) + sum(self.gathered.values()) // world
        self.rows: list[Row] = []
        self._whole, self._buffer, self._reducing, self._shards = 0, 0, 0, 0  # alive now, in bytes
        self._gradients = dict.fromkeys(self.gathered, 0)  # not yet reduced, per unit
        self._received = 0  # bytes of gradients so far
        read = traced.parameters.first_read
        self._awaited = sorted(step.chosen, key=lambda parameter: read.get(parameter.value, -1))

    def share(self) -> DeviceShare:
        """What one device takes."""
        accumulates, moments = self.step.replay.accumulates, self.step.moments
        forward = [moment for moment in moments if moment.phase == FORWARD]
        if accumulates:
            self._received = self.step.replay.gradients
        if accumulates or self.step.gradients_before:
            self._shards = sum(self.reduced.values()) // self.world
        order = self._forward(forward)
        if not accumulates:
            self._shards = 0
        self._backward([moment for moment in moments if moment.phase == BACKWARD], order)
        if self.step.chosen:
            self._note(moments[-1]._replace(temporaries=self.steps))
        found = _highest(self.step, self.world, "fsdp", iter(self.rows))
        why = say(
            "fully_shard on each of {blocks} blocks and on the whole: 1/{world} of parameters, gradients and optimizer "
            "state; at the peak {passing} are gathered, or in buffers that gather and reduce.",
            blocks=len(self.blocks),
            world=self.world,
            passing=bytes_text(found.communication),
        )
        return replace(found, why=why)

    def _unit(self, path: str) -> str:
        """The innermost block around a path."""
        while path and path not in self.blocks:
            path = path.rpartition(".")[0]
        return path

    def _note(self, moment: Moment, more: int = 0) -> None:
        communication = self._whole + self._buffer + self._reducing + more
        gradients = self._shards + sum(self._gradients.values())
        activations = moment.activations + self.step.batches
        self.rows.append((self.weights, gradients, self.optimizer, activations, moment.temporaries, communication))

    def _gather(self, unit: str, moment: Moment) -> None:
        """A buffer for a unit's parameters, filled; what was in the last one is there until then."""
        self._buffer += self.gathered[unit]
        self._note(moment, self.gathered[unit] * self.clones)

    def _forward(self, moments: Sequence[Moment]) -> list[str]:
        """The units in the order in which they ran."""
        order: list[str] = []
        root = self.gathered[""]
        self._buffer, self._whole = root, root
        before = None
        for moment in moments:
            unit = self._unit(moment.layer)
            if unit and before != unit:
                self._whole = root
                self._gather(unit, moment._replace(temporaries=0))
                self._buffer = self.gathered[unit]
                order.append(unit)
            self._whole = root + (self.gathered[unit] if unit else 0)
            before = unit
            self._note(moment)
        self._buffer = 0
        return order

    def _backward(self, moments: Sequence[Moment], order: list[str]) -> None:
        """Go through the units backwards; what is in none is reduced in the end."""
        root, before, begun = self.gathered[""], "", False
        for moment in moments:
            unit = self._unit(moment.layer)
            self._receive(moment.gradients)
            if before and unit != before:
                self._reduce(before, moment)
                self._whole = root
            if not begun or (unit and unit != before):
                begun = True
                self._enter(unit, order, moment._replace(temporaries=0))
            if self.step.replay.accumulates and unit:
                self._gradients[unit] = self.reduced[unit]
            before = unit
            self._note(moment)
        if moments:
            last = moments[-1]._replace(temporaries=0, activations=self.step.replay.left)
            self._receive(self.step.replay.gradients)
            if before:
                self._reduce(before, last)
            self._whole = 0
            self._reduce("", last)
            self._buffer = self._reducing = 0

    def _enter(self, unit: str, order: list[str], moment: Moment) -> None:
        """A unit's parameters are copied out of their buffer, and those of the unit before it are gathered ahead."""
        place = len(order) - 1 - order[::-1].index(unit) if unit in order else len(order)
        if unit:
            if not self._buffer:  # nobody gathered it ahead
                self._gather(unit, moment)
            self._whole = self.gathered[""] + self.gathered[unit]
            self._note(moment)
            self._buffer = 0
        if place:
            self._gather(order[place - 1], moment)

    def _receive(self, ready: int) -> None:
        """So many bytes of gradients are complete; they come in the reverse order of where parameters are read."""
        while self._awaited and self._received < ready:
            parameter = self._awaited.pop()
            size = self.step.replay.traced.parameters.bytes[parameter.value]
            self._received += size
            self._gradients[self._unit(parameter.name)] += size

    def _reduce(self, unit: str, moment: Moment) -> None:
        """A unit's gradients, copied into a buffer, become this device's part of their sum."""
        moment, size = moment._replace(temporaries=0), self.reduced[unit]
        self._whole -= self.gathered[unit] if unit else 0
        if not size:
            return
        self._reducing = size
        self._note(moment)
        self._gradients[unit] = 0
        if not self.step.replay.accumulates:
            self._shards += size // self.world
        self._note(moment, size * self.clones)


def _shard(parameter: Parameter, world: int) -> tuple[int, ...]:
    """Shape of one device's part: rows of the first dimension, the same number on each, the last ones padding."""
    rows, *rest = parameter.shape or (1,)
    return -(-rows // world), *rest
