"""Gradient checkpointing: estimated against the same step run for real, as the CPU's allocator counts it."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.utils import checkpoint

from freezecore._estimate.cost import estimate_names
from freezecore._trace import Trace
from freezecore.runtime.inputs.own import own_batch
from freezecore.runtime.trace import module_pricer
from freezecore.workload import Workload
from tests.benchmarks.memory_truth import on_cpu

WORKLOAD = Workload(4, implementation="loop", checkpointing=True)
BATCH = torch.randn(4, 32, 16)
STRAY = 64  # bytes: a loss or a counter more or less


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.wide, self.narrow = nn.Linear(16, 64), nn.Linear(64, 16)
        self.drop, self.norm = nn.Dropout(0.1), nn.LayerNorm(16)

    def forward(self, x):
        return self.norm(x + self.drop(self.narrow(torch.nn.functional.gelu(self.wide(x)))))


class Net(nn.Module):
    """Blocks that checkpoint themselves as timm's do."""

    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList(Block() for _ in range(4))
        self.head = nn.Linear(16, 2)
        self.checkpointing = False

    def set_grad_checkpointing(self, enable=True):
        self.checkpointing = enable

    def forward(self, x):
        for block in self.blocks:
            x = checkpoint.checkpoint(block, x, use_reentrant=False) if self.checkpointing else block(x)
        return self.head(x.mean(1))


@pytest.fixture(scope="module")
def trace():
    return module_pricer(Net(), WORKLOAD, batch=BATCH).trace


def chosen(trace, part):
    return [p for p in trace.parameters if part(p.name)]


PARTS = {
    "everything": lambda name: True,
    "the last two blocks": lambda name: not name.startswith(("blocks.0", "blocks.1")),
    "biases": lambda name: name.endswith("bias"),
    "one weight in the middle": lambda name: name == "blocks.1.wide.weight",
    "the head": lambda name: name.startswith("head"),
}


@pytest.mark.parametrize("part", PARTS)
def test_the_peak_is_that_of_the_real_allocator(trace, part):
    trains = chosen(trace, PARTS[part])
    cost = estimate_names(trace, trains, ())
    names = {p.name for p in trains}
    real = on_cpu(Net(), names, (), WORKLOAD, own_batch(BATCH)[1], False)
    assert abs(cost.peak_bytes - real.peak_bytes) <= STRAY


def test_it_saves_memory_and_costs_another_forward(trace):
    plain = module_pricer(Net(), replace(WORKLOAD, checkpointing=False), batch=BATCH).trace
    once, twice = (estimate_names(t, list(t.parameters), ()) for t in (plain, trace))
    assert twice.peak_bytes < once.peak_bytes
    again = twice.flops_backward - once.flops_backward
    assert 0.9 * once.flops_forward < again <= once.flops_forward


def test_regions_survive_their_bytes(trace):
    read = Trace.from_bytes(trace.to_bytes())
    assert read.regions == trace.regions
    assert len(read.regions) == 4
