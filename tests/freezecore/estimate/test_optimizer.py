"""What optimizers remember and take for a moment, against formulas written out by hand."""

import pytest

from freezecore._estimate.cards import CARDS, MARGIN_SENTENCE, margin_bytes
from freezecore._estimate.optimizer import state_bytes, step_bytes
from freezecore._trace import TracedParameter
from freezecore.workload import Workload

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
        (Workload(optimizer="adamw-8bit"), (LARGE,), 2 * (10_000 + 40 * 4), 0),
        (Workload(optimizer="adamw-8bit"), (SMALL,), 2 * 400, 0),
    ],
)
def test_state_and_step_on_a_cpu(workload, parameters, state, step):
    assert state_bytes(workload, parameters, exact) == state
    assert step_bytes(workload, [exact(p.numel * p.itemsize) for p in parameters]) == step


def test_on_cuda_the_counters_of_an_unfused_step_stay_in_host_memory():
    unfused, fused = (Workload(device="cuda", implementation=how) for how in ("foreach", "fused"))
    assert state_bytes(unfused, (SMALL,), blocks) == 2 * 512
    assert state_bytes(fused, (SMALL,), blocks) == 3 * 512


def test_cards_are_in_usable_bytes_with_a_margin_that_is_named():
    t4 = next(card for card in CARDS if card.name.startswith("T4"))
    assert 14.5 < t4.usable_bytes / 2**30 < 14.6
    assert [card.name for card in CARDS if not card.native_bf16] == ["T4 16 GB", "P100 16 GB"]
    assert margin_bytes(10**10) == 600 * 10**6 + 6 * 10**8
    assert "600 MB" in MARGIN_SENTENCE
    assert "6%" in MARGIN_SENTENCE
