"""Writes into slices and views: gradients, optimizer state and the peak, held against the real allocator."""

import pytest
import torch
from torch import nn

from freezecore._estimate.cost import estimate_names
from freezecore.runtime.inputs.own import own_batch
from freezecore.runtime.trace import module_pricer
from freezecore.workload import Workload
from tests.benchmarks.memory_truth import Step, on_cpu

WORKLOAD = Workload(implementation="loop")
BATCH = torch.randn(256, 64)
STRAY = 512  # bytes: losses, counters and zero-dimensional constants
BUFFER = (
    60 * 60 * 4
)  # that a transposing copy takes on a CPU: copy_same_type_transpose_ in aten/src/ATen/native/Copy.cpp
WRITES = {}


class Written(nn.Module):
    """A layer whose output is written somewhere, and a head that reads it from there."""

    def __init__(self, write):
        super().__init__()
        self.body, self.head, self.row = nn.Linear(64, 64), nn.Linear(64, 4), nn.Parameter(torch.zeros(64))
        self.write = WRITES[write]

    def forward(self, x):
        return self.head(self.write(self, x))


def write(function):
    WRITES[function.__name__] = function
    return function


@write
def half_of_zeros(net, x):
    out = torch.zeros(x.shape[0], 64)
    out[:, :32] = net.body(x)[:, :32]
    return out


@write
def all_of_zeros(net, x):
    out = torch.zeros(x.shape[0], 64)
    out[:] = net.body(x)
    return out


@write
def four_parts_in_turn(net, x):
    out = torch.zeros(x.shape[0], 64)
    for i in range(4):
        out[:, i * 16 : (i + 1) * 16] = net.body(x)[:, i * 16 : (i + 1) * 16]
    return out


@write
def one_column(net, x):
    out = x.clone()
    out[:, 0] = net.body(x)[:, 0]
    return out


@write
def columns_by_a_list(net, x):
    out = x.clone()
    out[:, [0, 3, 5]] = net.body(x)[:, [0, 3, 5]]
    return out


@write
def a_list_in_a_view(net, x):
    out = x.clone()
    out[:, 8:40][:, [0, 3, 5]] = net.body(x)[:, [0, 3, 5]]
    return out


@write
def added_in_place(net, x):
    out = x.clone()
    out[:, :32] += net.body(x)[:, :32]
    return out


@write
def multiplied_in_place(net, x):
    out = net.body(x)
    out[:, :32] *= out.detach()[:, 32:].sigmoid()
    return out.tanh()


@write
def copied_into_a_narrow_view(net, x):
    out = torch.zeros_like(x)
    out.narrow(1, 0, 32).copy_(net.body(x)[:, :32])
    return out


@write
def a_parameter_written(net, x):
    out = x.clone()
    out[:, :64] = net.row
    return out


@write
def a_view_of_a_view(net, x):
    out = x.clone()
    out.view(-1, 8, 8)[:, 0].copy_(net.body(x).view(-1, 8, 8)[:, 0])
    return out


@write
def through_a_transpose(net, x):
    out = torch.zeros(64, x.shape[0])
    out.t()[:, :32] = net.body(x)[:, :32]
    return out.t()


@write
def relu_on_a_view(net, x):
    out = net.body(x)
    out[:, :32].relu_()
    return out


@write
def scattered_into_a_view(net, x):
    out = torch.zeros(x.shape[0], 128)
    index = torch.zeros(x.shape[0], 64, dtype=torch.long)
    out[:, :64].scatter_(1, index, net.body(x))
    return out[:, :64]


@write
def index_put_into_a_view(net, x):
    out = torch.zeros(x.shape[0], 80)
    index = torch.arange(3)
    out[:, 8:72].index_put_((index,), net.body(x)[:3], accumulate=True)
    return out[:, 8:72]


@write
def read_through_an_older_view(net, x):
    out = net.body(x)
    older = out[:, :]
    out[:, :16] = net.row[:16]
    return older


@write
def read_through_an_older_view_of_the_base(net, x):
    out = net.body(x).sin()
    older = out.view(-1, 64)
    out.mul_(2.0)
    return older.cos()


@write
def a_view_read_before_and_after(net, x):
    out = x.clone()
    part = out[:, :32]
    part.copy_(net.body(x)[:, :32])
    part.add_(net.row[:32])
    return torch.cat([part, out[:, 32:]], 1)


@write
def filled_with_a_constant(net, x):
    out = net.body(x)
    out[:, :8] = 0.0
    out[:, 8:16].fill_(1.0)
    return out


@write
def masked_fill_on_a_view(net, x):
    out = net.body(x)
    out[:, :32].masked_fill_(x[:, :32] > 0, 0.0)
    return out


@write
def without_a_gradient(net, x):
    out = net.body(x)
    with torch.no_grad():
        out[:, :8] = 0.0
        out.clamp_(-1, 1)
    return out.tanh()


@write
def into_what_was_detached(net, x):
    out = net.body(x)
    out.detach()[:, :8] = 0.0
    return out * 2


TRAINS = {
    "everything": ("body.weight", "body.bias", "head.weight", "head.bias", "row"),
    "the written layer": ("body.weight", "body.bias"),
    "the parameter": ("row",),
    "the head": ("head.weight", "head.bias"),
}


@pytest.fixture(scope="module", params=WRITES)
def followed(request):
    model = Written(request.param)
    return request.param, module_pricer(model, WORKLOAD, batch=BATCH).trace


@pytest.mark.parametrize("part", TRAINS)
def test_a_write_is_priced_as_the_real_allocator_sees_it(followed, part):
    write, trace = followed
    trains = TRAINS[part]
    cost = estimate_names(trace, [p for p in trace.parameters if p.name in trains], ())
    step = Step(Written(write), set(trains), (), trace.workload, False)
    step.load(own_batch(BATCH)[1])
    step.run()
    state = sum(t.nbytes for entry in step.optimizer.state.values() for t in entry.values())
    assert cost.required().optimizer == state
    real = on_cpu(Written(write), set(trains), (), trace.workload, own_batch(BATCH)[1], False)
    assert abs(cost.peak_bytes - real.peak_bytes) <= STRAY + BUFFER * (write == "through_a_transpose")


def test_a_view_of_another_type_is_answered_with_the_reason():
    class Complex(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Linear(64, 64)

        def forward(self, x):
            out = torch.zeros(x.shape[0], 64, dtype=torch.cfloat)
            torch.view_as_real(out)[..., 0] = self.body(x)
            return out.abs()

    assert "view of another type" in module_pricer(Complex(), WORKLOAD, batch=BATCH).trace.problem
