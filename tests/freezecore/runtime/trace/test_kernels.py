"""What a dispatcher does not see of a step: kernels that depend on what trains, that copy, and what modules keep."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from freezecore._estimate.cost import estimate_names
from freezecore._trace import Trace
from freezecore.mask import Mask
from freezecore.runtime.inputs.own import own_batch
from freezecore.runtime.trace import module_pricer
from freezecore.runtime.tree.read import read_module
from freezecore.workload import Workload
from tests.benchmarks.memory_truth import on_cpu, on_fake
from tests.freezecore.runtime.trace.test_trace_model import STRAY, costs

LOOP = Workload(implementation="loop")


class Turned(nn.Module):
    """Norms and a softmax of turned inputs, which their kernels copy."""

    def __init__(self):
        super().__init__()
        self.wide, self.first, self.last = nn.Linear(16, 64), nn.LayerNorm(64), nn.LayerNorm(64)

    def forward(self, x):
        x = self.first(self.wide(x).transpose(1, 2)).transpose(1, 2)
        return self.last(x.softmax(-1).transpose(1, 2)).mean(1)


class Keeping(nn.Module):
    """Keeps what it computed in eval mode for the next forward pass, as LeViT's attention does."""

    def __init__(self):
        super().__init__()
        self.wide, self.block = nn.Linear(16, 64), KeepingBlock()

    def forward(self, x):
        return self.block(self.wide(x))


class KeepingBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.kept = nn.Parameter(torch.randn(64, 1)), {}

    def train(self, mode=True):
        self.kept = {}
        return super().train(mode)

    def forward(self, x):
        if self.training:
            return x * self.table.repeat(1, 4096).mean(1)
        if "wide" not in self.kept:
            self.kept["wide"] = self.table.repeat(1, 4096)
        return x * self.kept["wide"].mean(1)


class Biased(nn.Module):
    """Attention whose mask is a parameter: torch's kernel keeps the scores only where that trains."""

    def __init__(self):
        super().__init__()
        self.wide, self.qkv, self.last = nn.Linear(16, 32), nn.Linear(32, 96), nn.Linear(32, 8)
        self.bias = nn.Parameter(torch.zeros(1, 4, 64, 64))

    def forward(self, x):
        q, k, v = self.qkv(self.wide(x)).view(-1, 64, 3, 4, 8).permute(2, 0, 3, 1, 4).unbind(0)
        heads = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=self.bias)
        return self.last(heads.transpose(1, 2).reshape(-1, 64, 32)).mean(1)


class Windows(nn.Module):
    """Attention over five dimensions, as in windows of a picture, which no fused kernel of a CPU takes."""

    def __init__(self):
        super().__init__()
        self.wide, self.last = nn.Linear(16, 32), nn.Linear(32, 8)

    def forward(self, x):
        heads = self.wide(x).view(-1, 4, 32, 4, 8).transpose(2, 3)
        return self.last(
            nn.functional.scaled_dot_product_attention(heads, heads, heads).transpose(2, 3).flatten(3)
        ).mean((1, 2))


@pytest.mark.parametrize("precision", ["fp32", "bf16-autocast", "bf16"])
def test_a_softmax_that_looks_for_hidden_rows_takes_a_byte_a_value(precision):
    batch = torch.randn(8, 128, 16)
    trace = module_pricer(Windows(), replace(LOOP, precision=precision), batch=batch).trace
    cost = costs(trace, "last.weight")
    model, batch = (Windows().bfloat16(), batch.bfloat16()) if precision == "bf16" else (Windows(), batch)
    real = on_cpu(model, {"last.weight"}, (), trace.workload, own_batch(batch)[1], False)
    assert "_safe_softmax" in str(cost.peak_moment)
    assert cost.peak_with_scratch == pytest.approx(real.peak_bytes, rel=3e-3)  # and one for each row


@pytest.mark.parametrize("precision", ["fp32", "bf16-autocast"])
@pytest.mark.parametrize("trains", [("bias",), ("qkv.weight",), ("qkv.weight", "bias"), ("wide.bias", "last.weight")])
def test_the_kernel_of_attention_depends_on_what_trains(trains, precision):
    batch = torch.randn(8, 64, 16)
    pricer = module_pricer(Biased(), replace(LOOP, precision=precision), batch=batch)
    trained = [p for p in pricer.trace.parameters if p.name in trains]
    trace = pricer.complete([Mask.from_names(read_module(Biased(), "biased"), trains)])
    cost = estimate_names(trace, trained, (), in_place=False)
    true = on_fake(Biased(), set(trains), (), trace.workload, own_batch(batch)[1], False)
    assert abs(cost.peak_bytes - true.peak_bytes) <= STRAY
    assert cost.flops_backward == true.flops_backward
    assert (cost.activations_saved > 8 * 4 * 64 * 64 * (4 if precision == "fp32" else 2)) == ("bias" in trains)


