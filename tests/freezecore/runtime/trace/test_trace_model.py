"""The tracer against the same step run for real on fake tensors, and what it must survive."""

import json

import pytest
import torch
from torch import nn

from freezecore._estimate.cost import Estimate, estimate_names
from freezecore._resolve import resolve
from freezecore._trace import Trace
from freezecore.errors import TraceError
from freezecore.runtime.inputs.own import own_batch
from freezecore.runtime.trace import module_pricer, source_pricer, trace_module
from freezecore.runtime.tree.read import read_source
from freezecore.source import ModelSource
from freezecore.spec import FreezeSpec
from freezecore.workload import Workload
from tests.benchmarks.memory_truth import on_cpu, on_fake

STRAY = 8  # bytes: a loss or a counter more or less


class Net(nn.Module):
    """A convolution, a norm, a dropout and a head."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(8, 10)

    def forward(self, x):
        return self.head(self.drop(torch.relu(self.norm(self.conv(x)))).mean((2, 3)))


def costs(trace, *names, held=(), batch_size=None):
    return estimate_names(trace, [p for p in trace.parameters if p.name in names], held, batch_size=batch_size)


@pytest.fixture(scope="module")
def trace():
    return trace_module(Net(), Workload(4, image_size=16, implementation="loop"))


def test_a_trace_survives_its_bytes(trace):
    again = Trace.from_bytes(trace.to_bytes())
    assert costs(again, "conv.weight") == costs(trace, "conv.weight")


def test_a_convolution_keeps_its_input_even_when_only_its_bias_trains(trace):
    bias, weight = costs(trace, "conv.bias"), costs(trace, "conv.weight")
    assert bias.activations_saved == weight.activations_saved


def test_the_head_alone_keeps_only_the_heads_input(trace):
    cost = costs(trace, "head.weight", held=("conv", "norm"))
    batch = 4 * 3 * 16 * 16 * 4 + 4 * 8
    log_softmax, pooled, loss_parts = 4 * 10 * 4, 4 * 8 * 4, 4 + 4
    assert cost.activations_saved == batch + log_softmax + pooled + loss_parts


def test_the_parts_sum_to_the_peak(trace):
    for names in ([], ["head.bias"], [p.name for p in trace.parameters]):
        cost = costs(trace, *names)
        parts = (cost.weights, cost.gradients, cost.optimizer, cost.activations, cost.temporaries)
        assert sum(parts) == cost.peak_bytes


def test_a_held_dropout_keeps_no_mask(trace):
    everything = [p.name for p in trace.parameters]
    held = costs(trace, *everything, held=("drop",))
    assert held.activations_saved < costs(trace, *everything).activations_saved


def test_what_is_not_tried_yet_is_named_and_can_be_filled_in():
    model = Net()
    pricer = module_pricer(model, Workload(4, image_size=16))
    trace = pricer.trace
    for operation in trace.operations:
        if operation.name == "convolution":
            operation.saved.clear()
    cost = costs(trace, "conv.bias")
    assert cost.missing
    with pytest.raises(TraceError, match=r"combinations were not measured yet. Price the mask by fc.pricer"):
        print(f"{cost.peak_bytes / 1e6} MB")
    filled = pricer.fill(trace, cost.missing)
    assert costs(filled, "conv.bias").peak_bytes > 0


@pytest.mark.slow
def test_what_torch_does_not_differentiate_is_a_sentence(tmp_path):
    """T5's table of positions is the mask of its attention; checkpointed, its kernel has no gradient for one."""
    sizes = {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 2, "num_heads": 2, "vocab_size": 32}
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"model_type": "t5", **sizes}))
    source = ModelSource.parse(f"config:{config}", task="seq2seq-lm")
    pricer = source_pricer(source, Workload(2, sequence_length=8, device="cpu", checkpointing=True))
    with pytest.raises(TraceError, match=r"not followed\. .*not differentiable with respect to argument 'attn_mask'"):
        pricer.estimate(resolve(FreezeSpec.parse("freeze all; train norms"), read_source(source)))


