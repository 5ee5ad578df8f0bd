"""Backward steps that fill zeros, and batch norms, against the real allocator: no copy too many, none too few."""

import pytest
import torch
from torch import nn

from tests.freezecore.runtime.trace.test_scratch import told_and_real

SMALL = 60_000
EVERY_SECOND = torch.arange(0, 40, 2)
TAKEN = {
    "gather": lambda h: h.gather(1, EVERY_SECOND.to(h.device).view(1, -1, 1).expand(h.shape[0], -1, h.shape[2])),
    "an index": lambda h: h[:, EVERY_SECOND.to(h.device)],
    "index_select": lambda h: h.index_select(1, EVERY_SECOND.to(h.device)),
    "the largest": lambda h: h.max(1)[0],
    "the largest few": lambda h: h.topk(10, dim=1)[0],
    "sorted": lambda h: h.sort(1)[0],
    "the median": lambda h: h.median(1)[0],
    "the third": lambda h: h.kthvalue(3, 1)[0],
    "all the largest": lambda h: h.amax(1),
}


class Taken(nn.Module):
    def __init__(self, take):
        super().__init__()
        self.before, self.after, self.take = nn.Linear(16, 256), nn.Linear(256, 5), take

    def forward(self, x):
        return self.after(self.take(self.before(x)))


class Normed(nn.Module):
    """A batch norm over the features of tokens, which lie last."""

    def __init__(self):
        super().__init__()
        self.before, self.norm, self.after = nn.Linear(16, 256), nn.BatchNorm1d(256), nn.Linear(256, 5)

    def forward(self, x):
        return self.after(self.norm(self.before(x).transpose(1, 2)).transpose(1, 2))


class Convolved(nn.Module):
    def __init__(self):
        super().__init__()
        self.before, self.norm, self.after = nn.Conv1d(16, 256, 1), nn.BatchNorm1d(256), nn.Linear(256, 5)

    def forward(self, x):
        return self.after(self.norm(self.before(x.transpose(1, 2))).max(2)[0])


MODELS = {**{name: lambda take=take: Taken(take) for name, take in TAKEN.items()}, "tokens, normed": Normed,
          "normed, then the largest": Convolved}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_a_step_takes_what_the_allocator_shows(name):
    model = MODELS[name]()
    trains = {each for each, _ in model.named_parameters()}
    cost, real = told_and_real(model, torch.randn(16, 40, 16), trains, "fp32")
    assert cost.peak_with_scratch == pytest.approx(real, rel=0.01, abs=SMALL)
