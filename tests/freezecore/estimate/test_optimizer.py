"""What optimizers remember and take for a moment, against formulas written out by hand."""

import pytest
import timm.optim
import torch
import transformers

from freezecore._estimate.cards import CARDS, MARGIN_SENTENCE, margin_bytes
from freezecore._estimate.optimizer import shared_bytes, state_bytes, step_bytes
from freezecore._trace import TracedParameter
from freezecore.errors import WorkloadError
from freezecore.workload import Workload
from tests.benchmarks.memory_truth import highest_bytes

LARGE, SMALL = TracedParameter("large", 0, 10_000, 4, True), TracedParameter("small", 1, 100, 4, True)
HALF = TracedParameter("half", 2, 10_000, 2, True)


def exact(nbytes):
    return nbytes


def blocks(nbytes):
    return -(-nbytes // 512) * 512


@pytest.mark.parametrize(
    ("workload", "parameters", "state", "step"),
    [
        (Workload(optimizer="sgd"), (LARGE, SMALL), 0, 0),
        (Workload(optimizer="sgd-momentum"), (LARGE, SMALL), 40_400, 0),
        (Workload(optimizer="adamw", implementation="foreach"), (LARGE, SMALL), 2 * 40_400 + 2 * 4, 40_400),
        (Workload(optimizer="adamw", implementation="fused"), (LARGE, SMALL), 2 * 40_400 + 2 * 4, 0),
        (Workload(optimizer="adamw", implementation="loop"), (LARGE, SMALL), 2 * 40_400 + 2 * 4, 80_000),
        (Workload(optimizer="adamw", implementation="foreach", precision="bf16"), (HALF,), 2 * 20_000 + 4, 20_000),
        # two bytes a scalar and the scales of 40 blocks; a small tensor keeps 32 bits
        (Workload(optimizer="adamw-8bit"), (LARGE,), 2 * (10_000 + 40 * 4), 20 * 10_000 + 12),
        (Workload(optimizer="adamw-8bit"), (SMALL,), 2 * 400, 12 * 100 + 12),
    ],
)
def test_state_and_step_on_a_cpu(workload, parameters, state, step):
    assert state_bytes(workload, parameters, exact) == state
    assert step_bytes(workload, parameters, exact) == step


def test_on_cuda_the_counters_of_an_unfused_step_stay_in_host_memory():
    unfused, fused = (Workload(device="cuda", implementation=how) for how in ("foreach", "fused"))
    assert state_bytes(unfused, (SMALL,), blocks) == 2 * 512
    assert state_bytes(fused, (SMALL,), blocks) == 3 * 512


SHAPES = (
    ((300, 200), (300,), (100, 300)),
    ((1000,), (100, 100), ()),
    ((64, 32, 3, 3), (64,), (2, 1, 7)),
    ((5,), (4000,), (4100,), (1, 9)),
)


def made(shapes, dtype):
    parameters = [torch.nn.Parameter(torch.randn(shape).to(dtype)) for shape in shapes]
    for parameter in parameters:
        parameter.grad = torch.randn_like(parameter)
    size = dtype.itemsize
    told = [TracedParameter("", i, p.numel(), size, True, tuple(p.shape)) for i, p in enumerate(parameters)]
    return parameters, told


def taken(optimizer):
    """Bytes that a real optimizer keeps, and the most that a step of it takes beside, once its state is there."""
    optimizer.step()
    optimizer.step()
    tensors = [item for state in optimizer.state.values() for item in state.values() if isinstance(item, torch.Tensor)]
    kept = sum({t.untyped_storage()._cdata: t.untyped_storage().nbytes() for t in tensors}.values())
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        optimizer.step()
    return kept, highest_bytes(profile)


def trainers_adafactor(parameters):
    return transformers.Adafactor(parameters, lr=1e-3, scale_parameter=True, relative_step=False)


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize(
    ("workload", "build", "dtype"),
    [
        (Workload(optimizer="adafactor"), torch.optim.Adafactor, torch.float32),
        (
            Workload(optimizer="adafactor", implementation="foreach"),
            lambda parameters: torch.optim.Adafactor(parameters, foreach=True),
            torch.float32,
        ),
        (Workload(optimizer="adafactor", trainer="transformers-trainer"), trainers_adafactor, torch.float32),
        (Workload(optimizer="adafactor", trainer="transformers-trainer"), trainers_adafactor, torch.bfloat16),
    ],
)
def test_adafactor_keeps_and_takes_what_the_real_one_does(workload, build, dtype, shapes):
    parameters, told = made(shapes, dtype)
    kept, most = taken(build(parameters))
    assert state_bytes(workload, told, exact) == kept
    assert step_bytes(workload, told, exact) == pytest.approx(most, abs=64)  # a few scalars


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_torch_s_adafactor_and_lion_keep_factors_and_moments_of_the_weights_own_type(dtype, shapes):
    for optimizer, build in (("adafactor", torch.optim.Adafactor), ("lion", timm.optim.Lion)):
        parameters, told = made(shapes, dtype)
        assert state_bytes(Workload(optimizer=optimizer), told, exact) == taken(build(parameters))[0]


LISTED = [(60_000, (300, 200)), (300, (300,)), (30_000, (100, 300))]
RAN = [  # what bitsandbytes 0.50.2 and lion-pytorch 0.2.5 kept and took on a CPU for LISTED, with torch 2.15
    ("lion", "pytorch", 4, 361_200, 480_000),
    ("lion", "pytorch", 2, 180_600, 240_000),
    ("lion", "transformers-trainer", 4, 361_200, 720_000),
    ("lion", "transformers-trainer", 2, 361_200, 960_000),
    ("adamw-8bit", "pytorch", 4, 187_272, 1_200_012),
    ("adamw-8bit", "pytorch", 2, 187_272, 1_440_012),
    ("paged-adamw-8bit", "pytorch", 4, 187_272, 1_200_012),
]


@pytest.mark.parametrize(("optimizer", "trainer", "itemsize", "kept", "most"), RAN)
def test_lion_and_8_bit_adamw_keep_and_take_what_their_libraries_did(optimizer, trainer, itemsize, kept, most):
    told = [TracedParameter("", i, n, itemsize, True, shape) for i, (n, shape) in enumerate(LISTED)]
    workload = Workload(optimizer=optimizer, trainer=trainer)
    assert state_bytes(workload, told, exact) + shared_bytes(workload, told, exact) == kept
    assert step_bytes(workload, told, exact) == most


def test_on_cuda_large_paged_state_is_not_counted_and_bitsandbytes_takes_nothing_for_a_moment():
    large = TracedParameter("", 0, 100_000, 2, True, (1_000, 100))
    paged, resident = (Workload(optimizer=name, device="cuda") for name in ("paged-adamw-8bit", "adamw-8bit"))
    scales = 2 * blocks(4 * 391)
    assert state_bytes(paged, (large,), blocks) == scales
    assert state_bytes(resident, (large,), blocks) == scales + 2 * blocks(100_000)
    assert state_bytes(paged, (LARGE,), blocks) == state_bytes(resident, (LARGE,), blocks)
    assert step_bytes(paged, (large, LARGE), blocks) == 0


@pytest.mark.parametrize("optimizer", ["adafactor", "lion"])
def test_a_fused_step_is_refused_where_there_is_none(optimizer):
    with pytest.raises(WorkloadError, match=f"{optimizer} has no fused step."):
        Workload(optimizer=optimizer, implementation="fused")


def test_cards_are_in_usable_bytes_with_a_margin_that_is_named():
    t4 = next(card for card in CARDS if card.name.startswith("T4"))
    assert 14.5 < t4.usable_bytes / 2**30 < 14.6
    assert [card.name for card in CARDS if not card.native_bf16] == ["T4 16 GB", "P100 16 GB"]
    assert margin_bytes(10**10) == 600 * 10**6 + 6 * 10**8
    assert "600 MB" in MARGIN_SENTENCE
    assert "6%" in MARGIN_SENTENCE