def test_a_model_that_asks_for_values_is_not_guessed_at():
    class Peeks(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(3, 2)

        def forward(self, x):
            return self.head(x.mean((2, 3))) if x.sum() > 0 else self.head(-x.mean((2, 3)))

    trace = trace_module(Peeks(), Workload(4, image_size=16))
    cost = costs(trace, "head.weight")
    assert not cost.known
    assert cost.gradients == 3 * 2 * 4
    assert "without running" in cost.problem
    with pytest.raises(TraceError, match="without running"):
        print(f"{cost.activations}")
    assert cost.to_json() | {"problem": "", "left_out": []} == {
        **dict.fromkeys(Estimate.__slots__), "weights": 32, "gradients": 24, "optimizer": 52, "gradients_total": 24,
        "phases": (), "left_out": [], "missing": (), "problem": "",
    }  # fmt: skip


class Difference(nn.Module):
    def forward(self, x, y):
        return x - y


class Residual(nn.Module):
    """A module with two inputs, whose gradients are complete at moments far apart."""

    def __init__(self):
        super().__init__()
        self.wide, self.inner, self.unused = nn.Linear(16, 512), nn.Linear(512, 512), nn.Linear(2, 2)
        self.difference = Difference()

    def forward(self, x):
        x = self.wide(x)
        return self.difference(-self.inner(x).sin().cos(), x).mean(0)


class Branches(nn.Module):
    """A sum that hands its gradient to a value with one waiting, and then to another."""

    def __init__(self):
        super().__init__()
        self.wide, self.inner, self.unused = nn.Linear(16, 512), nn.Linear(512, 512), nn.Linear(2, 2)

    def forward(self, x):
        x = self.inner(self.wide(x))
        early, late = x.sin(), -x.cos().sin().cos()
        return ((early + late).neg() - early).mean(0)


class Block(nn.Module):
    """A residual whose dropout is a function: train mode reads what is added before what it is added to."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(512, 512)

    def forward(self, x, mask):
        return (x + nn.functional.dropout(self.inner(x).sin(), 0.1, self.training)) * mask


class Dropping(nn.Module):
    """Two of them, and a mask that is read inside and outside."""

    def __init__(self):
        super().__init__()
        self.wide, self.block, self.last, self.unused = nn.Linear(16, 512), Block(), Block(), nn.Linear(2, 2)
        self.register_buffer("mask", torch.ones(512))

    def forward(self, x):
        x = self.block(self.wide(x), self.mask) * self.mask
        return self.last(x, self.mask).mean(0)


MODELS = (Residual, Branches)
TRAINS = (("wide.weight", "inner.weight"), ("wide.bias",), ("unused.bias",))


@pytest.mark.parametrize("trains", TRAINS)
@pytest.mark.parametrize("model", MODELS)
def test_the_peak_is_that_of_the_step_on_fake_tensors(model, trains):
    batch = torch.randn(4096, 16)
    trace = module_pricer(model(), Workload(implementation="loop"), batch=batch).trace
    chosen = [p for p in trace.parameters if p.name in trains]
    cost = estimate_names(trace, chosen, (), in_place=False)
    true = on_fake(model(), set(trains), (), trace.workload, own_batch(batch)[1], False)
    assert abs(cost.peak_bytes - true.peak_bytes) <= STRAY
    assert cost.flops_backward == true.flops_backward


@pytest.mark.parametrize("held", [(), ("block",), ("block", "last"), ("last",)])
@pytest.mark.parametrize("trains", [("wide.weight", "block.inner.weight"), ("last.inner.weight",), ("wide.bias",)])
def test_dropouts_that_are_functions_are_followed_in_both_modes(held, trains):
    batch = torch.randn(4096, 16)
    trace = module_pricer(Dropping(), Workload(implementation="loop"), batch=batch).trace
    cost = estimate_names(trace, [p for p in trace.parameters if p.name in trains], held, in_place=False)
    true = on_fake(Dropping(), set(trains), held, trace.workload, own_batch(batch)[1], False)
    assert (trace.problem, cost.flops_backward) == ("", true.flops_backward)
    assert abs(cost.peak_bytes - true.peak_bytes) <= STRAY


class Attending(nn.Module):
    """An attention whose own dropout is a function, and dropouts that read what it made: in eval mode they do nothing,
    and what comes behind them reads the attention's own."""

    def __init__(self):
        super().__init__()
        self.wide, self.attention = nn.Linear(16, 64), nn.MultiheadAttention(64, 4, 0.1, batch_first=True)
        self.drop, self.again, self.last = nn.Dropout(0.1), nn.Dropout(0.1), nn.Linear(64, 64)

    def forward(self, x):
        x = self.wide(x)
        return self.last(x + self.again(self.drop(self.attention(x, x, x, need_weights=False)[0]))).mean((0, 1))


ATTENDED = torch.randn(64, 8, 16)


@pytest.fixture(scope="module")
def attending():
    return module_pricer(Attending(), Workload(implementation="loop"), batch=ATTENDED).trace


@pytest.mark.parametrize("held", [(), ("attention",), ("attention", "drop"), ("attention", "again"), ("drop",)])
@pytest.mark.parametrize("trains", [("wide.weight", "last.weight"), ("attention.in_proj_weight",), ("wide.bias",)])
def test_a_dropout_in_train_mode_reads_what_a_layer_before_it_makes_in_eval_mode(attending, held, trains):
    cost = estimate_names(attending, [p for p in attending.parameters if p.name in trains], held, in_place=False)
    true = on_fake(Attending(), set(trains), held, attending.workload, own_batch(ATTENDED)[1], False)
    assert (attending.problem, cost.flops_backward) == ("", true.flops_backward)
    assert abs(cost.peak_bytes - true.peak_bytes) <= STRAY


@pytest.mark.parametrize("model", MODELS)
def test_the_peak_is_that_of_the_real_allocator(model):
    batch = torch.randn(4096, 16)
    trace = module_pricer(model(), Workload(implementation="loop"), batch=batch).trace
    names = [p.name for p in trace.parameters if p.used]
    real = on_cpu(model(), set(names), (), trace.workload, own_batch(batch)[1], False)
    assert abs(costs(trace, *names).peak_bytes - real.peak_bytes) <= 8 * STRAY
