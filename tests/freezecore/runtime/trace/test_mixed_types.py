"""Operations on two types, Fourier transforms and products that numbers decide, against the real allocator."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from freezecore._estimate.cost import at_most
from freezecore.runtime.trace import kernels
from freezecore.runtime.trace.allocator import most_allocated
from tests.freezecore.runtime.trace.test_scratch import told_and_real

aten = torch.ops.aten
CLOSE = 0.0005
TYPES = (torch.float32, torch.bfloat16, torch.float64, torch.bool, torch.long)
TWO = (aten.add.Tensor, aten.mul.Tensor, aten.div.Tensor, aten.pow.Tensor_Tensor, aten.maximum.default, aten.eq.Tensor,
       aten.add_.Tensor, aten.mul_.Tensor, aten.logical_and.default, aten.fmod.Tensor)  # fmt: skip


@pytest.mark.parametrize("function", TWO, ids=str)
def test_a_kernel_takes_the_copies_that_the_rule_says(function):
    tried = 0
    for one in TYPES:
        for other in TYPES:
            given = torch.ones(1024, dtype=one), torch.ones(1024, dtype=other)
            try:
                result, most = most_allocated(lambda given=given: function(*given))
            except RuntimeError:  # it does not take these
                continue
            made = 0 if result is given[0] else result.nbytes
            assert most - made == kernels.promoted_bytes(function, given), (one, other)
            tried += 1
    assert tried >= 10


class Between(nn.Module):
    def __init__(self, function, wide=32, left=32):
        super().__init__()
        self.first, self.last, self.function = nn.Linear(32, wide), nn.Linear(left, 5), function

    def forward(self, x):
        return self.last(self.function(self.first(x)))


class Residual(nn.Module):
    """Under autocast, what is added is in half precision, and the stream is not."""

    def __init__(self):
        super().__init__()
        self.first, self.narrow, self.last = nn.Linear(32, 64), nn.Linear(64, 32), nn.Linear(32, 5)

    def forward(self, x):
        return self.last((x + self.narrow(F.gelu(self.first(x)))).mean(1))


class Spectral(nn.Module):
    """A layer of a Fourier neural operator in two dimensions, of whose two weights one may train alone."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 1, 1)
        self.low, self.high = (nn.Parameter(torch.rand(8, 8, 6, 6, dtype=torch.cfloat)) for _ in range(2))

    def forward(self, x):
        found = torch.fft.rfft2(self.first(x))
        out = torch.zeros_like(found)
        out[:, :, :6, :6] = torch.einsum("bixy,ioxy->boxy", found[:, :, :6, :6], self.low)
        out[:, :, -6:, :6] = torch.einsum("bixy,ioxy->boxy", found[:, :, -6:, :6], self.high)
        return self.last(F.gelu(torch.fft.irfft2(out, s=x.shape[-2:])))


MODELS = {
    "by a mask": (lambda: Between(lambda x: x * (x > 0)), (64, 32), "fp32"),
    "with its half": (lambda: Between(lambda x: x + x.half()), (64, 32), "fp32"),
    "a residual stream": (Residual, (64, 16, 32), "bf16-autocast"),
    "a Fourier operator": (Spectral, (4, 3, 32, 32), "fp32"),
}
PARTS = {"everything": "", "the last layer": "last", "one weight": "high"}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("name", MODELS)
def test_a_step_takes_what_the_allocator_shows(name, part):
    build, shape, precision = MODELS[name]
    model = build()
    trains = {each for each, _ in model.named_parameters() if PARTS[part] in each}
    if not trains:
        pytest.skip("no such weight")
    cost, real = told_and_real(model, torch.randn(shape), trains, precision)
    assert cost.peak_with_scratch == pytest.approx(real, rel=CLOSE)


@pytest.mark.parametrize("samples", [16, 64, 256])
def test_a_layer_over_one_row_a_sample_takes_its_blocks_in_half_precision(samples):
    model = Between(F.gelu)
    cost, real = told_and_real(model, torch.randn(samples, 32), {"last.weight"}, "bf16-autocast")
    assert cost.peak_with_scratch == pytest.approx(real, rel=CLOSE)


DECIDED = {
    "a product": lambda x: x.view(-1, 32, 8).prod(2),
    "products": lambda x: x.view(-1, 8, 32).cumprod(1).sum(1),
    "a quantile": lambda x: x.view(-1, 32, 8).quantile(0.5, dim=2),
}


@pytest.mark.parametrize("name", DECIDED)
def test_what_numbers_decide_is_counted_at_its_most_and_told_beside_the_number(name):
    for function in (DECIDED[name], lambda x: DECIDED[name](x.relu())):  # without a zero, and with many
        model = Between(function, 256)
        trains = {each for each, _ in model.named_parameters()}
        cost, real = told_and_real(model, torch.randn(64, 32), trains, "fp32")
        assert cost.peak_with_scratch >= real * (1 - CLOSE)
        assert len(list(at_most(cost))) == 1
    assert name != "a product" or cost.peak_with_scratch == pytest.approx(real, rel=0.01)


def test_nothing_is_told_of_a_step_without_such_an_operation():
    cost, _ = told_and_real(Between(F.gelu), torch.randn(64, 32), {"first.weight"}, "fp32")
    assert not list(at_most(cost))
