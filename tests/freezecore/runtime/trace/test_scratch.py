"""Scratch memory of a CPU's kernels, by rule and learnt, against the real allocator."""

import pytest
import torch
from torch import nn

from freezecore._trace import Trace
from freezecore.runtime.inputs.own import own_batch
from freezecore.runtime.trace import module_pricer
from freezecore.workload import Workload
from tests.benchmarks.memory_truth import on_cpu
from tests.freezecore.runtime.trace.test_trace_model import costs

SMALL = 60_000  # buffers of a kernel that no rule knows, bytes
CONVOLUTIONS = {
    "3 x 3": lambda: nn.Conv2d(64, 96, 3, padding=1),
    "3 x 3 of odd channels": lambda: nn.Conv2d(64, 40, 3, padding=1, bias=False),
    "3 x 3 dilated": lambda: nn.Conv2d(64, 48, 3, padding=2, dilation=2),
    "3 x 3 strided": lambda: nn.Conv2d(64, 96, 3, 2, padding=1),
    "1 x 1": lambda: nn.Conv2d(64, 128, 1),
    "1 x 1 strided": lambda: nn.Conv2d(64, 128, 1, 2, bias=False),
    "2 x 2 patches": lambda: nn.Conv2d(64, 128, 2, 2),
    "in groups": lambda: nn.Conv2d(64, 64, 3, padding=1, groups=4, bias=False),
    "depthwise 3 x 3": lambda: nn.Conv2d(64, 64, 3, padding=1, groups=64),
    "depthwise 5 x 5 strided": lambda: nn.Conv2d(64, 64, 5, 2, padding=2, groups=64, bias=False),
    "depthwise 7 x 7": lambda: nn.Conv2d(64, 64, 7, padding=3, groups=64),
    "transposed": lambda: nn.ConvTranspose2d(64, 48, 2, 2),
}
TRAINS = {"all": ("before", "inner"), "before": ("before",), "inner": ("inner",)}


class Around(nn.Module):
    """One convolution behind a small one, in some memory format."""

    def __init__(self, inner, memory_format=torch.contiguous_format):
        super().__init__()
        self.before, self.inner, self.format = nn.Conv2d(2, 64, 1, bias=False), inner, memory_format

    def forward(self, x):
        return self.inner(self.before(x.contiguous(memory_format=self.format))).relu().mean((2, 3))[:, :4]


def told_and_real(model, batch, trains, precision):
    """The estimate with scratch memory, the one without, and what the allocator shows."""
    workload = Workload(implementation="loop", precision=precision)
    trace = module_pricer(model, workload, batch=batch).trace
    cost = costs(Trace.from_bytes(trace.to_bytes()), *trains)
    if precision == "bf16":
        model, batch = model.bfloat16(), batch.bfloat16()
    return cost, on_cpu(model, set(trains), (), trace.workload, own_batch(batch)[1], False).peak_bytes


@pytest.mark.parametrize("precision", ["fp32", "bf16", "bf16-autocast"])
@pytest.mark.parametrize("part", TRAINS)
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_a_convolution_takes_what_the_allocator_shows(name, part, precision):
    model = Around(CONVOLUTIONS[name]())
    trains = {n for n, _ in model.named_parameters() if n.startswith(TRAINS[part])}
    cost, real = told_and_real(model, torch.randn(4, 2, 24, 24), trains, precision)
    assert cost.peak_with_scratch == pytest.approx(real, rel=0.01, abs=SMALL)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", ["3 x 3", "1 x 1", "in groups", "depthwise 3 x 3", "depthwise 7 x 7"])
def test_so_it_does_of_pictures_in_channels_last_order(name, precision):
    model, batch = Around(CONVOLUTIONS[name](), torch.channels_last), torch.randn(4, 2, 24, 24)
    cost, real = told_and_real(model, batch, {n for n, _ in model.named_parameters()}, precision)
    assert cost.peak_with_scratch == pytest.approx(real, rel=0.01, abs=SMALL)