class AfterTranspose(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner, self.last = inner, nn.Linear(512, 8)

    def forward(self, x):
        found = self.inner(x.transpose(1, 2))
        return self.last((found if isinstance(found, torch.Tensor) else found[0]).mean(1))


@pytest.mark.parametrize(
    ("inner", "trains"),
    [
        (lambda: nn.Linear(64, 512), ("inner.weight",)),
        (lambda: nn.GRU(64, 256, batch_first=True, bidirectional=True), ("last.weight",)),
        (lambda: nn.RNN(64, 512, batch_first=True), ("last.weight",)),
    ],
)
def test_a_bias_is_added_in_place_to_the_product_of_a_strided_input(inner, trains):
    batch = torch.randn(32, 64, 16)
    pricer = module_pricer(AfterTranspose(inner()), LOOP, batch=batch)
    real = on_cpu(AfterTranspose(inner()), set(trains), (), pricer.trace.workload, own_batch(batch)[1], False)
    assert abs(costs(pricer.trace, *trains).peak_bytes - real.peak_bytes) <= STRAY


def test_a_sum_that_python_asks_for_makes_a_new_tensor():
    class Own(AfterTranspose):
        def forward(self, x):
            return self.last((x.transpose(1, 2) @ self.inner.weight.t() + self.inner.bias).mean(1))

    batch, trains = torch.randn(32, 64, 16), ("inner.weight",)
    pricer = module_pricer(Own(nn.Linear(64, 512)), LOOP, batch=batch)
    real = on_cpu(Own(nn.Linear(64, 512)), set(trains), (), pricer.trace.workload, own_batch(batch)[1], False)
    assert abs(costs(pricer.trace, *trains).peak_bytes - real.peak_bytes) <= STRAY


@pytest.mark.parametrize("held", [(), ("block",)])
def test_what_a_module_keeps_from_step_to_step_is_there_before_it(held):
    batch = torch.randn(64, 16)
    trace = module_pricer(Keeping(), LOOP, batch=batch).trace
    cost = estimate_names(trace, [p for p in trace.parameters if p.name == "wide.weight"], held, in_place=False)
    true = on_fake(Keeping(), {"wide.weight"}, held, trace.workload, own_batch(batch)[1], False)
    assert abs(cost.peak_bytes - true.peak_bytes) <= STRAY
    assert true.peak_bytes > 64 * 4096 * 4


@pytest.mark.parametrize("trains", [("wide.weight",), ("first.weight",), ("last.bias",)])
def test_copies_that_kernels_make_are_in_the_peak(trains):
    batch = torch.randn(64, 64, 16)
    trace = module_pricer(Turned(), LOOP, batch=batch).trace
    real = on_cpu(Turned(), set(trains), (), trace.workload, own_batch(batch)[1], False)
    assert abs(costs(trace, *trains).peak_bytes - real.peak_bytes) <= 8 * STRAY
    assert costs(Trace.from_bytes(trace.to_bytes()), *trains) == costs(trace, *trains)


@pytest.mark.parametrize("dims", [1, (1, 2), None])
def test_a_mean_in_half_precision_copies_its_input_in_float32_on_a_cpu(dims):
    class Averaged(nn.Module):
        def __init__(self):
            super().__init__()
            self.wide = nn.Linear(16, 256)

        def forward(self, x):
            return self.wide(x).mean(dims) if dims else self.wide(x).mean()

    batch = torch.randn(64, 32, 16)
    trace = module_pricer(Averaged(), Workload(implementation="loop", precision="bf16"), batch=batch).trace
    trains = {"wide.bias"}
    real = on_cpu(Averaged().bfloat16(), trains, (), trace.workload, own_batch(batch.bfloat16())[1], False)
    assert abs(costs(trace, *trains).peak_bytes - real.peak_bytes) <= 8 * STRAY
    assert real.peak_bytes > 64 * 32 * 256 * 6


class Tied(nn.Module):
    """One weight that three layers read, one of them through a view that is no leaf."""

    def __init__(self):
        super().__init__()
        self.wide, self.tied, self.last = nn.Linear(64, 1024), nn.Linear(1024, 1024), nn.Linear(1024, 384)

    def forward(self, x):
        x = self.tied(self.wide(x)).relu()
        x = self.tied(x).relu()
        return self.last(nn.functional.linear(x, self.tied.weight[:512].repeat(2, 1)))


READERS = {
    "GRU": lambda: nn.GRU(64, 384),
    "RNN of two layers": lambda: nn.RNN(64, 384, 2),
    "RNN of turned samples": lambda: nn.RNN(64, 384, batch_first=True),
    "GRU of two directions": lambda: nn.GRU(64, 192, bidirectional=True),
    "tied": Tied,
}


class Between(nn.Module):
    """A module between two linear layers."""

    def __init__(self, inner):
        super().__init__()
        self.before, self.inner, self.after = nn.Linear(64, 64), inner, nn.Linear(384, 4)

    def forward(self, x):
        output = self.inner(self.before(x))
        return self.after(output[0] if isinstance(output, tuple) else output).mean(1)


PACKED = 60_000  # bytes in which the blocks of a bf16 matrix product may differ from those learnt at another size


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("part", ["bias", "weight", "after", "before"])
def test_autocast_copies_a_frozen_weight_for_each_of_its_readers(name, part):
    batch, model = torch.randn(24, 4, 64), Between(READERS[name]())
    trains = {n for n, _ in model.named_parameters() if part in n}
    workload = Workload(implementation="loop", precision="bf16-autocast")
    trace = module_pricer(model, workload, batch=batch).trace
    real = on_cpu(model, trains, (), trace.workload, own_batch(batch)[1], False)
    assert costs(trace, *trains).peak_with_scratch == pytest.approx(real.peak_bytes, abs=PACKED)


class Turning(nn.Module):
    """A linear layer over the channels of turned pictures."""

    def __init__(self):
        super().__init__()
        self.before, self.inner = nn.Linear(32, 32), nn.Linear(256, 512)

    def forward(self, x):
        return self.inner(self.before(x).permute(0, 2, 3, 1)).mean((1, 2))


@pytest.mark.parametrize("precision", ["bf16", "bf16-autocast"])
@pytest.mark.parametrize("part", ["before", "inner.bias", "inner"])
def test_a_frozen_weight_of_a_strided_input_is_copied_for_each_of_its_rows(precision, part):
    batch, model = torch.randn(4, 256, 16, 32), Turning()
    trains = {n for n, _ in model.named_parameters() if part in n}
    workload = Workload(implementation="loop", precision=precision)
    trace = module_pricer(model, workload, batch=batch).trace
    if precision == "bf16":
        model, batch = model.bfloat16(), batch.bfloat16()
    real = on_cpu(model, trains, (), trace.workload, own_batch(batch)[1], False)
    assert costs(trace, *trains).peak_with_scratch == pytest.approx(real.peak_bytes, rel=0.02, abs=PACKED)
    assert real.peak_bytes > 4 * 16 * 256 * 512 * 2 or part == "inner"


CONVOLUTIONS = {
    "1 x 1": lambda: nn.Conv2d(128, 256, 1, bias=False),
    "3 x 3": lambda: nn.Conv2d(128, 128, 3, padding=1, bias=False),
    "depthwise": lambda: nn.Conv2d(128, 128, 3, padding=1, groups=128, bias=False),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
@pytest.mark.parametrize("part", ["", "before", "head"])
def test_the_scratch_memory_of_convolutions_in_half_precision_is_in_the_peak_with_it(name, part):
    parts = {"before": nn.Conv2d(64, 128, 1), "inner": CONVOLUTIONS[name](), "pool": nn.AdaptiveAvgPool2d(1)}

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts, self.head = nn.ModuleDict(parts), nn.LazyLinear(8)

        def forward(self, x):
            for part in self.parts.values():
                x = part(x)
            return self.head(x.flatten(1))

    batch, model = torch.randn(4, 64, 32, 32), Net()
    model(batch)
    trains = {n for n, _ in model.named_parameters() if part in n}
    trace = module_pricer(model, Workload(implementation="loop", precision="bf16"), batch=batch).trace
    cost = costs(trace, *trains)
    real = on_cpu(model.bfloat16(), trains, (), trace.workload, own_batch(batch.bfloat16())[1], False)
    assert cost.peak_with_scratch == pytest.approx(real.peak_bytes, rel=0.02)


def test_a_picture_of_one_pixel_is_not_taken_for_channels_last():
    def scratch(size):
        model = nn.Conv2d(64, 64, 5, padding=2, groups=64)
        trace = module_pricer(nn.Sequential(model), LOOP, batch=torch.randn(4, 64, size, size)).trace
        cost = costs(trace, *(p.name for p in trace.parameters))
        return cost.peak_with_scratch - cost.peak_bytes

    assert scratch(1) < 64 * 25 * 4 * 256
