"""What is remembered of blocks that repeat is what running every step finds."""

import random

import pytest
import torch
from torch import nn

from freezecore._estimate import replay
from freezecore._estimate.cost import estimate_names
from freezecore._estimate.segments import TraceSegment
from freezecore.runtime.trace import trace_module
from freezecore.workload import Workload


class Block(nn.Module):
    """A residual block; its dropout and norm run otherwise when they are held."""

    def __init__(self):
        super().__init__()
        self.up, self.down, self.norm, self.drop = (
            nn.Linear(8, 16),
            nn.Linear(16, 8),
            nn.BatchNorm1d(8),
            nn.Dropout(0.1),
        )

    def forward(self, x, scale):
        return x + self.drop(self.down(torch.relu(self.up(self.norm(x))))) * scale


class Tower(nn.Module):
    """Equal blocks that all read one more value."""

    def __init__(self):
        super().__init__()
        self.stem, self.drop, self.head = nn.Linear(3 * 8 * 8, 8), nn.Dropout(0.1), nn.Linear(8, 10)
        self.blocks = nn.ModuleList(Block() for _ in range(6))

    def forward(self, x):
        x = self.drop(self.stem(x.flatten(1)))
        scale = x.mean()
        for block in self.blocks:
            x = block(x, scale)
        return self.head(x)


@pytest.fixture(scope="module")
def traced():
    model = Tower()
    return model, trace_module(model, Workload(image_size=8, batch_size=8))


def drawn(model, trace, draw):
    """A random selection of parameters, and random layers held."""
    share = draw.choice([0.05, 0.5, 0.95])
    trains = [p for p in trace.parameters if draw.random() < share]
    return trains, [path for path, _ in model.named_modules() if draw.random() < 0.4]


def test_what_is_remembered_is_what_running_every_step_finds(traced, monkeypatch):
    model, trace = traced
    draw = random.Random(0)
    cases = [drawn(model, trace, draw) for _ in range(60)] * 2
    found = [estimate_names(trace, *case, batch_size=size) for case in cases for size in (1, 8)]
    monkeypatch.setattr(replay, "segments", lambda trace: (TraceSegment(0, len(trace.steps)),))
    assert found == [estimate_names(trace, *case, batch_size=size) for case in cases for size in (1, 8)]
    assert sum(estimate.known for estimate in found) > len(found) // 2
