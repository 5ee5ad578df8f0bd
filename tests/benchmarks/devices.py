"""What each of two devices really takes: two processes of gloo on the CPU, the last of three steps on rank 0.

    python -m tests.benchmarks.devices [KIND …]  prints case -> [bytes measured, bytes said], as in devices.json

The allocator is watched from before the model is built. Copies that gloo's own threads free are not seen to go, so
what a collective allocates counts as gone when the collective has returned.
"""

from __future__ import annotations

import gc
import json
import os
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

BATCH, CLASSES = 16, 500
MASKS = {
    "everything": lambda name: True,
    "last blocks": lambda name: not name.startswith(("stem", "blocks.0", "blocks.1")),
    "all but a block": lambda name: not name.startswith("blocks.1"),
    "biases": lambda name: name.endswith("bias"),
    "uneven": lambda name: name.startswith(("blocks.0.up", "blocks.2.norm", "head")),
}
KINDS = ("ddp", "zero1", "fsdp")
COLLECTIVES = ("c10d::_reduce_scatter_base_", "c10d::_allgather_base_", "gloo:")
MARK = "the last step"
REPEATS = 3  # what a profile does not see go makes one run seem to take more, never less


class Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.up, self.down = nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.down(torch.relu(self.up(self.norm(x))))


class Net(nn.Module):
    """Blocks whose sizes two does not divide."""

    def __init__(self, width: int = 127, depth: int = 4) -> None:
        super().__init__()
        self.stem, self.head = nn.Linear(192, width), nn.Linear(width, CLASSES)
        self.blocks = nn.ModuleList(Block(width) for _ in range(depth))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x.flatten(1))
        for block in self.blocks:
            x = block(x)
        return self.head(x)


def divided(model: Net, kind: str) -> nn.Module:
    if kind != "fsdp":
        return nn.parallel.DistributedDataParallel(model)
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh("cpu", (dist.get_world_size(),))
    for block in model.blocks:
        fully_shard(block, mesh=mesh)
    fully_shard(model, mesh=mesh)
    return model


def optimizer_of(net: nn.Module, kind: str) -> torch.optim.Optimizer:
    trained = [parameter for parameter in net.parameters() if parameter.requires_grad]
    if kind == "zero1":
        from torch.distributed.optim import ZeroRedundancyOptimizer

        return ZeroRedundancyOptimizer(trained, torch.optim.AdamW, lr=1e-3, foreach=False)
    return torch.optim.AdamW(trained, lr=1e-3, foreach=False)


def measured(kind: str, mask: str) -> int:
    gc.collect()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        model = Net()
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(MASKS[mask](name))
        net = divided(model, kind)
        optimizer = optimizer_of(net, kind)
        x, y = torch.randn(BATCH, 3, 8, 8), torch.randint(0, CLASSES, (BATCH,))
        for step in range(3):
            if step == 2:
                gc.collect()
                with torch.profiler.record_function(MARK):
                    pass
            cross_entropy(net(x), y).backward()
            optimizer.step()
            optimizer.zero_grad()
    return highest(profile)


def highest(profile: torch.profiler.profile) -> int:
    """Most bytes alive after the mark."""
    since = next(event.start_ns() for event in profile.profiler.kineto_results.events() if event.name() == MARK)
    events, passing = [], {}
    waiting = [(event, False) for event in profile.profiler.kineto_results.experimental_event_tree()]
    while waiting:
        event, inside = waiting.pop()
        waiting += [(child, inside or event.name.startswith(COLLECTIVES)) for child in event.children]
        if event.tag == torch._C._profiler._EventType.Allocation:
            fields = event.extra_fields
            events.append((event.start_time_ns, fields.ptr, fields.alloc_size, inside))
    live = most = 0
    gone = set[int]()  # addresses that were counted as free before the profile saw them go, if it ever does
    for when, address, size, inside in sorted(events):
        if not inside:
            live -= sum(passing.values())
            gone.update(passing)
            passing.clear()
        if size > 0:
            gone.discard(address)
            live += size
        elif address in gone:
            gone.discard(address)
        else:
            live += size
        if inside and size > 0:
            passing[address] = size
        elif inside:
            passing.pop(address, None)
        most = max(most, live) if when > since else most
    return most


def said(cases: list[tuple[str, str]]) -> list[int]:
    from freezecore import Mask, Workload, pricer, read_tree
    from freezecore._estimate.devices import per_device

    model = Net()
    tree, price = read_tree(model), pricer(model, Workload(batch_size=BATCH), batch=torch.randn(BATCH, 3, 8, 8))
    found = []
    for kind, name in cases:
        mask = Mask.from_names(tree, [p.name for p in tree.parameters if MASKS[name](p.name)])
        price.estimate(mask)
        found.append(per_device(price.trace, mask, 2, kind).peak_bytes)
    return found


def unhurried(collective: Callable) -> Callable:
    """The collective, and time for gloo's threads to let go of what it was given: what they free last, unseen, would
    seem to stay."""

    def then_wait(*args: Any, **kwargs: Any) -> Any:
        found = collective(*args, **kwargs)
        time.sleep(0.05)
        return found

    return then_wait


def rank(number: int, port: int, cases: list[tuple[str, str]], answer: mp.SimpleQueue) -> None:
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    dist.init_process_group("gloo", rank=number, world_size=2)
    torch.set_num_threads(1)
    for name in ("reduce_scatter_single", "all_gather_single"):
        setattr(dist, name, unhurried(getattr(dist, name)))
    found = [min(measured(*case) for _ in range(REPEATS)) for case in cases]
    if not number:
        answer.put(found)
    dist.destroy_process_group()


def main() -> None:
    kinds = sys.argv[1:] or KINDS
    cases = [(kind, mask) for kind in kinds for mask in MASKS]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    answer = mp.get_context("spawn").SimpleQueue()
    context = mp.spawn(rank, (port, cases, answer), nprocs=2, join=False)
    found = answer.get()
    while not context.join():
        pass
    print(json.dumps({" ".join(case): pair for case, *pair in zip(cases, found, said(cases), strict=True)}))


if __name__ == "__main__":
    sys.exit(main())