@pytest.mark.parametrize("form", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("side", [2, 3])
def test_a_depthwise_kernel_over_a_picture_smaller_than_itself_takes_more(side, form):
    model = Around(nn.Conv2d(64, 64, 3, padding=1, groups=64), form)
    cost, real = told_and_real(model, torch.randn(4, 2, side, side), {n for n, _ in model.named_parameters()}, "fp32")
    assert cost.peak_with_scratch == pytest.approx(real, rel=0.01, abs=4_000)


class OverASequence(nn.Module):
    """A depthwise convolution over time, as a Mamba has it, behind a layer that gives its vectors one after another."""

    def __init__(self, width, turned):
        super().__init__()
        self.before, self.turned = nn.Linear(4, 128), turned
        self.inner = nn.Conv1d(128, 128, width, padding=width - 1, groups=128)

    def forward(self, x):
        given = self.before(x).transpose(1, 2)
        return self.inner(given if self.turned else given.contiguous()).relu().mean(2)[:, :4]


@pytest.mark.parametrize("turned", [True, False])
@pytest.mark.parametrize("width", [3, 4])
def test_a_depthwise_convolution_over_a_sequence_copies_what_lies_otherwise(width, turned):
    model = OverASequence(width, turned)
    batch, trains = torch.randn(4, 32, 4), {n for n, _ in model.named_parameters()}
    cost, real = told_and_real(model, batch, trains, "fp32")
    assert cost.peak_with_scratch == pytest.approx(real, rel=0.02)


@pytest.mark.parametrize("samples", [2, 4, 40])
@pytest.mark.parametrize("precision", ["bf16", "bf16-autocast"])
@pytest.mark.parametrize("part", ["weight", "bias", "2.weight"])
def test_a_matrix_product_in_half_precision_takes_its_blocks(part, precision, samples):
    model = nn.Sequential(nn.Linear(96, 128), nn.GELU(), nn.Linear(128, 96))
    trains = {n for n, _ in model.named_parameters() if part in n}
    cost, real = told_and_real(model, torch.randn(samples, 48, 96), trains, precision)
    assert cost.peak_with_scratch == pytest.approx(real, rel=0.02)


@pytest.mark.parametrize("kind", ["bilinear", "3-d"])
def test_a_kernel_that_no_rule_knows_is_learnt(kind):
    inner, batch = {
        "bilinear": (Twice(), torch.randn(4, 48, 96)),
        "3-d": (nn.Sequential(nn.Conv3d(4, 16, 1), nn.Conv3d(16, 16, 3, padding=1)), torch.randn(4, 4, 8, 12, 12)),
    }[kind]
    cost, real = told_and_real(inner, batch, {n for n, _ in inner.named_parameters()}, "fp32")
    assert cost.peak_with_scratch == pytest.approx(real, rel=0.02)


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Bilinear(96, 96, 24)

    def forward(self, x):
        return self.inner(x, x).mean(1)


class OnASlice(nn.Module):
    """A convolution of half of the channels, which lie with gaps: outermost, or innermost as NHWC models have them."""

    def __init__(self, inner, innermost):
        super().__init__()
        self.before, self.inner, self.innermost = nn.Linear(8, 128), inner, innermost

    def forward(self, x):
        both = self.before(x).permute(0, 3, 1, 2)
        both = both if self.innermost else both.contiguous()
        return self.inner(both[:, :64]).relu().mean((2, 3))[:, :4]


@pytest.mark.parametrize("innermost", [False, True])
@pytest.mark.parametrize("name", ["3 x 3", "3 x 3 strided", "1 x 1", "depthwise 3 x 3", "depthwise 7 x 7"])
def test_a_slice_is_copied_before_it_is_convolved(name, innermost):
    model = OnASlice(CONVOLUTIONS[name](), innermost)
    cost, real = told_and_real(model, torch.randn(4, 24, 24, 8), {"before.weight", "inner.weight"}, "fp32")
    assert cost.peak_with_scratch == pytest.approx(real, rel=0.01, abs=SMALL)


@pytest.mark.parametrize("innermost", [False, True])
def test_a_picture_of_one_pixel_lies_as_its_strides_say(innermost):
    class OnePixel(nn.Module):
        def __init__(self):
            super().__init__()
            self.before, self.inner = nn.Linear(8, 64), CONVOLUTIONS["depthwise 7 x 7"]()

        def forward(self, x):
            pixel = self.before(x).permute(0, 3, 1, 2)
            return self.inner(pixel if innermost else pixel.flatten().view(-1, 64, 1, 1)).mean((2, 3))[:, :4]

    cost, real = told_and_real(OnePixel(), torch.randn(4, 1, 1, 8), {"before.weight", "inner.weight"}, "fp32")
    assert cost.peak_with_scratch == pytest.approx(real, rel=0.01, abs=SMALL)
